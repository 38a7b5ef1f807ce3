"""The caps of a grid: on requests to the letter, on cost as well as it can be foreseen."""

from __future__ import annotations

from collections.abc import Mapping

from tlm_dash.batch.grid import Limits
from tlm_dash.batch.tally import Tally

UNKNOWN_COST_IN_FLIGHT = 5
"""Before the first costs are known, no more requests than this are under way where the cost is capped."""


class Spending:
    """Tells whether one more request fits under the caps."""

    def __init__(self, limits: Limits, tallies: Mapping[str, Tally]) -> None:
        self._limits = limits
        self._tallies = tallies

    def why_not(self, n_under_way: int) -> str | None:
        """Say why nothing more may be sent; None where it may. Requests under way count at the mean cost."""
        cap = self._limits.max_requests
        if cap is not None and sum(tally.n_sent for tally in self._tallies.values()) >= cap:
            return f"The cap of {cap:,} requests is reached."
        if self._limits.max_cost is None:
            return None
        spent = sum(tally.cost or 0.0 for tally in self._tallies.values())
        n_answered = sum(tally.n_answered for tally in self._tallies.values())
        mean = spent / n_answered if n_answered else 0.0
        if spent + (n_under_way + 1) * mean > self._limits.max_cost:
            return f"The cap of {self._limits.max_cost:g} on the cost is reached: about {spent:.4g} is spent."
        return None

    def must_wait(self, n_under_way: int) -> bool:
        """Tell whether the first costs are to be awaited before more is sent."""
        if self._limits.max_cost is None or n_under_way < UNKNOWN_COST_IN_FLIGHT:
            return False
        return sum(tally.n_answered for tally in self._tallies.values()) < UNKNOWN_COST_IN_FLIGHT
