"""The parser of a command line whose help and errors pass the printer: errors quote what was typed."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from tlm_dash.terminal.printer import say, tell

WRONG_USAGE = 2


class TextParser(argparse.ArgumentParser):
    """As argparse has it, printing text."""

    def error(self, message: str) -> NoReturn:
        """Say how it is used and what was wrong, and end with exit code 2."""
        self.print_usage(sys.stderr)
        tell(f"{self.prog}: error: {message}")
        sys.exit(WRONG_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ANN401
        """Print help, usage and version, which are ours, line by line."""
        write = say if file is sys.stdout else tell
        for line in message.rstrip("\n").split("\n") if message else ():
            write(line)
