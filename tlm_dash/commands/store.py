"""`store backup`: a copy of the whole database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tlm_dash.commands.command import make_command
from tlm_dash.terminal.printer import say, say_json


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `store` and what follows it to the command line."""
    store = subparsers.add_parser("store", help="back the database up", description="The database.")
    commands = store.add_subparsers(title="commands", required=True, metavar="COMMAND")
    backup = make_command(
        commands, "backup", _backup, "copy the whole database to a new file",
        "Copy the whole database to a new file, which is a database of its own. A file that exists is not "
        "overwritten. To use a backup, name it in TLM_DASH_DATABASE_URL (duckdb:////folder/name.duckdb). "
        "While the dashboard runs, its Settings page makes backups.",
    )  # fmt: skip
    backup.add_argument("output", metavar="FILE", help="the file to write; its folder is made where needed")


def _backup(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the database.
    from tlm_dash.services.backups import back_up
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        made = back_up(place, Path(parsed.output))
    if parsed.json:
        say_json(made.facts())
    else:
        say(f"written: {made.path} ({made.size_bytes / 1e6:,.1f} MB)")
    return 0
