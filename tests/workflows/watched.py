"""Run a Python program and note what it connects to.

`python watched.py LOG (SCRIPT | -m MODULE) [ARGUMENT]...`: every address that the program looks up, connects
or sends to becomes a line "HOST PORT" of LOG.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

# The socket module's audit events, and where the host and port stand in their arguments.
WHERE = {
    "socket.connect": lambda arguments: arguments[1],
    "socket.sendto": lambda arguments: arguments[1],
    "socket.getaddrinfo": lambda arguments: arguments[:2],
}


def note_addresses(log: str) -> None:
    """From now on write each address to the log at once: a process may end without any clean-up."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WHERE:
            address = WHERE[event](arguments)
            host, port = address[:2] if isinstance(address, tuple) else (address, "-")
            host = host.decode() if isinstance(host, bytes) else host
            os.write(descriptor, f"{host} {port}\n".encode())

    sys.addaudithook(note)


def main() -> None:
    """Run the program as if it had been started itself."""
    log, *rest = sys.argv[1:]
    note_addresses(log)
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main()
