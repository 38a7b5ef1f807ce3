"""The real app as a person starts it: `streamlit run app.py` in a process of its own."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 180.0


class AppServer:
    """One server process over a data folder; its output is kept in a file beside the data."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str], script: str = "app.py") -> None:
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = data_dir / "server.log"
        data_dir.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TLM_", "OPENAI_"))}
        kept.pop("BASE_URL", None)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(self.port)],
                cwd=ROOT,
                env={**kept, "TLM_DASH_DATA_DIR": str(data_dir), **environment},
                stdout=log,
                stderr=log,
            )

    def wait_until_up(self) -> float:
        """Wait until the server answers; gives the seconds since this call."""
        started = time.monotonic()
        while time.monotonic() - started < START_LIMIT_S:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=10) as answer:
                    if answer.status == 200:
                        return time.monotonic() - started
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the server did not come up:\n{self.log.read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(90)


def _free_port() -> int:
    """Find a port that nobody has, below those that the system gives out by itself.

    Of those it may give this one to another test before the server, which takes a while to start, has it.
    """
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
