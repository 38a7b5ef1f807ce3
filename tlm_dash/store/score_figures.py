"""Figures of scores as SQL asks for them, for a run as a whole and for the rows that a filter finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HIGH = 0.999

FIGURES = f"""
    count(*) AS n, count(*) FILTER (WHERE s IS NULL) AS n_unscored, favg(s) AS mean, stddev_samp(s) AS sd,
    min(s) AS lowest, max(s) AS highest, quantile_cont(s, {list(QUANTILES)}) AS quantiles,
    count(*) FILTER (WHERE s = 0.5) AS n_ties_at_half, count(*) FILTER (WHERE s > {HIGH}) AS n_above_high
"""
"""What is selected from a table whose column `s` is the score; NULL where a row has none."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Figures over the scored rows of a run; `n` counts all its rows, `n_unscored` those without a score.

    `not_accepted` counts by why the answers that no threshold accepts; they may have scores; it is counted of
    a run as a whole only. `sd` has n − 1 below (None under two scores), quantiles interpolate linearly. None
    where none is scored.
    """

    n: int
    n_unscored: int
    mean: float | None
    sd: float | None
    lowest: float | None
    highest: float | None
    quantiles: tuple[float, ...] | None
    n_ties_at_half: int
    n_above_high: int
    not_accepted: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_scored(self) -> int:
        """Give the number of rows that the figures stand on."""
        return self.n - self.n_unscored


def distribution_from(row: Mapping[str, Any], not_accepted: Mapping[str, int] | None = None) -> Distribution:
    """Make figures of a row that FIGURES gave."""
    quantiles = row["quantiles"]
    told = {**row, "quantiles": tuple(quantiles) if quantiles else None}
    return Distribution(**told, not_accepted=not_accepted or {})
