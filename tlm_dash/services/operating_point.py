"""What a threshold does to a run: who passes, who goes to people, how many wrong answers pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlm_dash.analysis.risk_coverage import RiskBand, exact_interval


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold of a run. A row passes when its score is not below it; shares are fractions.

    `coverage` is over all rows of the run, with its interval for future rows. `risk` is the observed share of
    wrong rows among the labelled ones that pass (weighted where the sample is), None where none is labelled;
    `risk_low` and `risk_high` are read from the band that holds at all thresholds at once, None where it says
    nothing.
    """

    threshold: float
    n_accepted: int
    n_to_review: int
    coverage: float
    coverage_low: float
    coverage_high: float
    n_accepted_labelled: int
    n_wrong_accepted: int
    risk: float | None
    risk_low: float | None
    risk_high: float | None


@dataclass(frozen=True)
class Workload:
    """What a threshold means for a day: rows and hours; wrong rows that pass by the band's bounds."""

    daily_volume: float
    accepted: float
    to_review: float
    review_hours: float
    wrong_accepted_low: float | None
    wrong_accepted_high: float | None


def operating_point(band: RiskBand, index: int) -> OperatingPoint:
    """Give the threshold at a position of the band's grid with all that is known of it."""
    grid = band.grid
    accepted = int(grid.n_accepted[index])
    low, high = exact_interval(accepted, grid.n_rows, (1 - band.confidence) / 2)
    return OperatingPoint(
        threshold=float(grid.thresholds[index]),
        n_accepted=accepted,
        n_to_review=grid.n_rows - accepted,
        coverage=float(grid.coverage[index]),
        coverage_low=float(low),
        coverage_high=float(high),
        n_accepted_labelled=int(band.counts.n[index]),
        n_wrong_accepted=int(band.counts.n_wrong[index]),
        risk=_known(band.risk[index]),
        risk_low=_known(band.low[index]),
        risk_high=_known(band.high[index]),
    )


def operating_points(band: RiskBand) -> tuple[OperatingPoint, ...]:
    """Give all thresholds of the band, the strictest first."""
    return tuple(operating_point(band, index) for index in range(len(band.grid)))


def workload(point: OperatingPoint, daily_volume: float, seconds_per_row: float) -> Workload:
    """Give what a threshold means for so many rows a day, each read in so many seconds."""
    accepted = daily_volume * point.coverage

    def wrong(share: float | None) -> float | None:
        return None if share is None else accepted * share

    return Workload(
        daily_volume, accepted, daily_volume - accepted, (daily_volume - accepted) * seconds_per_row / 3600,
        wrong(point.risk_low), wrong(point.risk_high),
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
