"""`labels import | from-reference | map`."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import entries, listed, say, say_json, shown, tell

if TYPE_CHECKING:
    from tlm_dash.services.label_matchers import Pair
    from tlm_dash.services.label_spellings import LabelColumn

_MATCHERS = ("exact", "normalized", "contains", "number", "aliases")
_SHOWN_CHARACTERS = 200


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `labels` and what follows it to the command line."""
    labels = subparsers.add_parser(
        "labels", help="say which responses are right", description="Verdicts on responses."
    )
    commands = labels.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_import(commands)
    _add_from_reference(commands)
    _add_map(commands)


def _add_import(commands: Any) -> None:  # noqa: ANN401
    add = make_command(commands, "import", _import, "take verdicts on the responses of a run from a file")
    add.add_argument("wanted", metavar="RUN", help=HOW_NAMED)
    add.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="columns: item_no, id or response (with prompt where texts repeat); verdict or label; note and "
        "annotator if there are any; a response beside item_no or id must be the run's",
    )
    add.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="SPELLING=MEANING",
        help="correct, incorrect, unsure or ignored; may be repeated (1/0, true/false, yes/no and "
        "correct/incorrect need none)",
    )
    add.add_argument("--annotator", metavar="NAME", help="whose verdicts they are (default: the file's name)")


def _add_from_reference(commands: Any) -> None:  # noqa: ANN401
    match = make_command(
        commands, "from-reference", _from_reference, "label a run by matching responses with references"
    )
    match.add_argument("wanted", metavar="RUN", help=HOW_NAMED)
    what = match.add_mutually_exclusive_group(required=True)
    what.add_argument("--matcher", choices=_MATCHERS, help=", ".join(_MATCHERS))
    what.add_argument("--take-back", action="store_true", help="let no matcher label the run any more")
    match.add_argument("--dry-run", action="store_true", help="count and show examples, label nothing")


def _add_map(commands: Any) -> None:  # noqa: ANN401
    spell = make_command(
        commands, "map", _map, "say what the spellings of a label column mean; without any, list them"
    )
    spell.add_argument("wanted", metavar="DATASET", help=HOW_NAMED)
    spell.add_argument(
        "meanings",
        nargs="*",
        metavar="SPELLING=MEANING",
        help="correct, incorrect, unsure or ignored, for example yes=correct",
    )
    spell.add_argument("--column", help="label column (default: the only one)")
    spell.add_argument(
        "--accept-suggestion", action="store_true", help="take what is suggested for a well-known pair"
    )


