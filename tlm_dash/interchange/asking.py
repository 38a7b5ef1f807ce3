"""Columns that have two readings: told by what else the file has, else asked."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.interchange import column_names as cn
from tlm_dash.interchange.column_names import NAMED
from tlm_dash.interchange.column_table import Table
from tlm_dash.interchange.contents import is_share, says_nothing
from tlm_dash.interchange.questions import Answer


def tell_answers(table: Table) -> None:
    """Tell what "answer" means: what the file lacks, a response or a reference; else it is asked."""
    found = [column for column in table.free("") if cn.is_answer(column) and not column.contents.is_empty]
    if not found:
        return
    column = min(found, key=lambda c: c.depth)
    within = any(group in NAMED["response"] for group in column.groups)
    if "reference" in table.said.roles and "response" in table.said.roles:
        return
    gold = table.has("reference") or any(cn.is_gold(c) for c in table.columns)
    if not table.has("response") and (gold or within):
        table.take(column, "response", f"{column.name!r} is what was answered: the right answer is elsewhere")
    elif table.has("response") and not gold:
        reason = f"{column.name!r} is the expected answer, since responses are elsewhere"
        table.take(column, "reference", reason)
    elif not table.has("response"):
        table.ask(
            f"Is {column.name!r} a model's response, or the expected answer?",
            column,
            [
                Answer(f"{column.name} is a model's response", ((column.name, "response"),)),
                Answer(f"{column.name} is the expected answer", ((column.name, "reference"),)),
            ],
        )


def ask_about_preferences(table: Table) -> None:
    """Ask of preferences what they are: two answers, or a right one and a wrong one."""
    by_phrase = {
        # The answer of a conversation called "chosen" is "chosen.response".
        column.groups[-1] if column.groups and column.phrase == "response" else column.phrase: column
        for column in table.free("response")
    }
    for better, worse in (("chosen", "rejected"), ("preferred output", "non preferred output")):
        if better not in by_phrase or worse not in by_phrase:
            continue
        one, other = by_phrase[better], by_phrase[worse]
        table.ask(
            f"Are {one.name!r} and {other.name!r} two responses, or is {one.name!r} the right answer?",
            one,
            [
                Answer("two responses", ((one.name, "response"), (other.name, "response"))),
                Answer(
                    f"{one.name} is the reference, {other.name} a response",
                    ((one.name, "reference"), (other.name, "response")),
                ),
                Answer(f"{one.name} is the reference", ((one.name, "reference"), (other.name, None))),
            ],
        )


def ask_about_table_models(table: Table) -> None:
    """Ask of columns that are called like a model and its prompt whether they hold its responses."""
    for column in table.free("response"):
        if (model := cn.table_model(column.name)) is None:
            continue
        table.ask(
            f"Does the column of {model} hold its responses?",
            column,
            [
                Answer(f"responses of {model}", ((column.name, "response"),)),
                Answer("something else", ((column.name, None),)),
            ],
        )


def ask_about_scored_text(table: Table) -> None:
    """A score needs a response: where none is named, ask about the column before the score."""
    scores = [number for number, column in enumerate(table.columns) if column in table.of("score")]
    asked = {role for q in table.questions for answer in q.answers for _, role in answer.roles}
    if table.has("response") or not scores or "response" in asked:
        return
    free = table.free("response")
    before = [c for c in table.columns[: scores[0]] if c in free and c.contents.n_filled]
    if not before:
        return
    name, score = before[-1].name, table.columns[scores[0]].name
    table.ask(
        f"Does {name!r} hold the responses that the scores of {score!r} belong to?",
        before[-1],
        [
            Answer(f"{name} holds the responses", ((name, "response"), (score, "score"))),
            Answer("no, there are no responses", ((name, None), (score, None))),
        ],
    )


def tell_of_scores(table: Table, samples: Sequence[Sequence[str | None]]) -> None:
    """Say of a column that is called like a score why it is taken for none: 87% and 8.7 of 10 are not."""
    for number, column in enumerate(table.columns):
        if column.phrase not in NAMED["score"] or column not in table.free("score"):
            continue
        if column.contents.is_share:
            table.notes.append(f"{column.name!r} is a score of another judge: it is kept beside the item.")
            continue
        cells = [cell for row in samples if (cell := row[number])]
        value = next((c for c in cells if not says_nothing(c) and not is_share(c)), None)
        if value is None and cells:
            table.notes.append(
                f"{column.name!r} is called like a score, but no row has a number in it ({cells[0][:40]!r}): "
                "it is kept beside the item."
            )
        if value is not None:
            table.notes.append(
                f"{column.name!r} is called like a score, but {value[:40]!r} is no number from 0 to 1: "
                "it is kept beside the item. Write 87% and 8.7 of 10 as 0.87."
            )


def tell_of_verdicts(table: Table) -> None:
    """Say of columns of yes and no, or right and wrong, that they are no labels until somebody says so."""
    found = [
        column.name
        for column in table.free("label")
        if column.contents.is_verdict
        and not column.contents.is_boolean
        and not cn.is_never_response(column)
        and table.has("response")
    ]
    if found:
        listed = ", ".join(repr(name[:60]) for name in found)
        hold, is_kept = ("hold", "they are") if len(found) > 1 else ("holds", "it is")
        table.notes.append(f"{listed} {hold} verdicts: {is_kept} kept beside the item, and no label is made.")


def ask_for_prompts(table: Table) -> None:
    """Ask which column holds the prompts where none looks like it and some could."""
    if table.has("prompt") or table.has("messages"):
        return
    # Texts of what a person has to judge come first: a verdict or a name is rarely the prompt.
    could = [c for c in table.free("prompt") if c.contents.is_text and not c.contents.is_verdict]
    could = [c for c in could if not cn.is_called_otherwise(c)]
    could = [c for c in could if c.words and not cn.is_never_response(c)] or could
    if not could:
        return
    could.sort(key=lambda column: not column.contents.is_long)
    table.ask(
        "Which column holds the prompts? None of them looks like it.",
        could[0],
        [Answer(f"{column.name} holds the prompts", ((column.name, "prompt"),)) for column in could],
    )
