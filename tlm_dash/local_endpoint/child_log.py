"""The serving process's output: kept in a log file of limited size, its last error line remembered."""

from __future__ import annotations

import re
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

from tlm_dash.words.visible import visible

# When the log is this large it becomes the one previous log, so that a process that complains all night
# cannot fill the disk.
MAX_LOG_BYTES = 2_000_000
MAX_LINE_BYTES = 8_192

# How many of the last lines are searched for what went wrong.
REMEMBERED_LINES = 40

MAX_QUOTED_CHARACTERS = 300

_TRACEBACK_END = re.compile(r" *[A-Za-z_][\w.]*(Error|Exception|Exit)\b")


class ChildLog:
    """Copies a child's output into `path`, in threads of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._last: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self._readers: list[threading.Thread] = []

    def follow(self, output: IO[bytes]) -> None:
        """Copy one child's output until it ends. What earlier children said is forgotten, not deleted."""
        with self._lock:
            self._last.clear()
        reader = threading.Thread(target=self._copy, args=[output], name="endpoint-log", daemon=True)
        self._readers = [reader]
        reader.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until everything that the last child said has been copied."""
        for reader in self._readers:
            reader.join(timeout_s)

    def note(self, line: str) -> None:
        """Write a line of our own, what it quotes further in."""
        text = visible(line).replace("\n", "\n  ")
        self._write(f"[supervisor] {text}\n".encode(errors="replace"))

    def failure(self) -> tuple[str, str]:
        """Return what the last child said went wrong and what to do about it; empty where it said nothing.

        That is its last `error:` line with the `hint:` after it, else the end of its last traceback.
        """
        with self._lock:
            lines = [line for line in self._last if line.strip()]
        for index in range(len(lines) - 1, -1, -1):
            if lines[index].startswith("error: "):
                following = lines[index + 1] if index + 1 < len(lines) else ""
                return lines[index][7:], following[6:] if following.startswith("hint: ") else ""
            if _TRACEBACK_END.match(lines[index]):
                return lines[index].strip()[:MAX_QUOTED_CHARACTERS], ""
        return "", ""

    def _copy(self, output: IO[bytes]) -> None:
        with output:
            while line := output.readline(MAX_LINE_BYTES):
                # Somebody reads the log on a terminal, and its last line on a page: it is text from here on.
                text = visible(line.decode(errors="replace"))
                with self._lock:
                    self._last.append(text.rstrip())
                self._write(text.encode())

    def _write(self, line: bytes) -> None:
        # A full disk must not stop the endpoint: it only stops the log.
        with self._lock, suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > MAX_LOG_BYTES:
                self.path.replace(self.path.with_suffix(".previous.log"))
            with self.path.open("ab") as file:
                file.write(line)
