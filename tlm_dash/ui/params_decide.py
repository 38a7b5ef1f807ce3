"""What the address of the Decide page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `run`, `basis` (the sample: census, imported, column, matcher or a plan's id),
`by` (target, budget or share), `max_risk`, `confidence`, `review_share` as fractions, `review_budget` and
`daily_volume` in rows, `threshold` (the one looked at, where it is not the answer), `seconds_per_row`, and
`first`, the target that was asked of these labels first, as `0.05:0.95`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from tlm_dash.services.decide import Question
from tlm_dash.ui.params import QueryParams

WAYS = ("target", "budget", "share")
MOST_ROWS = 10**9


@dataclass(frozen=True)
class DecideParams:
    """The address. `first` is the target asked before this one, None while there was no other."""

    run: str | None = None
    basis: str | None = None
    by: str = "target"
    max_risk: float = 0.05
    confidence: float = 0.95
    first: tuple[float, float] | None = None
    review_budget: int | None = None
    review_share: float = 0.1
    daily_volume: int | None = None
    threshold: float | None = None
    seconds_per_row: int = 60

    @classmethod
    def from_query(cls, query: QueryParams) -> DecideParams:
        """Read the address."""

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        by = last("by")
        return cls(
            run=last("run") or None,
            basis=last("basis") or None,
            by=by if by in WAYS else cls.by,
            max_risk=_share(last("max_risk")) or cls.max_risk,
            confidence=_share(last("confidence")) or cls.confidence,
            first=_target(last("first")),
            review_budget=_whole(last("review_budget")),
            review_share=_share(last("review_share")) or cls.review_share,
            daily_volume=_whole(last("daily_volume")),
            threshold=_number(last("threshold")),
            seconds_per_row=_whole(last("seconds_per_row")) or cls.seconds_per_row,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        values: dict[str, str | list[str]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or value == field.default:
                continue
            if isinstance(value, tuple):
                values[field.name] = ":".join(f"{part!r}" for part in value)
            else:
                values[field.name] = value if isinstance(value, str) else repr(value)
        return values

    @property
    def target(self) -> tuple[float, float]:
        """Give the target that is asked now: most wrong, and confidence."""
        return self.max_risk, self.confidence

    @property
    def is_second_target(self) -> bool:
        """Tell whether another target was asked of these labels before."""
        return self.first is not None and self.first != self.target

    def asking(self, max_risk: float, confidence: float) -> DecideParams:
        """Give the address with another target; the one asked first is kept in mind."""
        return replace(
            self, max_risk=max_risk, confidence=confidence, first=self.first or self.target, threshold=None
        )

    def of_run(self, run: str) -> DecideParams:
        """Give the address of another run: its labels have not been asked anything."""
        return replace(self, run=run, basis=None, first=None, threshold=None)

    def on_sample(self, basis: str | None) -> DecideParams:
        """Give the address of another sample. Samples share labels, so what was asked stays asked."""
        first = self.first or (self.target if self.by == "target" else None)
        return replace(self, basis=basis, first=first, threshold=None)

    def budget(self, n_rows: int) -> tuple[int, int]:
        """Give how many rows can be read a day, a tenth where nothing is said, and of how many."""
        volume = self.daily_volume or max(1, n_rows)
        return self.review_budget or max(1, volume // 10), volume

    def question(self, n_rows: int) -> Question:
        """Give what is asked of a run with so many rows."""
        if self.by == "budget":
            budget, volume = self.budget(n_rows)
            return Question(
                review_budget=budget, daily_volume=volume,
                confidence=self.confidence, basis=self.basis,
            )  # fmt: skip
        if self.by == "share":
            return Question(review_share=self.review_share, confidence=self.confidence, basis=self.basis)
        return Question(
            max_risk=self.max_risk, confidence=self.confidence, from_band=self.is_second_target,
            basis=self.basis,
        )  # fmt: skip


def _share(text: str) -> float | None:
    value = _number(text)
    return value if value is not None and 0.0001 <= value <= 0.9999 else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= MOST_ROWS else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _target(text: str) -> tuple[float, float] | None:
    risk, _, confidence = text.partition(":")
    found = _share(risk), _share(confidence)
    return None if found[0] is None or found[1] is None else (found[0], found[1])
