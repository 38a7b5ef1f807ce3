"""Files that cannot be used: one clear sentence with a next step, and the file as it was."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from tests.store.rows import completion_row, item_row, write
from tlm_dash.errors import (
    SettingsError,
    StoreBrokenError,
    StoreBusyError,
    StoreError,
    StoreTooNewError,
    TlmDashError,
)
from tlm_dash.store import Store

ROOT = Path(__file__).resolve().parents[2]


def open_at(path: Path, tmp_path: Path) -> Store:
    return Store.open(f"duckdb:///{path}", temp_dir=tmp_path / "temporary")


def assert_plain(error: TlmDashError) -> None:
    """One sentence and a hint, no engine's words, no traceback."""
    assert re.fullmatch(r"[A-Z].*\.", error.message)
    assert re.fullmatch(r"[A-Z].*\.", error.hint)
    assert not re.search(r"IO Error|Exception|duckdb\.org|Traceback|\n", str(error))


@pytest.fixture
def database(tmp_path: Path) -> bytes:
    """The bytes of a whole database with some megabytes in it."""
    store = open_at(tmp_path / "whole.duckdb", tmp_path)
    write(store, completion=[completion_row(n, os.urandom(2000).hex()) for n in range(500)])
    store.close()
    content = (tmp_path / "whole.duckdb").read_bytes()
    assert len(content) > 1_000_000
    return content


