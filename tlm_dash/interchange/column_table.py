"""The columns of a file while their roles are found, and what a person said of them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tlm_dash.interchange.column_names import Named
from tlm_dash.interchange.prepared import Role
from tlm_dash.interchange.questions import Answer, Question

PROMPT_ROLES = frozenset({"prompt", "messages"})

_MOST_ANSWERS = 6


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said already: roles of columns, and columns that have none."""

    pairs: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def roles(self) -> frozenset[str]:
        """Name the roles that are settled; a file has prompts or messages, not both."""
        roles = {role for role, _ in self.pairs}
        return frozenset(roles | PROMPT_ROLES if roles & PROMPT_ROLES else roles)

    @property
    def columns(self) -> frozenset[str]:
        """Name the columns that are settled."""
        return frozenset({column for _, column in self.pairs} | set(self.left_out))


@dataclass
class Table:
    """The columns of a file while their roles are found. `taken`: role and reason by name."""

    columns: list[Named]
    samples: dict[str, tuple[str, ...]]
    said: Said
    taken: dict[str, tuple[Role | str, str]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def free(self, role: str) -> list[Named]:
        """Give the columns that may still get a role; none where a person gave it."""
        if role in self.said.roles:
            return []
        gone = self.taken.keys() | self.asked | self.said.columns
        return [column for column in self.columns if column.name not in gone]

    def take(self, column: Named, role: str, reason: str) -> None:
        """Give a column a role."""
        self.taken[column.name] = (role, reason)

    def of(self, role: str) -> list[Named]:
        """Give the columns that have a role, in their order."""
        return [column for column in self.columns if self.taken.get(column.name, ("",))[0] == role]

    def has(self, role: str) -> bool:
        """Tell whether some column has a role, or a person said which."""
        return role in self.said.roles or bool(self.of(role))

    def ask(self, question: str, about: Named | None, answers: Sequence[Answer]) -> None:
        """Ask; what the answers are about has no role until somebody says."""
        asked = Question(
            question,
            about.name if about else None,
            self.samples[about.name] if about else (),
            tuple(answers[:_MOST_ANSWERS]),
        )
        self.questions.append(asked)
        self.asked |= asked.columns
