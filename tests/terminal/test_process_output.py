"""What a process prints, on pipes that close, full disks, terminals without UTF-8, and a terminal itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_endpoint import FakeEndpoint
from tests.terminal.test_hostile_names import COLUMNS, HOSTILE, ON_DISK, TABLE, hidden
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "TLM_DASH_DATA_DIR": str(folder / "data"), **more}


def command(
    folder: Path, *arguments: str | bytes, stdout: int = subprocess.PIPE, **more: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tlm_dash", *arguments], cwd=ROOT, check=False, timeout=120,
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment(folder, **more),
    )  # fmt: skip


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A folder with a dataset in whose names everything is hostile."""
    file = tmp_path / f"{ON_DISK}.csv"
    file.write_text(TABLE, encoding="utf-8", newline="")
    told = command(
        tmp_path, "datasets", "import", str(file), "--header-row", "1", "--map", f"prompt={COLUMNS[0]}"
    )
    assert told.returncode == 0, told.stderr
    return tmp_path


@pytest.mark.parametrize("arguments", [("--help",), ("datasets", "list"), ("datasets", "show", "", "--json")])
def test_a_closed_pipe_ends_quietly(imported: Path, arguments: tuple[str, ...]) -> None:
    with OpenStore(load_settings(environment(imported))) as place:
        ((dataset_id,),) = place.store.read("SELECT dataset_id FROM dataset")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        told = command(imported, *(part or dataset_id for part in arguments), stdout=writing)
    finally:
        os.close(writing)
    assert (told.returncode, told.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_cannot_be_written_is_told(imported: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        told = command(imported, "datasets", "list", stdout=full.fileno())
    assert told.returncode == 1
    assert told.stderr.startswith(
        b"error: What is printed could not be written: No space left on device.\nhint: "
    )


def test_a_terminal_without_utf_8_gets_escapes(imported: Path) -> None:
    for more in (
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ):
        for arguments in (("datasets", "list"), ("datasets", "show", f"none {HOSTILE}"), ("--help",)):
            told = command(imported, *arguments, **more)
            printed = (told.stdout + told.stderr).decode("ascii")
            assert not hidden(printed) and "Traceback" not in printed
            assert "\\uff37" in printed or arguments == ("--help",)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_a_file_name_that_is_no_text_does_not_crash(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/bad \xff\xfe \x1b[31m.csv"
    Path(os.fsdecode(name)).write_text("prompt,response\nWhy?,So.\n")
    for arguments in (
        (b"datasets", b"import", name), (b"datasets", b"import", b"absent \xff"), (b"runs", b"show", b"\xff"),
    ):  # fmt: skip
        told = command(tmp_path, *arguments)
        printed = told.stdout + told.stderr
        assert (
            told.returncode == 1
            and b"error: " in printed
            and b"Traceback" not in printed
            and not hidden(printed.decode("utf-8"))
        )


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_progress_on_a_terminal_is_text(imported: Path, fake_endpoint: FakeEndpoint) -> None:
    import pty

    with OpenStore(load_settings(environment(imported))) as place:
        ((dataset_id,),) = place.store.read("SELECT dataset_id FROM dataset")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tlm_dash", "runs", "start", dataset_id, "--model", f"m {HOSTILE}"],
        cwd=ROOT, env=environment(imported, BASE_URL=fake_endpoint.base_url, TERM="xterm-256color"),
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    said = b""
    try:
        while chunk := os.read(master, 65536):
            said += chunk
    except OSError:  # how the other end's leaving shows on Linux
        pass
    finally:
        os.close(master)
    printed = said.decode("utf-8").replace("\r\n", "\n")
    assert process.wait(60) == 0, printed
    assert not hidden(printed) and "⟨U+001B⟩" in printed and "5 of 5 done" in printed


def test_the_endpoint_command_prints_text(tmp_path: Path) -> None:
    told = command(tmp_path, "endpoint", "--model-file", f"absent {HOSTILE}.gguf", "--port", "0")
    printed = (told.stdout + told.stderr).decode("utf-8")
    assert told.returncode == 1 and "⟨U+001B⟩" in printed
    assert not hidden(printed) and "\nerror: forged" not in printed
    alone = subprocess.run(
        [sys.executable, "-m", "tlm_dash.local_endpoint", "--port", HOSTILE, HOSTILE], cwd=ROOT, check=False,
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert alone.returncode == 2 and not hidden(alone.stderr.decode("utf-8"))
