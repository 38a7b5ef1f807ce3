"""`analyse distribution | quality | threshold | compare | choose`: figures of runs and their grounds."""

from __future__ import annotations

import argparse
from typing import Any

from tlm_dash.commands import analyse_choose, analyse_compare
from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import entries, listed, say, say_json, shown, tell


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `analyse` and what follows it to the command line."""
    analyse = subparsers.add_parser(
        "analyse", help="figures of scores and labels", description="Figures of runs, with their intervals."
    )
    commands = analyse.add_subparsers(title="commands", required=True, metavar="COMMAND")
    distribution = make_command(commands, "distribution", _distribution, "how the scores of a run lie")
    quality = make_command(
        commands, "quality", _quality, "how well the scores rank the labelled rows of a run"
    )
    threshold = make_command(
        commands, "threshold", _threshold, "the threshold for a target, or for what people can read",
        "The threshold for a target, or for what people can read. The first target that is asked of a run's "
        "labels is kept: it is answered by a test made for one target, today and whenever it is asked again. "
        "Any other target on the same labels is read from the band that holds at all thresholds at once.",
    )  # fmt: skip
    for command in (distribution, quality, threshold):
        command.add_argument("wanted", metavar="RUN", help=HOW_NAMED)
    for command in (quality, threshold):
        command.add_argument(
            "--basis",
            metavar="SAMPLE",
            help="sample to stand on: census, imported, column, matcher or a plan's id "
            "(default: the one with most labelled rows)",
        )
        command.add_argument("--confidence", type=float, default=0.95, help="0.95 by default")
    asked = threshold.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "--max-risk",
        type=float,
        metavar="R",
        help="most wrong among the accepted: 0.05 is 5%%; settle it before asking, since the first target "
        "is kept and a second one gets less",
    )
    asked.add_argument("--review-budget", type=float, metavar="N", help="rows that people can read (a day)")
    asked.add_argument(
        "--review-share", type=float, metavar="S", help="share that people can read: 0.08 is 8%%"
    )
    threshold.add_argument(
        "--daily-volume", type=float, metavar="V", help="rows a day, for --review-budget (default: the run)"
    )
    threshold.add_argument(
        "--look", action="store_true", help="ask nothing and keep nothing: read the target from the band"
    )
    threshold.add_argument(
        "--rows-are-requests",
        action="store_true",
        help="rows with the same prompt are separate requests, as in a log: rows alone are tested, not "
        "prompts too; said before these labels are asked anything",
    )
    threshold.add_argument(
        "--seed", type=int, default=0, help="has no effect any more: no row is drawn from those of a prompt"
    )
    analyse_compare.add_command(commands)
    analyse_choose.add_command(commands)


def _distribution(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the statistics.
    from tlm_dash.services import distribution
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        return _print(distribution.facts(place, parsed.wanted), parsed)


def _quality(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.labelled import labelled_run
    from tlm_dash.services.place import OpenStore
    from tlm_dash.services.quality import quality_of
    from tlm_dash.services.shares import is_share

    if not is_share(parsed.confidence):
        raise InvalidInputError(f"The confidence cannot be {parsed.confidence!r}.", hint="0.95 means 95%.")
    with OpenStore() as place:
        run_id = runs.show(place, parsed.wanted).record.run_id
        run = labelled_run(place, run_id, basis=parsed.basis)
    return _print(quality_of(run, parsed.confidence).facts(), parsed)


def _threshold(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.asking import ask, look
    from tlm_dash.services.decide import Question
    from tlm_dash.services.place import OpenStore

    if parsed.daily_volume is not None and parsed.review_budget is None:
        raise InvalidInputError("A daily volume needs a number to read.", hint="Add --review-budget N.")
    question = Question(
        parsed.max_risk, parsed.review_budget, parsed.daily_volume, parsed.review_share, parsed.confidence,
        basis=parsed.basis, seed=parsed.seed, rows_are_requests=parsed.rows_are_requests,
    )  # fmt: skip
    with OpenStore() as place:
        run_id = runs.show(place, parsed.wanted).record.run_id
        asked = (look if parsed.look else ask)(place, run_id, question)
    return _print(asked.facts(), parsed)


def _print(facts: dict[str, Any], parsed: argparse.Namespace) -> int:
    if parsed.json:
        say_json(facts)
        return 0
    for name, value in facts.items():
        if name == "notes":
            continue
        if isinstance(value, dict):
            say(f"{name}:")
            for line in entries(f"{shown(key)}: {_shown(inner)}" for key, inner in value.items()):
                say(f"  {line}")
        else:
            say(f"{name}: {_shown(value)}")
    for line in entries(facts["notes"]):
        tell(f"note: {line}")
    return 0


def _shown(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        parts = (" ".join(f"{name} {_shown(one)}" for name, one in part.items()) for part in value)
        return listed(parts, "; ")
    if isinstance(value, list):
        return listed((_shown(part) for part in value), " to " if len(value) == 2 else ", ")
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)
