"""What only a person can tell of a file: a question, and for each answer the whole mapping that it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.mapping import ColumnMapping, ResponseColumns


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the roles that it gives to columns, None for none. `arguments`: what to type for it.

    `has_header`: it says whether the first row names the columns, and the file is read again.
    """

    label: str
    roles: tuple[tuple[str, str | None], ...]
    arguments: tuple[str, ...] = ()
    has_header: bool | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something about a file that has two readings. `samples`: the first three values of `column`."""

    question: str
    column: str | None
    samples: tuple[str, ...]
    answers: tuple[Answer, ...]

    @property
    def columns(self) -> frozenset[str]:
        """Name the columns that it is about."""
        return frozenset(name for answer in self.answers for name, _ in answer.roles)

    @property
    def is_about_prompts(self) -> bool:
        """Tell whether it asks where the prompts are."""
        return any(role == "prompt" for answer in self.answers for _, role in answer.roles)


def header_question(first: Sequence[str | None]) -> Question:
    """Ask whether the first row of a table names its columns."""
    return Question(
        "Does the first row name the columns, or is it a row like the others?",
        None,
        tuple(cell for cell in first if cell)[:3],
        (
            Answer("it names the columns", (), ("--header-row", "1"), has_header=True),
            Answer("it is a row", (), ("--header-row", "none"), has_header=False),
        ),
    )


class OpenQuestionsError(InvalidInputError):
    """A file has more than one reading, and nobody said which is meant."""

    def __init__(self, questions: Sequence[Question]) -> None:
        first = questions[0]
        shown = ", ".join(repr(sample[:60]) for sample in first.samples)
        holder = first.column or "The first row"
        told = f" {holder} holds {shown}." if shown else ""
        ways = "; ".join(f"{answer.label}: {' '.join(answer.arguments)}" for answer in first.answers)
        super().__init__(first.question + told, hint=ways)
        self.questions = tuple(questions)


def with_arguments(
    questions: Sequence[Question], mapping: ColumnMapping, left_out: Collection[str]
) -> tuple[Question, ...]:
    """Write for each answer what to type: the proposal with what the answer changes, complete."""
    return tuple(
        replace(
            asked,
            answers=tuple(
                replace(answer, arguments=_arguments(answer, mapping, left_out)) for answer in asked.answers
            ),
        )
        for asked in questions
    )


def _arguments(answer: Answer, mapping: ColumnMapping, left_out: Collection[str]) -> tuple[str, ...]:
    taken = with_roles(mapping, dict(answer.roles))
    kept = [name for name, role in answer.roles if role is None]
    pairs = [word for pair in pairs_of(taken) for word in ("--map", quoted("=".join(pair)))]
    out = dict.fromkeys([*left_out, *kept])
    return (*pairs, *(word for name in out for word in _left_out(name)))


def _left_out(name: str) -> tuple[str, ...]:
    # A name that begins like an option is taken for one unless it is tied to its own.
    return (quoted(f"--leave-out={name}"),) if name.startswith("-") else ("--leave-out", quoted(name))


def quoted(text: str) -> str:
    """Write a word of a command line so that a shell takes it as it is."""
    plain = text and all(c.isalnum() or c in "._-=/:,@%+" for c in text)
    return text if plain else "'" + text.replace("'", "'\"'\"'") + "'"


def with_roles(mapping: ColumnMapping, roles: Mapping[str, str | None]) -> ColumnMapping:
    """Give columns other roles. A score that no response has yet goes to the first response."""
    for name, role in roles.items():
        mapping = _without(mapping, name)
        if role == "response":
            mapping = replace(mapping, responses=(*mapping.responses, ResponseColumns(name)))
        elif role in ("score", "label", "finish_reason"):
            first, *others = mapping.responses or (None,)
            if first is not None and getattr(first, role) is None:
                mapping = replace(mapping, responses=(replace(first, **{role: name}), *others))
        elif role == "tag":
            mapping = replace(mapping, tags=(*mapping.tags, name))
        elif role in ("prompt", "messages"):
            mapping = replace(mapping, prompt=None, messages=None, template=None)
            mapping = replace(mapping, **{role: name})  # type: ignore[arg-type]
        elif role is not None:
            mapping = replace(mapping, **{role: name})  # type: ignore[arg-type]
    return mapping


def _without(mapping: ColumnMapping, name: str) -> ColumnMapping:
    single = ("prompt", "messages", "id", "system", "reference", "model", "preset", "scorer_model")
    gone = {role: None for role in single if getattr(mapping, role) == name}
    parts = []
    for part in mapping.responses:
        if part.response != name:
            own = ("score", "label", "finish_reason", "model")
            lost = {role: None for role in own if getattr(part, role) == name}
            parts.append(replace(part, **lost))  # type: ignore[arg-type]
    tags = tuple(tag for tag in mapping.tags if tag != name)
    return replace(mapping, responses=tuple(parts), tags=tags, **gone)


def pairs_of(mapping: ColumnMapping) -> list[tuple[str, str]]:
    """Give a mapping as ROLE=COLUMN pairs, in an order that `mapping_from_pairs` reads back."""
    single = ("id", "messages", "system", "reference", "model", "preset", "scorer_model")
    pairs = [(role, str(column)) for role in single if (column := getattr(mapping, role)) is not None]
    if (prompt := mapping.template or mapping.prompt) is not None:
        pairs.insert(0, ("prompt", prompt))
    for part in mapping.responses:
        pairs.append(("response", part.response))
        pairs += [
            (role, column) for role in ("score", "label") if (column := getattr(part, role)) is not None
        ]
    return [*pairs, *(("tag", tag) for tag in mapping.tags)]