def checksummed(page: bytes) -> bytes:
    """Give a header page with DuckDB's checksum over what follows it."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", page[8:]):
        result ^= word * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    return struct.pack("<Q", result) + page[8:]


NOT_DATABASES = {
    "empty": b"",
    "one byte": b"x",
    "text": b"prompt,response\nWhy?,Because.\n" * 2000,
    "random": hashlib.shake_128(b"seed").digest(300_000),
    "the right magic alone": b"\x00" * 8 + b"DUCK" + b"\x43" + b"\x00" * 20_000,
    "another kind of database": b"SQLite format 3\x00" + b"\x00" * 8192,
}


@pytest.mark.parametrize("content", NOT_DATABASES.values(), ids=NOT_DATABASES.keys())
def test_what_is_not_a_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreBrokenError, match="not a database") as caught:
        open_at(path, tmp_path)
    assert_plain(caught.value)
    assert path.read_bytes() == content
    assert {file.name for file in tmp_path.iterdir()} == {"a.duckdb", "temporary"}


@pytest.mark.parametrize("share", [0.0001, 0.003, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_without_its_end(tmp_path: Path, database: bytes, share: float) -> None:
    path = tmp_path / "a.duckdb"
    content = database[: int(len(database) * share)]
    path.write_bytes(content)
    with pytest.raises(StoreBrokenError) as caught:
        open_at(path, tmp_path)
    assert_plain(caught.value)
    assert path.read_bytes() == content


def test_a_damaged_block_is_told_when_it_is_read(tmp_path: Path, database: bytes) -> None:
    path = tmp_path / "a.duckdb"
    content = bytearray(database)
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(StoreBrokenError) as caught:
        store = open_at(path, tmp_path)
        try:
            store.read("SELECT max(length(response)), max(hash(response)) FROM completion")
        finally:
            store.close()
    assert_plain(caught.value)


def test_a_lost_temporary_folder_is_not_taken_for_damage(store: Store, tmp_path: Path) -> None:
    def failing(_cursor: object) -> None:
        raise duckdb.IOException(f"IO Error: Cannot open file {tmp_path}/temporary/x.tmp: No such file")

    with pytest.raises(StoreError, match="could not be read or written") as caught:
        store._connection.use(failing)
    assert type(caught.value) is StoreError
    assert_plain(caught.value)


def test_a_newer_storage_version(tmp_path: Path, database: bytes) -> None:
    path = tmp_path / "a.duckdb"
    content = checksummed(database[:12] + struct.pack("<Q", 99) + database[20:4096]) + database[4096:]
    assert checksummed(database[:4096]) == database[:4096]
    path.write_bytes(content)
    with pytest.raises(StoreTooNewError, match=r"version 99, this one reads \d+ to \d+") as caught:
        open_at(path, tmp_path)
    assert_plain(caught.value)
    assert path.read_bytes() == content


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder") as caught:
        open_at(tmp_path, tmp_path)
    assert_plain(caught.value)


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as caught:
        open_at(tmp_path / "file" / "a.duckdb", tmp_path)
    assert_plain(caught.value)


def test_folders_are_made(tmp_path: Path) -> None:
    store = open_at(tmp_path / "one" / "two" / "a.duckdb", tmp_path)
    assert store.path == tmp_path / "one" / "two" / "a.duckdb"
    store.close()


def test_a_log_without_its_database_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "a.duckdb.wal"
    log.write_bytes(b"rows that are nowhere else")
    with pytest.raises(StoreBrokenError, match=r"missing, but its write-ahead log a\.duckdb\.wal") as caught:
        open_at(tmp_path / "a.duckdb", tmp_path)
    assert_plain(caught.value)
    assert log.read_bytes() == b"rows that are nowhere else"
    assert not (tmp_path / "a.duckdb").exists()


def test_a_failed_opening_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_text("not yet")
    for _ in range(2):
        with pytest.raises(StoreBrokenError):
            open_at(path, tmp_path)
    path.unlink()
    open_at(path, tmp_path).close()


def test_strange_names(tmp_path: Path) -> None:
    for name in (
        "temp.duckdb",
        "system.duckdb",
        "a'b\"c.duckdb",
        "Bücher und %20.db",
        "no_ending",
        ".hidden",
    ):
        store = open_at(tmp_path / name, tmp_path)
        write(store, item=item_row(1))
        store.close()
        store = open_at(tmp_path / name, tmp_path)
        assert store.read("SELECT count(*) FROM item") == [(1,)]
        store.close()


def test_in_memory(tmp_path: Path) -> None:
    store = Store.open("duckdb:///:memory:", temp_dir=tmp_path)
    other = Store.open("duckdb:///:memory:", temp_dir=tmp_path)
    assert store.path is None
    write(store, item=item_row(1))
    assert store.read("SELECT count(*) FROM item") == [(1,)]
    assert other.read("SELECT count(*) FROM item") == [(0,)]
    store.close()
    other.close()


def test_a_relative_path_starts_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open("duckdb:///sub/a.duckdb", temp_dir=tmp_path / "temporary")
    assert store.path == tmp_path / "sub" / "a.duckdb"
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/plain/path.duckdb",
        "duckdb:/one/slash.duckdb",
        "duckdb:///",
        "duckdb:///folder/",
        "sqlite:///a.db",
        "md:mine?motherduck_token=hunter2",
        "postgres://user:hunter2@host/db",
        "duckdb:///a\x00b",
    ],
)
def test_other_urls(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Store.open(url, temp_dir=tmp_path)
    assert "TLM_DASH_DATABASE_URL" in caught.value.hint
    assert "hunter2" not in str(caught.value)


HOLDER = """
import sys
from pathlib import Path
from tlm_dash.store import Store
store = Store.open(sys.argv[1], temp_dir=Path(sys.argv[2]))
print("open", flush=True)
sys.stdin.read()
store.close()
"""


def test_a_file_that_another_process_holds(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'a.duckdb'}"
    command = [sys.executable, "-c", HOLDER, url, str(tmp_path / "temporary")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(StoreBusyError) as caught:
            Store.open(url, temp_dir=tmp_path / "temporary")
        assert_plain(caught.value)
        assert re.fullmatch(rf"python\S*, process {holder.pid}", caught.value.holder or "")
        assert caught.value.holder in caught.value.message  # type: ignore[operator]
        holder.stdin.close()
        assert holder.wait(30) == 0
    Store.open(url, temp_dir=tmp_path / "temporary").close()


def test_a_file_that_this_process_holds(tmp_path: Path) -> None:
    first = open_at(tmp_path / "a.duckdb", tmp_path)
    with pytest.raises(StoreBusyError, match=f"process {os.getpid()}"):
        open_at(tmp_path / "sub" / ".." / "a.duckdb", tmp_path)
    first.close()
    open_at(tmp_path / "a.duckdb", tmp_path).close()


UNPRIVILEGED = """
import os, sys, tempfile
from pathlib import Path
from tlm_dash.errors import TlmDashError
from tlm_dash.store import Store
with tempfile.TemporaryDirectory() as elsewhere:  # import all that is imported late
    Store.open("duckdb:///:memory:", temp_dir=Path(elsewhere)).close()
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    Store.open(sys.argv[1], temp_dir=Path(sys.argv[2]))
except TlmDashError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("case", ["new file", "new folder", "existing file", "unreadable folder"])
def test_without_permission(case: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = folder / ("sub/a.duckdb" if case == "new folder" else "a.duckdb")
        (folder / "temporary").mkdir()
        if case == "existing file":
            open_at(target, folder).close()
            target.chmod(0o444)
        folder.chmod(0o000 if case == "unreadable folder" else 0o555)
        run = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, f"duckdb:///{target}", str(folder / "temporary")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o755)
        assert run.stdout.startswith("StoreError The "), run.stdout + run.stderr
        assert "ermission denied" in run.stdout
        assert target.exists() == (case == "existing file")
