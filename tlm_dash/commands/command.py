"""What all commands share: how one is made, and how a thing is named in it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from tlm_dash.terminal.parser import TextParser

HOW_NAMED = "id, unique beginning of one, or unique name"
"""Help of an argument that names a run or a dataset."""


class CommandParser(TextParser):
    """A parser that takes options wherever they stand: `labels map DATASET --column C yes=correct`."""

    _is_inside = False

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # noqa: ANN401 - as argparse has it
        """Parse as argparse does, but do not end a list of things where an option comes between them."""
        if self._is_inside or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_inside = True  # parsing in between calls this again, once for options and once for the rest
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_inside = False


def make_command(
    commands: Any,  # noqa: ANN401 - argparse has no public type for it
    name: str,
    run: Callable[[argparse.Namespace], int],
    told: str,
    description: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command with its `--json`; `told` is its line in the list, and its description where none is."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=told, description=description or told.capitalize() + "."
    )
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(run=run)
    return command
