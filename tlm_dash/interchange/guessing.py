"""What the columns of a file probably mean: names propose, contents decide, and the rest is asked.

The right answers are looked for first, so that none of them is taken for what a model said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange import column_names as cn
from tlm_dash.interchange.asking import (
    ask_about_preferences,
    ask_about_scored_text,
    ask_about_table_models,
    ask_for_prompts,
    tell_answers,
    tell_of_scores,
    tell_of_verdicts,
)
from tlm_dash.interchange.column_names import NAMED, Named, named
from tlm_dash.interchange.column_table import PROMPT_ROLES, Said, Table
from tlm_dash.interchange.contents import contents_of
from tlm_dash.interchange.mapping import ColumnMapping, mapping_from_pairs
from tlm_dash.interchange.prepared import Role
from tlm_dash.interchange.proposal import proposed_mapping
from tlm_dash.interchange.questions import Answer, Question, with_arguments

_SAMPLES, _SAMPLE_CHARACTERS = 3, 300

__all__ = ["Guess", "Guessed", "Said", "guess"]


@dataclass(frozen=True, slots=True)
class Guess:
    """A role for one column, with the reason in words. A role of None: kept beside the item."""

    column: str
    role: Role | None
    reason: str


@dataclass(frozen=True, slots=True)
class Guessed:
    """The whole mapping that is proposed, a guess per column, what must be asked, and what is told."""

    mapping: ColumnMapping
    guesses: tuple[Guess, ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()


def guess(
    names: Sequence[str],
    samples: Sequence[Sequence[str | None]],
    said: Said | None = None,
    more_cells: Callable[[str], Sequence[str]] = lambda _: (),
) -> Guessed:
    """Guess the role of every column. `samples` are the first rows, cells in the order of `names`.

    `more_cells` gives cells from all over a column; it is asked where one is called like a score and begins
    with something else: a bad cell costs its row only, wherever it stands.
    What a person `said` stands: their roles are given to no other column. Raises InvalidInputError where it
    names a role or column that does not exist.
    """
    said = said or Said()
    given = mapping_from_pairs(said.pairs, names)
    if unknown := [name for name in said.left_out if name not in names]:
        raise InvalidInputError(f"There is no column {unknown[0]!r}.", hint=f"Columns: {', '.join(names)}.")
    if both := [name for name in given.columns() if name in said.left_out]:
        raise InvalidInputError(
            f"The column {both[0]!r} has a role and is to be left out.", hint="Say one of both."
        )
    columns = [named(name, contents_of([row[n] for row in samples])) for n, name in enumerate(names)]
    shown = {name: _samples([row[n] for row in samples]) for n, name in enumerate(names)}
    columns = [_with_scores(column, more_cells) for column in columns]
    table = Table(columns, shown, said)
    _guess_gold(table)
    _guess_prompt(table)
    ask_about_preferences(table)
    _guess_by_name(table)
    tell_answers(table)
    ask_about_table_models(table)
    ask_about_scored_text(table)
    tell_of_scores(table, samples)
    tell_of_verdicts(table)
    ask_for_prompts(table)
    mapping = proposed_mapping(table, given)
    return Guessed(
        mapping,
        tuple(_told(table, column, mapping) for column in columns),
        with_arguments(table.questions, mapping, said.left_out),
        tuple(table.notes),
    )


def _with_scores(column: Named, more_cells: Callable[[str], Sequence[str]]) -> Named:
    is_late = column.phrase in NAMED["score"] and not column.contents.is_share
    if not is_late or not contents_of(more_cells(column.name)).is_share:
        return column
    return replace(column, contents=replace(column.contents, is_share=True))


def _told(table: Table, column: Named, mapping: ColumnMapping) -> Guess:
    role, reason = table.taken.get(column.name, (None, ""))
    if role is None or column.name not in mapping.columns():
        return Guess(column.name, None, "nothing says what it means; it is kept beside the item")
    return Guess(column.name, None if role == "finish_reason" else role, reason)  # type: ignore[arg-type]


def _samples(values: Sequence[str | None]) -> tuple[str, ...]:
    different = dict.fromkeys(
        value.strip()[:_SAMPLE_CHARACTERS] for value in values if value is not None and value.strip()
    )
    return tuple(different)[:_SAMPLES]


def _guess_gold(table: Table) -> None:
    """Take the only right answer as the reference; of several, a person says which."""
    found = [c for c in table.columns if cn.is_gold(c) and not c.contents.is_empty]
    if any(column.phrase == "doc id" for column in table.columns):
        # lm-evaluation-harness keeps its question as `doc`; what it compares with is `target`.
        outer = [column for column in found if "doc" not in column.groups]
        found = outer if len(outer) == 1 else found
    gold = [column for column in found if column.name not in table.said.columns]
    if "reference" in table.said.roles:
        table.asked |= {column.name for column in gold}
    elif len(gold) == 1:
        table.take(gold[0], "reference", f"{gold[0].name!r} is called like the right answer")
    elif gold:
        listed = ", ".join(repr(column.name) for column in gold)
        table.ask(
            f"Which column is the reference answer: {listed}?",
            gold[0],
            [
                Answer(
                    f"{one.name} is the reference",
                    tuple((c.name, "reference" if c is one else None) for c in gold),
                )
                for one in gold
            ],
        )
    table.asked |= {c.name for c in table.columns if cn.is_gold(c)} - table.taken.keys()


def _guess_prompt(table: Table) -> None:
    """Take the messages, or the best-named text, as the prompt."""
    free = sorted(table.free("prompt"), key=lambda column: column.depth)
    for column in sorted(free, key=lambda c: "reject" in c.words):
        if column.contents.is_messages and not _is_response_name(column):
            table.take(column, "messages", "it holds lists of chat messages")
            return
    for wanted in NAMED["prompt"]:
        for column in free:
            if column.phrase == wanted and not column.contents.is_number:
                table.take(column, "prompt", f"it is called {column.name!r} and holds text")
                return
    for column in free:
        if "prompt" in column.words and column.contents.is_text and not cn.is_never_response(column):
            table.take(column, "prompt", f"its name {column.name!r} speaks of prompts")
            return


def _is_response_name(column: Named) -> bool:
    return column.phrase in NAMED["response"]


def _guess_by_name(table: Table) -> None:
    """Give roles to columns whose name and content agree; a name comes before one that only mentions it."""
    for column in table.free(""):
        role = next((role for role in NAMED if _says(column, role)), None)
        if role in PROMPT_ROLES:
            role = None  # Another column is the prompt already, or this one holds no text.
        is_tag = column.phrase in cn.TAGS and column.contents.is_short and not cn.is_beside(column)
        if role is None and is_tag:
            role = "tag"
        if role is None or role in table.said.roles:
            continue
        if column.contents.n_filled or role == "response":
            table.take(column, role, f"its name {column.name!r} says so{_proof(role)}")
    _without_other_scores(table)
    _without_numbers(table)
    _tell_of_ids(table)


def _tell_of_ids(table: Table) -> None:
    repeated = [
        c for c in table.free("id") if c.phrase in NAMED["id"] and c.contents.n_filled and not c.group
    ]
    if repeated and not table.has("id"):
        name = repeated[0].name
        table.notes.append(f"{name!r} is not used as the id of a row: it has the same value more than once.")


def _without_other_scores(table: Table) -> None:
    """A bare "score" beside the grades of an evaluation tool is that tool's."""
    if any(cn.is_of_another_judge(c) and c.words[-1:] == ("score",) for c in table.columns):
        for column in table.of("score"):
            if column.phrase == "score":
                del table.taken[column.name]


