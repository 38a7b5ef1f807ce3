"""`runs export`: rows of runs into a file, with everything that is known of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.terminal.printer import say, say_json, shown, tell

_TOLD = """Write runs of one dataset into a file: prompts, responses, scores, errors, labels with who gave
them, notes and sampling weights, tags and all other columns, a row for each item of each run. The ending of
the file says the format.

CSV, JSON Lines and Parquet are exact: `datasets import` of such a file gives the same items, runs, scores and
labels. A workbook (xlsx) is for reading: cells are cut after 32,767 characters."""


def add_command(commands: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `export` to the commands of `runs`."""
    command = make_command(
        commands, "export", _export, "write runs into a file that can be imported again", _TOLD
    )
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("wanted", nargs="+", metavar="RUN", help=HOW_NAMED)
    command.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="ends in .csv, .jsonl, .parquet or .xlsx"
    )
    command.add_argument(
        "--spreadsheet-safe", action="store_true",
        help="for CSV: mark cells that begin like a formula as text (undone when the file is imported); the "
        "name of the file then ends in .spreadsheet-safe.csv",
    )  # fmt: skip


def _export(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the engine.
    from tlm_dash.services import runs
    from tlm_dash.services.exports import export, format_of
    from tlm_dash.services.place import OpenStore

    format_of(parsed.output)
    with OpenStore() as place:
        run_ids = dict.fromkeys(runs.show(place, wanted).record.run_id for wanted in parsed.wanted)
        done = export(place, list(run_ids), parsed.output, is_spreadsheet_safe=parsed.spreadsheet_safe)
    facts = {
        "output": str(done.output),
        "format": done.format,
        "n_rows": done.n_rows,
        "n_shortened_cells": done.n_shortened_cells,
        "spreadsheet_safe": done.is_spreadsheet_safe,
    }
    if parsed.json:
        say_json(facts)
    else:
        say(f"{done.n_rows} rows written to {shown(done.output)}")
    if done.n_shortened_cells:
        tell(f"note: {done.n_shortened_cells} cells were too long and were cut.")
    return 0
