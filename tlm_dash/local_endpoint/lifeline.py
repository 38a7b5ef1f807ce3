"""Ends this process with the one that started it, however that one ended."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def on_parent_exit(leave: Callable[[], None]) -> None:
    """Call `leave` from a thread once standard input ends.

    The parent holds the other end of the pipe and never writes to it; the system closes it also when the
    parent is killed, on every platform.
    """
    stdin = sys.stdin.fileno()

    def wait() -> None:
        while True:
            try:
                if not os.read(stdin, 4096):
                    break
            except OSError:
                break
        leave()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
