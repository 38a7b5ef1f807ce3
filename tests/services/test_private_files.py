"""What is kept is its owner's only: what processes make, and what earlier versions left open."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_endpoint import FakeEndpoint
from tests.services.stored import make_scored_run
from tlm_dash.services import private_files
from tlm_dash.services.exports import export
from tlm_dash.services.place import OpenStore
from tlm_dash.services.private_files import tighten
from tlm_dash.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes of files are those of POSIX")

APP = """
import asyncio, json, sys, threading
from pathlib import Path
import app  # as `streamlit run app.py` does, before anything else
from tlm_dash.server.lifespan import current_dashboard, lifespan
from tlm_dash.services import backups, exports, runs
from tlm_dash.services.dataset_inspection import discard, inspect
from tlm_dash.services.dataset_upload import save

def look():
    return [[str(path), path.stat().st_mode] for path in Path(sys.argv[2]).rglob("*")]

async def use():
    async with lifespan(None):
        dashboard = current_dashboard()
        while dashboard.store_problem is not None:
            await asyncio.sleep(0.05)
        found = inspect(dashboard, [Path(sys.argv[1])])
        seen = look()
        result = save(dashboard, found, None, None)
        print(json.dumps(seen + look()))
        discard(found)
        exports.download(dashboard, [result.runs[0].run_id], "parquet", name="x")
        backups.back_up_here(dashboard)

asyncio.run(use())
threading.Thread(target=lambda: 1 / len(chr(27)[1:]) or None, name="x" + chr(27) + "[31m").start()
"""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Let processes start as they do on most systems: what they make can be read by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Name what others may read, write or enter, with its mode."""
    found = [(path, stat.S_IMODE(path.lstat().st_mode)) for path in (folder, *folder.rglob("*"))]
    return [f"{mode:o} {path}" for path, mode in found if mode & 0o077 and not path.is_symlink()]


def environment(data: Path, endpoint: FakeEndpoint) -> dict[str, str]:
    return {**os.environ, "TLM_DASH_DATA_DIR": str(data), "BASE_URL": endpoint.base_url}


