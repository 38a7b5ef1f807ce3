"""What can be asked of a run about a threshold."""

from __future__ import annotations

from dataclasses import dataclass

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.shares import is_share

METHOD_VERSION = 2
"""Of how thresholds are found. Records keep theirs and are checked by it; 1 is in analysis/method_1.py."""

MOST_A_DAY = 1e12


@dataclass(frozen=True)
class Question:
    """What is asked of a run: one of `max_risk`, `review_budget` (of `daily_volume` rows) or `review_share`.

    Shares are fractions. `from_band` answers a target from the band that holds at all thresholds at once, as
    it must be for a second target tried on the same labels. `rows_are_requests` says, before looking, that
    rows with the same prompt are separate requests, as in a log: then they alone are tested, not prompts too.
    `basis` names a sample. `method_version` is today's but where an earlier record is checked; `seed` drew
    one row of each prompt in version 1. `n_settings` were compared and share the level. `asked_of` is the id
    of an earlier question: its rows answer, and no later ones. Raises InvalidInputError where it makes no
    sense.
    """

    max_risk: float | None = None
    review_budget: float | None = None
    daily_volume: float | None = None
    review_share: float | None = None
    confidence: float = 0.95
    from_band: bool = False
    basis: str | None = None
    seed: int = 0
    rows_are_requests: bool = False
    method_version: int = METHOD_VERSION
    n_settings: int = 1
    asked_of: str | None = None

    def __post_init__(self) -> None:
        asked = [self.max_risk, self.review_budget, self.review_share]
        if sum(value is not None for value in asked) != 1:
            raise InvalidInputError("Ask for one of: a target, a number to read, a share to read.")
        if self.max_risk is not None and not is_share(self.max_risk):
            raise InvalidInputError(
                f"The share of wrong answers cannot be {self.max_risk:g}.", hint="0.05 means 5%."
            )
        if not is_share(self.confidence):
            raise InvalidInputError(f"The confidence cannot be {self.confidence!r}.", hint="0.95 means 95%.")
        if self.review_share is not None and not 0 <= self.review_share < 1:
            raise InvalidInputError(
                f"The share to read cannot be {self.review_share:g}.", hint="0.08 means 8%."
            )
        if self.review_budget is not None and not 0 <= self.review_budget <= MOST_A_DAY:
            raise InvalidInputError(
                f"The number to read cannot be {self.review_budget:g}.",
                hint=f"It is from 0 to {MOST_A_DAY:,.0f}.",
            )
        if self.daily_volume is not None and not 0 < self.daily_volume <= MOST_A_DAY:
            raise InvalidInputError(
                f"The daily volume cannot be {self.daily_volume:g}.",
                hint=f"It is from 1 to {MOST_A_DAY:,.0f}.",
            )
        if self.seed < 0:
            raise InvalidInputError("A seed cannot be negative.", hint="Any whole number from 0.")

    @property
    def level(self) -> float:
        """Give the confidence of this setting alone, so that all that were compared hold together."""
        return 1 - (1 - self.confidence) / self.n_settings

    def share_to_read(self, n_rows: int) -> float:
        """Give the share of rows that people can read; without a daily volume the run is one day."""
        if self.review_share is not None:
            return self.review_share
        assert self.review_budget is not None
        return min(1.0, self.review_budget / (self.daily_volume or max(1, n_rows)))
