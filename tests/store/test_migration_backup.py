"""Before tables change, the database is copied beside itself; without a copy nothing changes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from tests.store.conftest import OpenStore
from tests.store.next_version import older_database
from tlm_dash.errors import StoreError, StoreFullError
from tlm_dash.store import Store, migration_backup, migrations
from tlm_dash.store.migration_backup import MOST_KEPT
from tlm_dash.store.migrations import Migration, known_migrations

KNOWN = known_migrations()
DATABASE = "tlm_dash.duckdb"


def backups(folder: Path) -> list[Path]:
    return sorted(folder.glob("tlm_dash-v*.duckdb"))


def version_of(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as found:
        ((version,),) = found.execute("SELECT max(version) FROM schema_migration").fetchall()
    return int(version)


def test_an_older_database_is_copied_before(tmp_path: Path, open_store: OpenStore) -> None:
    older_database(tmp_path / DATABASE, 7)
    store = open_store()
    (made,) = backups(tmp_path)
    assert made.name.startswith("tlm_dash-v7-")
    assert version_of(made) == 7
    with duckdb.connect(str(made), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM completion").fetchall() == store.read(
            "SELECT count(*) FROM completion"
        )
    store.close()
    open_store()
    assert backups(tmp_path) == [made], "up to date by now: nothing is copied again"


def test_a_new_database_has_nothing_to_copy(tmp_path: Path, open_store: OpenStore) -> None:
    open_store()
    assert not backups(tmp_path)
    Store.open("duckdb:///:memory:", temp_dir=tmp_path / "temporary").close()
    assert not backups(tmp_path)


def test_without_room_nothing_changes(
    tmp_path: Path, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_database(tmp_path / DATABASE, 7)
    before = (tmp_path / DATABASE).read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreFullError, match=r"left as it is: no backup .* MB are free") as caught:
        open_store()
    assert caught.value.hint
    assert (tmp_path / DATABASE).read_bytes() == before
    assert not backups(tmp_path)


def test_where_no_copy_can_be_written_nothing_changes(
    tmp_path: Path, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_database(tmp_path / DATABASE, 7)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match=r"left as it is: no backup .* cannot be written") as caught:
        open_store()
    assert caught.value.hint
    assert version_of(tmp_path / DATABASE) == 7


def test_a_change_that_fails_leaves_neither_trace_nor_copy(
    tmp_path: Path, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_database(tmp_path / DATABASE, 7)

    def fail(_: object) -> None:
        raise RuntimeError("in the middle")

    broken = (*KNOWN[:7], Migration(8, "half", "CREATE TABLE half (a INTEGER)", fail))
    monkeypatch.setattr(migrations, "known_migrations", lambda: broken)
    monkeypatch.setattr(migration_backup, "known_migrations", lambda: broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        open_store()
    assert version_of(tmp_path / DATABASE) == 7
    assert not backups(tmp_path)
    monkeypatch.undo()
    assert open_store().read("SELECT max(version) FROM schema_migration") == [(len(KNOWN),)]


def test_the_newest_copies_stay(tmp_path: Path, open_store: OpenStore) -> None:
    older_database(tmp_path / DATABASE, 7)
    for number in range(MOST_KEPT):
        (tmp_path / f"tlm_dash-v{number}-2026010{number + 1}-000000-000000.duckdb").write_text("old")
    mine = [tmp_path / "tlm_dash-v2-of-mine.duckdb", tmp_path / "other-v1-20260101-000000-000000.duckdb"]
    for file in mine:
        file.write_text("mine")
    open_store()
    names = [file.name for file in backups(tmp_path) if file not in mine]
    assert len(names) == MOST_KEPT
    assert not any(name.startswith("tlm_dash-v0-") for name in names)
    assert any(name.startswith("tlm_dash-v7-") for name in names)
    assert all(file.exists() for file in mine)


def test_a_copy_that_a_kill_left_half_made_is_removed(tmp_path: Path, open_store: OpenStore) -> None:
    older_database(tmp_path / DATABASE, 7)
    torn = [
        tmp_path / f"tlm_dash-v7-20261201-130021-113080.duckdb.e4683f98.partial{end}" for end in ("", ".wal")
    ]
    others = [tmp_path / name for name in ("mine.duckdb.e4683f98.partial", "tlm_dash-v7.duckdb.partial")]
    for file in (*torn, *others):
        file.write_bytes(b"half")
    open_store()
    assert not any(file.exists() for file in torn)
    assert all(file.exists() for file in others), "nothing else is touched"
