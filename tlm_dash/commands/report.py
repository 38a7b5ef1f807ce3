"""`report`: one HTML file about one or several runs, with its charts inside."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.terminal.printer import say, say_json


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `report` to the command line."""
    report = make_command(
        subparsers, "report", run, "one HTML file about one or several runs",
        "Write what Decide says of one run, or Compare of several (the first is the baseline), "
        "as one HTML file with its charts inside: it works offline and loads nothing.",
    )  # fmt: skip
    report.add_argument("wanted", metavar="RUN", nargs="+", help=HOW_NAMED)
    report.add_argument("--output", metavar="FILE.html", required=True, help="the file to write")
    report.add_argument(
        "--max-risk", type=float, metavar="R",
        help="most wrong among the accepted: asked of the labels as `analyse threshold` does (default: the "
        "first target that was asked; where none was, 0.05 is read from the band)",
    )  # fmt: skip
    report.add_argument(
        "--margin", type=float, metavar="M", help="a loss that is small enough to accept: 0.03 is 3 points"
    )
    report.add_argument("--confidence", type=float, default=0.95, help="of all intervals (0.95)")


def run(parsed: argparse.Namespace) -> int:
    """Write the report and say what it says."""
    # Imported here, as in every command: --help must not wait for the statistics.
    from tlm_dash.services.place import OpenStore
    from tlm_dash.services.reports import report_record, write_report

    with OpenStore() as place:
        record = report_record(
            place,
            parsed.wanted,
            max_risk=parsed.max_risk,
            confidence=parsed.confidence,
            margin=parsed.margin,
        )
    facts = write_report(record, Path(parsed.output))
    if parsed.json:
        say_json(facts)
    else:
        say(facts["answer"])
        say(f"written: {facts['output']}")
    return 0
