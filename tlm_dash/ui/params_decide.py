"""What the address of the Decide page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `run`, `basis` (the sample: census, imported, column, matcher or a plan's id),
`by` (target, budget or share), `max_risk`, `confidence`, `review_share` as fractions, `review_budget` and
`daily_volume` in rows, `threshold` (the one looked at, where it is not the answer) and `seconds_per_row`.
A target in the address fills the form; it is answered where it was asked, which the store knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlm_dash.services.decide import Question
from tlm_dash.ui.params import Address, QueryParams, changed, written

WAYS = ("target", "budget", "share")
DEFAULT_TARGET = (0.05, 0.95)
"""Most wrong, and confidence, that the form shows where nothing was asked."""


@dataclass(frozen=True)
class DecideParams:
    """The address; a target of None is the one asked first of these labels, else the default."""

    run: str | None = None
    basis: str | None = None
    by: str = "target"
    max_risk: float | None = None
    confidence: float | None = None
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
            max_risk=address.share("max_risk"),
            confidence=address.share("confidence"),
            review_budget=address.whole("review_budget"),
            review_share=address.share("review_share") or cls.review_share,
            daily_volume=address.whole("daily_volume"),
            threshold=address.number("threshold"),
            seconds_per_row=address.whole("seconds_per_row") or cls.seconds_per_row,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        return written(changed(self))

    def target(self, first: tuple[float, float] | None) -> tuple[float, float]:
        """Give most wrong and confidence: the address's, else the first that was asked, else the default."""
        risk, confidence = first or DEFAULT_TARGET
        return self.max_risk or risk, self.confidence or confidence

    def of_run(self, run: str) -> DecideParams:
        """Give the address of another run: its labels have a first target of their own."""
        return replace(self, run=run, basis=None, max_risk=None, confidence=None, threshold=None)

    def on_sample(self, basis: str | None) -> DecideParams:
        """Give the address of another sample, which may have been asked something else."""
        return replace(self, basis=basis, max_risk=None, confidence=None, threshold=None)

    def budget(self, n_rows: int) -> tuple[int, int]:
        """Give how many rows can be read a day, a tenth where nothing is said, and of how many."""
        volume = self.daily_volume or max(1, n_rows)
        return self.review_budget or max(1, volume // 10), volume

    def question(self, n_rows: int, first: tuple[float, float] | None = None) -> Question:
        """Give what is asked of a run with so many rows, whose labels were asked `first`."""
        risk, confidence = self.target(first)
        if self.by == "budget":
            budget, volume = self.budget(n_rows)
            return Question(
                review_budget=budget, daily_volume=volume,
                confidence=confidence, basis=self.basis,
            )  # fmt: skip
        if self.by == "share":
            return Question(review_share=self.review_share, confidence=confidence, basis=self.basis)
        return Question(max_risk=risk, confidence=confidence, basis=self.basis)