def _without_numbers(table: Table) -> None:
    """Numbers and booleans are what a model said only where no text could be it."""
    found = table.of("response")
    for column in found:
        # The choices of an answer whose text stands elsewhere are that text once more.
        others = [c for c in found if c is not column]
        shown = table.samples[column.name]
        if column.phrase == "choices" and any(
            c.group == column.group or table.samples[c.name] == shown for c in others
        ):
            del table.taken[column.name]
    found = table.of("response")
    texts = [column for column in found if column.contents.is_text or column.contents.is_empty]
    if texts:
        for column in found:
            if column.contents.is_measure or (column not in texts and column.depth > texts[0].depth):
                del table.taken[column.name]


def _says(column: Named, role: str) -> bool:
    """Tell whether name and content agree on a role."""
    contents = column.contents
    is_named = column.phrase in NAMED[role]
    if role == "score":
        about = column.phrase.startswith(("score ", "trustworthiness ")) or column.phrase.endswith(
            cn.SCORE_ENDINGS
        )
        return contents.is_share and (is_named or about) and not cn.is_of_another_judge(column)
    if (
        role == "model"
        and len(column.words) == 2
        and column.words[0] == "model"
        and len(column.words[1]) == 1
    ):
        return contents.is_short
    if role == "label":
        starts = column.phrase.startswith(("is correct", "correct ", "label ")) and len(column.words) > 1
        about = is_named or starts or column.phrase.endswith((" correct", " label", " verdict"))
        about = about or ("correct" in column.words and not contents.is_boolean)
        about = about or column.groups[-1:] == ("responses",)  # the verdicts of people, in Argilla's words
        return contents.is_verdict and about and "suggestions" not in column.groups
    if role == "response":
        if cn.is_never_response(column) or cn.is_answer(column) or contents.is_messages:
            return False
        if column.phrase == "choices" and contents.is_json:
            return False  # what could be chosen, and no answer
        return is_named or cn.mentions_response(column)
    if role == "id":
        return is_named and contents.is_unique
    if role == "messages":
        return is_named and contents.is_messages
    return is_named and contents.is_short


def _proof(role: str) -> str:
    return {"score": ", and its values lie from 0 to 1", "label": ", and it has a few verdicts only"}.get(
        role, ""
    )
