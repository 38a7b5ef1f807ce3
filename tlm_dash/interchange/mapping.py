"""Which column of a file means what: the answer that a person gives, or that is guessed for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import Formatter

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.prepared import ROLES, Role

_OWN_TEXT = ("prompt", "messages", "system", "response", "reference")
"""Roles of texts: what is one of them cannot be another."""


@dataclass(frozen=True, slots=True)
class ResponseColumns:
    """A column of responses, with the score, label and reason of ending that belong to it."""

    response: str
    score: str | None = None
    label: str | None = None
    finish_reason: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The roles of the columns. `template` makes the prompt of several columns: "{question} {context}".

    `model`, `preset` and `scorer_model` are columns that hold for all responses of a row.
    """

    prompt: str | None = None
    template: str | None = None
    messages: str | None = None
    id: str | None = None
    system: str | None = None
    reference: str | None = None
    model: str | None = None
    preset: str | None = None
    scorer_model: str | None = None
    responses: tuple[ResponseColumns, ...] = ()
    tags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, str | list[str]]:
        """Give roles and columns as `datasets import` prints them; a repeated role has a list."""
        named = {
            role: column
            for role in ("id", "prompt", "messages", "system", "reference", "model", "preset", "scorer_model")
            if (column := getattr(self, role)) is not None
        }
        repeated = {
            "response": [part.response for part in self.responses],
            "score": [part.score for part in self.responses if part.score],
            "label": [part.label for part in self.responses if part.label],
            "tag": list(self.tags),
        }
        told: dict[str, str | list[str]] = dict(named)
        if self.template is not None:
            told["prompt"] = self.template
        for role, columns in repeated.items():
            if columns:
                told[role] = columns[0] if len(columns) == 1 else columns
        return told

    def columns(self) -> tuple[str, ...]:
        """Name every column that has a role."""
        parts = [
            part for r in self.responses for part in (r.response, r.score, r.label, r.finish_reason, r.model)
        ]
        single = (self.prompt, self.messages, self.id, self.system, self.reference, self.model, self.preset)
        named = [*single, self.scorer_model, *parts, *self.tags, *template_columns(self.template or "")]
        return tuple(dict.fromkeys(name for name in named if name is not None))


def mapping_from_pairs(pairs: Iterable[tuple[str, str]], names: Sequence[str]) -> ColumnMapping:
    """Read ROLE=COLUMN pairs in their order; a score or label belongs to the response named just before it.

    A prompt with braces is a template. Raises InvalidInputError for a role or column that does not exist.
    """
    mapping, told = ColumnMapping(), dict[str, str]()
    for role, column in pairs:
        if role not in ROLES:
            raise InvalidInputError(f"There is no role {role!r}.", hint=f"Roles: {', '.join(ROLES)}.")
        if role == "prompt" and column not in names and "{" in column:
            mapping = replace(mapping, template=column)
            continue
        if column not in names:
            raise InvalidInputError(f"There is no column {column!r}.", hint=f"Columns: {', '.join(names)}.")
        if role in _OWN_TEXT and told.setdefault(column, role) != role:
            raise InvalidInputError(
                f"The column {column!r} cannot be both {told[column]} and {role}.", hint="Give it one role."
            )
        mapping = _with(mapping, role, column)
    return mapping


def _with(mapping: ColumnMapping, role: Role | str, column: str) -> ColumnMapping:
    if role == "response":
        return replace(mapping, responses=(*mapping.responses, ResponseColumns(column)))
    if role == "tag":
        return replace(mapping, tags=(*mapping.tags, column))
    if role in ("score", "label"):
        if not mapping.responses:
            raise InvalidInputError(
                f"The {role} column {column!r} belongs to no response.",
                hint=f"Name the response column first: response=COLUMN {role}={column}.",
            )
        *earlier, last = mapping.responses
        if getattr(last, role) is not None:
            raise InvalidInputError(
                f"The response {last.response!r} has a {role} column already.",
                hint="Name one for each response.",
            )
        return replace(mapping, responses=(*earlier, replace(last, **{role: column})))
    if getattr(mapping, role) is not None:
        raise InvalidInputError(f"The role {role} can be given to one column only.")
    return replace(mapping, **{role: column})  # type: ignore[arg-type]


def checked_mapping(mapping: ColumnMapping, names: Sequence[str]) -> ColumnMapping:
    """Give a mapping that can be used. Raises InvalidInputError where prompts or columns are missing."""
    if not (mapping.prompt or mapping.messages or mapping.template is not None):
        raise InvalidInputError(
            "No column of this file looks like prompts, so there is nothing to run.",
            hint=f"If one holds them, say which: prompt=COLUMN. Columns: {', '.join(names)}.",
        )
    if unknown := [name for name in mapping.columns() if name not in names]:
        raise InvalidInputError(f"There is no column {unknown[0]!r}.", hint=f"Columns: {', '.join(names)}.")
    return mapping


def template_parts(template: str) -> tuple[tuple[str, str | None], ...]:
    """Split a template into texts and the columns after them; {{ and }} are braces.

    Raises InvalidInputError for a brace that is not closed or holds no name.
    """
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise InvalidInputError(
            f"The prompt template cannot be read ({error}).", hint="Write {{ and }} for braces of the text."
        ) from None
    parts = []
    for text, name, form, conversion in parsed:
        if name is not None and (not name or conversion):
            raise InvalidInputError("A placeholder of the prompt template is empty.", hint="Write {column}.")
        # A column called "a:b" would be taken for a name with a format.
        parts.append((text, f"{name}:{form}" if name is not None and form else name))
    return tuple(parts)


def template_columns(template: str) -> tuple[str, ...]:
    """Name the columns that a template uses."""
    return tuple(name for _, name in template_parts(template) if name is not None)


def mapping_from_dict(roles: Mapping[str, str | Sequence[str]], names: Sequence[str]) -> ColumnMapping:
    """Read roles and columns as `ColumnMapping.as_dict` writes them for a single response column."""
    pairs: list[tuple[str, str]] = []
    for role in sorted(roles, key=lambda role: ROLES.index(role) if role in ROLES else -1):
        columns = roles[role]
        pairs.extend((role, column) for column in ([columns] if isinstance(columns, str) else columns))
    return mapping_from_pairs(pairs, names)
