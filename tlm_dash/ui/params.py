"""How an address is read and written: unknown or broken values fall back, they never fail."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from tlm_dash.services.shares import is_share

LONGEST_DRAFT = 1_500
"""Characters of a text that was not used yet which an address keeps; longer ones are not kept."""

MOST_ROWS = 10**9
"""No dataset has more: a number of rows, an item or a page beyond it is a slip."""

Choice = TypeVar("Choice")


class QueryParams(Protocol):
    """What Streamlit's query parameters offer, as far as addresses are read."""

    def get_all(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class Address:
    """The values of a query by their names, each as what it should be. Where one repeats, the last counts."""

    query: QueryParams

    def all(self, name: str) -> list[str]:
        """Give every value as it stands."""
        return self.query.get_all(name)

    def verbatim(self, name: str) -> str:
        """Give a text as it stands; "" where there is none."""
        return (self.all(name) or [""])[-1]

    def text(self, name: str) -> str:
        """Give a text without white space around it; "" where there is none."""
        return self.verbatim(name).strip()

    def names(self, name: str) -> tuple[str, ...]:
        """Give every value that is not blank, as it stands."""
        return tuple(value for value in self.all(name) if value.strip())

    def ids(self, name: str) -> tuple[str, ...]:
        """Give every value that is not blank, trimmed, each once."""
        return tuple(dict.fromkeys(value.strip() for value in self.names(name)))

    def whole(self, name: str, *, least: int = 1, most: int = MOST_ROWS) -> int | None:
        """Give a whole number; None for anything else and outside its bounds."""
        return as_whole(self.text(name), least=least, most=most)

    def page(self) -> int:
        """Give the number of the page; 1 for anything that is none."""
        return self.whole("page") or 1

    def number(self, name: str, *, least: float = -math.inf, most: float = math.inf) -> float | None:
        """Give a finite number; None for anything else and outside its bounds."""
        number = _as_number(self.text(name))
        return number if number is not None and least <= number <= most else None

    def share(self, name: str) -> float | None:
        """Give a fraction that a target, margin or confidence can be; None for anything else."""
        return as_share(self.text(name))

    def one_of(self, name: str, choices: Sequence[Choice], otherwise: Choice) -> Choice:
        """Give the choice that is written there, or what is chosen otherwise."""
        wanted = self.text(name)
        return next((choice for choice in choices if choice == wanted), otherwise)

    def is_yes(self, name: str) -> bool:
        """Tell whether it says yes; anything else is no."""
        return self.text(name) == "yes"


def as_whole(text: str, *, least: int = 1, most: int = MOST_ROWS) -> int | None:
    """Read a whole number in plain digits; None for anything else and outside its bounds."""
    # Python refuses thousands of digits with an error, so the length is looked at first.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return int(text) if least <= int(text) <= most else None


def as_share(text: str) -> float | None:
    """Read a fraction that a target, margin or confidence can be; None for anything else."""
    number = _as_number(text)
    return number if number is not None and is_share(number) else None


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def changed(params: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """Give the fields of an address that are not at their default, by their names."""
    values = {field.name: (getattr(params, field.name), field.default) for field in fields(params)}
    return {name: value for name, (value, default) in values.items() if value != default}


def written(values: Mapping[str, object]) -> dict[str, str | list[str]]:
    """Write values so that an `Address` reads them back; None, no, and empty texts and lists are left out."""
    return {
        name: [str(part) for part in value] if isinstance(value, tuple | list) else _written(value)
        for name, value in values.items()
        if not (value is None or value is False or value == "" or value == () or value == [])
    }


def _written(value: object) -> str:
    # repr() of a number comes back as the same one.
    return "yes" if value is True else repr(value) if isinstance(value, float) else str(value)