def _import(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the engine.
    from tlm_dash.services import runs
    from tlm_dash.services.label_import import import_labels
    from tlm_dash.services.place import OpenStore

    meanings = _pairs(parsed.map)
    with OpenStore() as place:
        record = runs.show(place, parsed.wanted).record
        done = import_labels(place, record.run_id, parsed.file, meanings=meanings, annotator=parsed.annotator)
    read = (f"{shown(repr(spelling))} was read as {meaning}" for spelling, meaning in done.spellings.items())
    for line in entries(read):
        tell(f"note: {line}")
    facts = {
        "run_id": done.run_id, "name": record.name, "matched_by": done.matched_by,
        "n_rows_in": done.n_rows_in, "n_labelled": done.n_labelled, "n_unsure": done.n_unsure,
        "n_ignored": done.n_ignored, "n_replaced": done.n_replaced, "n_unmatched": done.n_unmatched,
        "unmatched": [{"row": u.row, "key": u.key, "reason": u.reason} for u in done.unmatched],
        "spellings": dict(done.spellings),
    }  # fmt: skip
    _print(facts, as_json=parsed.json)
    return 0


def _from_reference(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import label_matchers, runs
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        record = runs.show(place, parsed.wanted).record
        if parsed.take_back:
            label_matchers.take_back(place, record.run_id, _user())
            _print({"run_id": record.run_id, "name": record.name, "matcher": None}, as_json=parsed.json)
            return 0
        if parsed.dry_run:
            found = label_matchers.preview(place, record.run_id, parsed.matcher)
        else:
            found = label_matchers.apply(place, record.run_id, parsed.matcher, _user())
    facts = {
        "run_id": record.run_id, "name": record.name, "matcher": found.matcher,
        "applied": not parsed.dry_run, "n_hits": found.n_hits, "n_misses": found.n_misses,
        "n_without_reference": found.n_without_reference,
        "examples": {"hits": _examples(found.hits), "misses": _examples(found.misses)},
    }  # fmt: skip
    _print(facts, as_json=parsed.json)
    return 0


def _map(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import datasets, label_spellings
    from tlm_dash.services.place import OpenStore

    meanings = _pairs(parsed.meanings)
    with OpenStore() as place:
        dataset = datasets.show(place, parsed.wanted)
        columns = label_spellings.label_columns(place, dataset.dataset_id)
        if meanings or parsed.accept_suggestion:
            column = _one_column(columns, parsed.column)
            if parsed.accept_suggestion:
                meanings = {**_suggested(column), **meanings}
            label_spellings.decide(place, dataset.dataset_id, column.name, meanings, _user())
            columns = label_spellings.label_columns(place, dataset.dataset_id)
    wanted = columns if parsed.column is None else [_one_column(columns, parsed.column)]
    if not wanted:
        tell("This dataset has no label column.")
    facts = {
        "dataset_id": dataset.dataset_id, "name": dataset.name,
        "columns": [_column_facts(column) for column in wanted],
    }  # fmt: skip
    if parsed.json:
        _print(facts, as_json=True)
    for told in [] if parsed.json else [_column_facts(column) for column in wanted]:
        say(shown(told["column"]))
        for line in entries(_spelling_line(one) for one in told["spellings"]):
            say(f"  {line}")
    return 0


def _spelling_line(one: Mapping[str, Any]) -> str:
    hint = f"  (suggested: {one['suggested']})" if one["suggested"] and not one["meaning"] else ""
    return f"{one['n']:>9}  {shown(repr(one['spelling']))}: {one['meaning'] or 'not decided'}{hint}"


def _suggested(column: LabelColumn) -> dict[str, str]:
    if not column.suggested:
        raise InvalidInputError(
            f"Nothing is suggested for {column.name!r}: its spellings are no well-known pair.",
            hint="Say what each means: labels map DATASET SPELLING=MEANING …",
        )
    for spelling, meaning in column.suggested.items():
        tell(f"note: {shown(repr(spelling))} is taken as {meaning}")
    return dict(column.suggested)


def _one_column(columns: Sequence[LabelColumn], name: str | None) -> LabelColumn:
    if not columns:
        raise InvalidInputError(
            "The dataset has no label column.", hint="Import it again with --map label=COLUMN."
        )
    found = [column for column in columns if name in (None, column.name)]
    if len(found) == 1:
        return found[0]
    named = ", ".join(column.name for column in columns)
    what = "has several label columns" if found else f"has no label column {name!r}"
    raise InvalidInputError(f"The dataset {what}.", hint=f"--column is one of: {named}.")


def _column_facts(column: LabelColumn) -> dict[str, Any]:
    return {
        "column": column.name,
        "n_undecided": column.n_undecided,
        "spellings": [
            {
                "spelling": one.spelling, "n": one.n, "meaning": one.meaning, "decided_by": one.decided_by,
                "suggested": column.suggested.get(one.spelling),
            }
            for one in column.spellings
        ],
    }  # fmt: skip


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        spelling, equals, meaning = text.rpartition("=")
        if not equals or not spelling.strip():
            raise InvalidInputError(f"{text!r} is not SPELLING=MEANING.", hint="For example yes=correct")
        kept, said = spelling.strip(), meaning.strip().lower()
        if pairs.setdefault(kept, said) != said:
            raise InvalidInputError(
                f"{kept!r} is said to mean both {pairs[kept]} and {said}.", hint="Say one meaning for each."
            )
    return pairs


def _user() -> str:
    """Name who runs the command, as the record of who decided."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


def _examples(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    return [
        {
            "item_no": pair.item_no, "prompt": _beginning(pair.prompt),
            "response": _beginning(pair.response),
            "reference": None if pair.reference is None else _beginning(pair.reference),
        }
        for pair in pairs
    ]  # fmt: skip


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for name, value in facts.items():
        if name == "examples":
            for kind, pairs in value.items():
                for pair in pairs:
                    told = f"{shown(repr(pair['response']))} for {shown(repr(pair['reference']))}"
                    say(f"  {kind}, item {pair['item_no']}: {told}")
        elif isinstance(value, list):
            rows = (
                f"row {part['row']}, {shown(repr(part['key']))}: {shown(part['reason'])}" for part in value
            )
            for line in entries(rows):
                say(f"  {line}")
        elif isinstance(value, dict):
            say(f"{name}: " + listed(f"{shown(repr(key))} {shown(one)}" for key, one in value.items()))
        else:
            say(f"{name}: {shown(value)}")
