"""What the address of the Decide page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `run`, `basis` (the sample: census, imported, column, matcher or a plan's id),
`by` (target, budget or share), `max_risk`, `confidence`, `review_share` as fractions, `review_budget` and
`daily_volume` in rows, `threshold` (the one looked at, where it is not the answer), `seconds_per_row`, and
`first`, the target that was asked of these labels first, as `0.05:0.95`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlm_dash.services.decide import Question
from tlm_dash.ui.params import Address, QueryParams, as_share, changed, written

WAYS = ("target", "budget", "share")


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
        address = Address(query)
        return cls(
            run=address.text("run") or None,
            basis=address.text("basis") or None,
            by=address.one_of("by", WAYS, cls.by),
            max_risk=address.share("max_risk") or cls.max_risk,
            confidence=address.share("confidence") or cls.confidence,
            first=_target(address.text("first")),
            review_budget=address.whole("review_budget"),
            review_share=address.share("review_share") or cls.review_share,
            daily_volume=address.whole("daily_volume"),
            threshold=address.number("threshold"),
            seconds_per_row=address.whole("seconds_per_row") or cls.seconds_per_row,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        first = ":".join(repr(part) for part in self.first or ())
        return written(changed(self) | {"first": first})

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


def _target(text: str) -> tuple[float, float] | None:
    risk, _, confidence = text.partition(":")
    found = as_share(risk), as_share(confidence)
    return None if found[0] is None or found[1] is None else (found[0], found[1])
