"""`analyse choose`: settings compared, and the one to take with a promise that allows for all of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import say, say_json, shown, tell
from tlm_dash.words.numbers import at_most, percent, threshold_text

if TYPE_CHECKING:
    from tlm_dash.services.choice import Choice, Setting


def add_command(commands: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `choose` to the commands of `analyse`."""
    command = make_command(
        commands, "choose", run, "the setting to take, its threshold, and a promise for all that were tried",
        "Choose among runs over one dataset: each is a setting (model, preset, scorer). They are stored with "
        "the target before anything is answered, and each gets its share of the level, so that the promise "
        "holds for the one that is taken. Name all of them at once: one that is named later gets no promise "
        "from the same labels.",
    )  # fmt: skip
    command.add_argument("wanted", metavar="RUN", nargs="+", help=HOW_NAMED)
    asked = command.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "--max-risk", type=float, metavar="R", help="most wrong among the accepted: 0.05 is 5%%"
    )
    asked.add_argument("--review-budget", type=float, metavar="N", help="rows that people can read (a day)")
    asked.add_argument(
        "--review-share", type=float, metavar="S", help="share that people can read: 0.08 is 8%%"
    )
    command.add_argument(
        "--daily-volume", type=float, metavar="V", help="rows a day, for --review-budget (default: the run)"
    )
    command.add_argument("--confidence", type=float, default=0.95, help="of all settings together (0.95)")
    command.add_argument(
        "--look", action="store_true", help="ask nothing and keep nothing: read every setting from its band"
    )
    command.add_argument(
        "--basis", metavar="SAMPLE", action="append", default=[],
        help="sample to stand on, a new plan's id for instance; may be repeated: each run takes the first "
        "that it has (default: its own with most labelled rows)",
    )  # fmt: skip
    command.add_argument("--minutes-per-row", type=float, metavar="M", help="what reading a row takes")
    command.add_argument("--price-per-hour", type=float, metavar="P", help="what an hour of reading costs")


def run(parsed: argparse.Namespace) -> int:
    """Choose, and print what follows."""
    # Imported here, as in every command: --help must not wait for the statistics.
    from tlm_dash.services import runs
    from tlm_dash.services.choice import ChooseRequest
    from tlm_dash.services.choose import choose, look_at_choice
    from tlm_dash.services.decide import Question
    from tlm_dash.services.place import OpenStore

    if parsed.daily_volume is not None and parsed.review_budget is None:
        raise InvalidInputError("A daily volume needs a number to read.", hint="Add --review-budget N.")
    question = Question(
        parsed.max_risk, parsed.review_budget, parsed.daily_volume, parsed.review_share, parsed.confidence
    )
    with OpenStore() as place:
        run_ids = tuple(runs.show(place, text).record.run_id for text in parsed.wanted)
        request = ChooseRequest(
            run_ids, question, tuple(parsed.basis), parsed.minutes_per_row, parsed.price_per_hour
        )
        choice = (look_at_choice if parsed.look else choose)(place, request)
    if parsed.json:
        say_json(choice.facts())
    else:
        _print(choice)
    return 0


def _print(choice: Choice) -> None:
    say(choice.sentence)
    for setting in choice.settings:
        say(f"  {shown(setting.name)}: {_told(setting)}")
    for note in choice.notes():
        tell(f"note: {note}")


def _told(setting: Setting) -> str:
    facts = setting.facts()
    if not setting.is_certified:
        best = facts["best_guaranteed_risk"]
        at_best = "" if best is None else f"; at best {at_most(best)}"
        return f"no promise: {setting.why_not}{at_best}"
    price = "" if setting.price_per_1000 is None else f", {setting.price_per_1000:,.2f} per 1,000 rows"
    bound, read = at_most(facts["risk_upper_bound"]), percent(setting.review_share)
    threshold = threshold_text(facts["threshold"])
    return f"threshold {threshold}, at most {bound} wrong, people read {read}{price}"