def command(data: Path, endpoint: FakeEndpoint, *arguments: object) -> str:
    told = subprocess.run(
        [sys.executable, "-m", "tlm_dash", *map(str, arguments)], cwd=ROOT, check=False, timeout=120,
        capture_output=True, text=True, env=environment(data, endpoint),
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_what_commands_make_is_their_users_only(tmp_path: Path, fake_endpoint: FakeEndpoint) -> None:
    data, elsewhere = tmp_path / "new" / "data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = tmp_path / "asks.csv"
    file.write_text("prompt,response,score\nWhy?,So.,0.5\n,None.,0.1\nWho?,He.,0.7\n")
    for arguments in (
        ("datasets", "import", file),
        ("runs", "start", "asks", "--model", "gpt-4.1-mini", "--preset", "low"),
        ("runs", "export", "asks · response", "--output", elsewhere / "x.csv"),
        ("runs", "export", "asks · response", "--output", elsewhere / "x.xlsx"),
        ("report", "asks · response", "--output", elsewhere / "r.html"),
        ("store", "backup", elsewhere / "below" / "b.duckdb"),
        ("store", "backup", data / "backups" / "b.duckdb"),
    ):
        command(data, fake_endpoint, *arguments)
        assert not open_to_others(tmp_path / "new"), arguments
    made = sorted(path.name for path in elsewhere.rglob("*"))
    assert made == ["b.duckdb", "below", "r.html", "x.csv", "x.xlsx"]
    assert open_to_others(elsewhere) == [f"755 {elsewhere}"]
    inside = {path.relative_to(data).parts[0] for path in data.rglob("*")}
    assert {"tlm_dash.duckdb", "rejected", "backups", "tmp"} <= inside


def test_what_the_app_makes_is_its_users_only(tmp_path: Path, fake_endpoint: FakeEndpoint) -> None:
    data, file = tmp_path / "data", tmp_path / "asks.jsonl"
    file.write_text('{"prompt": "Why?", "response": "So."}\n')
    told = subprocess.run(
        [sys.executable, "-c", APP, str(file), str(data)], cwd=ROOT, check=False, timeout=120,
        capture_output=True, text=True, env=environment(data, fake_endpoint),
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    # What a thread dies of is told by the interpreter; its name is as hostile as any.
    assert "Exception in thread x⟨U+001B⟩[31m" in told.stderr and "\x1b" not in told.stderr
    laid_out = json.loads(told.stdout.splitlines()[-1])
    assert [path for path, _ in laid_out if "upload-" in path]
    assert [path for path, _ in laid_out if path.endswith(".wal")]
    assert not [path for path, mode in laid_out if mode & 0o077]
    assert not open_to_others(data)
    made = {path.relative_to(data).parts[0] for path in data.rglob("*")}
    assert {"tlm_dash.duckdb", "backups", "tmp"} <= made and list(data.glob("tmp/downloads/*/*.parquet"))


def test_what_the_embedded_endpoint_makes_is_its_users_only(tmp_path: Path) -> None:
    """Its own command too: the folder of the model, where nothing was before."""
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    for module in ("tlm_dash", "tlm_dash.local_endpoint"):
        data = tmp_path / module
        asked = ["endpoint"] if module == "tlm_dash" else []
        told = subprocess.run(
            [sys.executable, "-m", module, *asked, "--port", "0", "--data-dir", str(data)], cwd=ROOT,
            check=False, timeout=120, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        assert told.returncode == 1 and "could not be fetched" in told.stderr
        assert (data / "models").is_dir() and not open_to_others(data)


def settings_of(data: Path, **more: str) -> Settings:
    return load_settings({"TLM_DASH_DATA_DIR": str(data), **more}, env_file=data / "no.env")


def old_installation(data: Path) -> None:
    """Lay out what versions before kept, open to everybody."""
    for name in (
        "backups/tlm_dash-2026-01-01-000000-000.duckdb", "logs/endpoint.log", "logs/endpoint.previous.log",
        "models/m.gguf", "rejected/d.csv", "tmp/downloads/t/x.csv", "tmp/upload-1/0/f.csv", "endpoint/left",
        "inbox/large.csv",
    ):  # fmt: skip
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
    with OpenStore(settings_of(data)):
        pass
    (data / "tlm_dash-v3-20260101-000000-000000.duckdb").write_text("x")
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_an_old_installation_is_tightened_and_it_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    old_installation(data)
    caplog.clear()
    (tmp_path / "theirs").write_text("mine to share")
    (data / "tmp" / "link").symlink_to(tmp_path / "theirs")
    link = tmp_path / "linked"
    link.symlink_to(data)
    with caplog.at_level(logging.WARNING), OpenStore(settings_of(link)):
        pass
    assert open_to_others(data) == [f"755 {data / 'inbox'}", f"644 {data / 'inbox' / 'large.csv'}"]
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o644
    (said,) = [record.getMessage() for record in caplog.records if "Other users" in record.getMessage()]
    assert "now only their owner can" in said and str(link) in said
    caplog.clear()
    assert tighten(data) == 0 and not caplog.records


def test_a_folder_that_held_nothing_of_ours_is_closed_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The data folder comes with the project, open, with a file of questions; so its first start is quiet."""
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    (data / "sample_questions.csv").write_text("x")
    (data / "tlm_dash.duckdb").touch(mode=0o600)
    with caplog.at_level(logging.WARNING):
        assert tighten(data) == 2
    assert open_to_others(data) == [f"644 {data / 'sample_questions.csv'}"] and not caplog.records
    # What a closed folder holds was out of reach, whatever its own mode.
    (data / "tlm_dash.duckdb").chmod(0o644)
    assert tighten(data) == 1 and not caplog.records


def test_what_a_person_chose_keeps_its_mode(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "team"
    elsewhere.mkdir(mode=0o775)
    elsewhere.chmod(0o775)
    url = f"duckdb:///{elsewhere / 'shared.duckdb'}"
    with OpenStore(settings_of(data, TLM_DASH_DATABASE_URL=url)) as place:
        (elsewhere / "shared.duckdb").chmod(0o660)
        run_id = make_scored_run(place.store, [0.1, 0.9])
        out = elsewhere / "rows.csv"
        out.write_text("an earlier export, shared with a group")
        out.chmod(0o640)
        export(place, [run_id], out)
        assert stat.S_IMODE(out.stat().st_mode) == 0o640 and out.read_text().count("\n") == 3
    with OpenStore(settings_of(data, TLM_DASH_DATABASE_URL=url)):
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (elsewhere, elsewhere / "shared.duckdb")]
    assert modes == [0o775, 0o660]


def test_a_folder_that_holds_other_things_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "x").write_text("x")
    tmp_path.chmod(0o755)
    assert tighten(tmp_path) == 2
    assert open_to_others(tmp_path) == [f"755 {tmp_path}", f"644 {tmp_path / 'thesis.tex'}"]
    common = tmp_path / "common"
    common.mkdir()
    common.chmod(0o1777)
    assert tighten(common) == 0 and stat.S_IMODE(common.stat().st_mode) == 0o1777


def test_what_cannot_be_changed_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_installation(tmp_path)
    caplog.clear()

    def refused(self: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(private_files.Path, "chmod", refused)
    with caplog.at_level(logging.WARNING), OpenStore(settings_of(tmp_path)) as place:
        assert place.store.read("SELECT 1") == [(1,)]
    (said,) = [record.getMessage() for record in caplog.records if "Other users" in record.getMessage()]
    assert "this user cannot change that" in said
    assert tighten(tmp_path / "absent") == 0


def test_windows_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_installation(tmp_path)
    monkeypatch.setattr(private_files.os, "name", "nt")
    assert tighten(tmp_path) == 0
