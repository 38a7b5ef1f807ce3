"""What all commands share: how one is made, how a thing is named in it, and facts as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

HOW_NAMED = "id, unique beginning of one, or unique name"
"""Help of an argument that names a run or a dataset."""


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


def print_json(facts: Mapping[str, Any]) -> None:
    """Print facts as one JSON object, any script as it is."""
    print(json.dumps(facts, ensure_ascii=False, indent=2))
