"""What a person says about the columns of an upload, one role a column, and the mapping that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.dataset_upload import ColumnMapping, ResponseColumns

KEPT = ""
"""The role of a column that means nothing here: its cells stay beside the item."""

ROLE_NAMES = {
    KEPT: "No role: kept beside the item",
    "prompt": "Prompt",
    "messages": "Messages (chat)",
    "system": "System prompt",
    "response": "Response",
    "score": "Score of a response",
    "label": "Label: was the response right?",
    "finish_reason": "Why the response ended",
    "reference": "Reference answer",
    "id": "Id",
    "model": "Model",
    "preset": "Quality preset",
    "scorer_model": "Scorer model",
    "tag": "Tag",
}
OF_A_RESPONSE = ("score", "label", "finish_reason", "model")
_ONE_COLUMN = ("prompt", "messages", "system", "reference", "id", "preset", "scorer_model")
_ASKED = ("prompt", "messages")


@dataclass(frozen=True, slots=True)
class ColumnChoices:
    """Roles by column number; `belongs` names the response of a score, label, ending or model.

    A `template` makes the prompt of several columns; then no column is the prompt by itself. `stated` are the
    label columns of which a person said so; those that only look like labels are not among them.
    """

    names: tuple[str, ...]
    roles: tuple[str, ...]
    belongs: tuple[str | None, ...]
    template: str | None = None
    stated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, mapping: ColumnMapping, names: Sequence[str]) -> ColumnChoices:
        """Read a proposed mapping."""
        roles = dict.fromkeys(names, KEPT)
        belongs: dict[str, str] = {}
        for role in (*_ONE_COLUMN, "model"):
            if (column := getattr(mapping, role)) is not None:
                roles[column] = role
        for tag in mapping.tags:
            roles[tag] = "tag"
        for part in mapping.responses:
            roles[part.response] = "response"
            for role in OF_A_RESPONSE:
                if (column := getattr(part, role)) is not None:
                    roles[column], belongs[column] = role, part.response
        return cls(
            tuple(names),
            tuple(roles[name] for name in names),
            tuple(belongs.get(name) for name in names),
            mapping.template,
        )

    @property
    def responses(self) -> tuple[str, ...]:
        """Name the columns of responses."""
        return tuple(name for name, role in zip(self.names, self.roles, strict=True) if role == "response")

    def with_role(self, number: int, role: str) -> ColumnChoices:
        """Give a column a role; a role that only one column can have leaves the one that had it."""
        gone = _ASKED if role in _ASKED else (role,) if role in _ONE_COLUMN else ()
        roles = [KEPT if had in gone else had for had in self.roles]
        roles[number] = role
        chosen = replace(self, roles=tuple(roles))
        return chosen.with_label(number, is_label=role == "label")

    def with_label(self, number: int, *, is_label: bool) -> ColumnChoices:
        """Say whether a column holds labels, or only looks like it."""
        mine = {self.names[number]}
        return replace(self, stated=self.stated | mine if is_label else self.stated - mine)

    def with_response(self, number: int, response: str | None) -> ColumnChoices:
        """Say to which response a score, label, ending or model belongs."""
        belongs = list(self.belongs)
        belongs[number] = response
        return replace(self, belongs=tuple(belongs))

    def response_of(self, number: int) -> str | None:
        """Tell the response that a column belongs to: what was said, or the nearest one before it."""
        responses = self.responses
        if self.belongs[number] in responses:
            return self.belongs[number]
        if self.roles[number] == "model" or not responses:
            return None
        before = [name for name in self.names[:number] if name in responses]
        return before[-1] if before else responses[0]

    def mapping(self) -> ColumnMapping:
        """Give the mapping. Raises InvalidInputError where two columns claim one place, or none is there."""
        parts = {name: ResponseColumns(name) for name in self.responses}
        single: dict[str, str] = {}
        for number, (name, role) in enumerate(zip(self.names, self.roles, strict=True)):
            response = self.response_of(number) if role in OF_A_RESPONSE else None
            if response is not None:
                if (taken := getattr(parts[response], role)) is not None:
                    raise InvalidInputError(
                        f"{taken!r} and {name!r} both say {role.replace('_', ' ')} of {response!r}.",
                        hint="Let one of them belong to another response, or take its role away.",
                    )
                parts[response] = replace(parts[response], **{role: name})
            elif role in OF_A_RESPONSE and role != "model":
                raise InvalidInputError(
                    f"{name!r} has the role {ROLE_NAMES[role]!r}, but no column is a response.",
                    hint="Say which column holds the responses, or take this role away.",
                )
            elif role in (*_ONE_COLUMN, "model"):
                if role in single:
                    raise InvalidInputError(
                        f"{single[role]!r} and {name!r} both have the role {ROLE_NAMES[role]!r}.",
                        hint="Only one column can have it.",
                    )
                single[role] = name
        if self.template is not None:
            single = {role: name for role, name in single.items() if role not in _ASKED}
        tags = tuple(name for name, role in zip(self.names, self.roles, strict=True) if role == "tag")
        return ColumnMapping(template=self.template, responses=tuple(parts.values()), tags=tags, **single)
