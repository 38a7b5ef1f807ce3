"""The embedded endpoint as its command starts it, and programs that use it with the official client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.workflows.official_client import InstallError, official_client_python

HERE = Path(__file__).resolve().parent
NONSENSE_KEY = "sk-nonsense-that-no-provider-knows"
START_LIMIT_S = 240.0
PROGRAM_LIMIT_S = 600.0


@dataclass(frozen=True)
class WatchedEndpoint:
    """A running endpoint and the file that notes what it connects to."""

    base_url: str
    log: Path


@dataclass(frozen=True)
class Outcome:
    """What a program printed, and the addresses ("HOST PORT") that it connected to."""

    answer: Any
    contacted: set[str]


RunProgram = Callable[[str], Outcome]


@pytest.fixture(scope="session")
def official_python() -> Path:
    """The interpreter that has the official client."""
    try:
        return official_client_python(ROOT / ".cache" / "official-client")
    except InstallError as error:
        pytest.skip(f"the official client cannot be installed: {error}")


@pytest.fixture(scope="session")
def watched_endpoint(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[WatchedEndpoint]:
    """`python -m tlm_dash.local_endpoint` over the bundled model."""
    folder = tmp_path_factory.mktemp("endpoint")
    command = [sys.executable, str(HERE / "watched.py"), str(folder / "contacted"), "-m"]
    command += ["tlm_dash.local_endpoint", "--port", "0", "--data-dir", str(model_file.parents[1])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": NONSENSE_KEY}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stdout, stderr=stderr)
    try:
        yield WatchedEndpoint(_wait_ready(process, folder), folder / "contacted")
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _wait_ready(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait until the endpoint is ready; gives the base URL that it printed."""
    deadline = time.monotonic() + START_LIMIT_S
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < deadline:
        base_url = (folder / "stdout").read_text().strip()
        try:
            if base_url and direct.open(f"{base_url}/health", timeout=30).status == 200:
                return base_url
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the endpoint did not become ready:\n{(folder / 'stderr').read_text()}")


@pytest.fixture
def run_program(official_python: Path, watched_endpoint: WatchedEndpoint, tmp_path: Path) -> RunProgram:
    """Run one of the programs over the endpoint, which stands in for the provider that generates too."""
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment["BASE_URL"] = environment["OPENAI_BASE_URL"] = watched_endpoint.base_url
    environment["OPENAI_API_KEY"] = NONSENSE_KEY

    def run(name: str) -> Outcome:
        log = tmp_path / "contacted"
        command = [str(official_python), str(HERE / "watched.py"), str(log), str(HERE / "programs" / name)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=PROGRAM_LIMIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Outcome(json.loads(done.stdout), set(log.read_text().split("\n")) - {""})

    return run
