"""`analyse compare`: a baseline and candidates, paired by prompt."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.terminal.printer import say, say_json, shown, tell
from tlm_dash.words.numbers import decimal, points

if TYPE_CHECKING:
    from tlm_dash.services.compare import Comparison


def add_command(commands: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `compare` to the commands of `analyse`."""
    command = make_command(
        commands, "compare", run, "a baseline and candidates, paired by prompt",
        "Compare runs with a baseline: what they rank, get right and take. Rows are paired by "
        "item, across datasets by the text of the messages; every difference is candidate minus "
        "baseline, with its interval.",
    )  # fmt: skip
    command.add_argument("baseline", metavar="RUN_A", help=f"the baseline: {HOW_NAMED}")
    command.add_argument("candidates", metavar="RUN_B", nargs="+", help=HOW_NAMED)
    command.add_argument(
        "--metric",
        choices=("auroc", "accuracy"),
        help="what the verdict is about (default: auroc where both score the same responses, else accuracy)",
    )
    command.add_argument(
        "--margin", type=float, metavar="M", help="a loss that is small enough to accept: 0.03 is 3 points"
    )
    command.add_argument("--confidence", type=float, default=0.95, help="of all intervals together (0.95)")
    command.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")


def run(parsed: argparse.Namespace) -> int:
    """Compare, and print what was found."""
    # Imported here, as in every command: --help must not wait for the statistics.
    from tlm_dash.services import runs
    from tlm_dash.services.compare import CompareRequest, compare
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        wanted = [parsed.baseline, *parsed.candidates]
        run_ids = tuple(runs.show(place, text).record.run_id for text in wanted)
        request = CompareRequest(run_ids, parsed.metric, parsed.margin, parsed.confidence, parsed.seed)
        comparison = compare(place, request)
    if parsed.json:
        say_json(comparison.facts())
    else:
        _print(comparison)
    return 0


def _print(comparison: Comparison) -> None:
    for number, pair in enumerate(comparison.pairs):
        say(comparison.sentence(number))
        facts = pair.facts()
        say(
            f"  2x2 (right or wrong, {facts['n_labelled']:,} labelled of {facts['n_pairs']:,} pairs): "
            f"both {facts['both']:,}, only the baseline {facts['only_a']:,}, only this one "
            f"{facts['only_b']:,}, neither {facts['neither']:,}"
        )
        for name in ("accuracy_difference", "auroc_difference"):
            if facts[name] is not None:
                say(f"  {name}: {points(facts[name])} points{_between(facts[f'{name}_ci'], points)}")
        if pair.right.test is not None:
            say(f"  {pair.right.test.name} of accuracy: {pair.right.test.words}")
        if facts["kendall_tau"] is not None:
            say(f"  kendall_tau: {decimal(facts['kendall_tau'])}{_between(facts['kendall_tau_ci'], decimal)}")
        for reason, count in facts["n_excluded"].items():
            say(f"  left out, {shown(reason.replace('_', ' '))}: {count:,}")
    for note in comparison.notes():
        tell(f"note: {note}")


def _between(ends: list[float] | None, written: Callable[[float], str]) -> str:
    return "" if ends is None else f" ({written(ends[0])} to {written(ends[1])})"
