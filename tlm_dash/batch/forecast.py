"""From the rows of a pilot to what the whole run will take: means over items, with intervals; no I/O."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

CONFIDENCE = 0.95
FEWEST_FOR_INTERVAL = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure for the whole run; `low` and `high` bound it with 95% confidence, None from one row alone."""

    value: float
    low: float | None
    high: float | None

    def times(self, factor: float) -> Estimate:
        """Give the estimate in another unit."""
        return Estimate(
            self.value * factor,
            None if self.low is None else self.low * factor,
            None if self.high is None else self.high * factor,
        )

    def as_mapping(self) -> dict[str, float | None]:
        """Give the estimate under the names that scripts rely on."""
        return {"estimate": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class PilotRow:
    """What one item took in one run: requests, the time they were under way (milliseconds), tokens, cost."""

    run_id: str
    item_no: int
    n_requests: int
    busy_ms: float
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What `n_items` will take, judged by `n_pilot` of them. `busy_ms` is the sum over all requests.

    Tokens and cost are None where no row of the pilot has them.
    """

    n_pilot: int
    n_items: int
    requests: Estimate
    busy_ms: Estimate
    input_tokens: Estimate | None
    output_tokens: Estimate | None
    cost: Estimate | None
    failed_share: float

    def duration_ms(self, in_flight: int, per_s: float | None) -> Estimate:
        """Estimate how long it takes with so many requests at once, under a rate in requests a second.

        Never less than one request takes: where there are fewer requests than places, some stay empty.
        """
        at_once = min(float(in_flight), self.requests.value)
        spread = self.busy_ms.times(1.0 / max(1.0, at_once))
        if per_s is None:
            return spread
        paced = self.requests.times(1000.0 / per_s)
        return spread if spread.value > paced.value else paced


def finished_in_all(rows: Sequence[PilotRow], n_runs: int) -> list[PilotRow]:
    """Leave out items that some of the runs have not come to: they would count with only a part of it all."""
    n_rows = Counter(row.item_no for row in rows)
    return [row for row in rows if n_rows[row.item_no] == n_runs]


def forecast(rows: Sequence[PilotRow], n_items: int) -> Forecast | None:
    """Extrapolate from a pilot that was drawn at random to `n_items`; None without rows.

    Rows of the same item in several runs count together: they rise and fall with the item.
    """
    items: dict[int, list[PilotRow]] = {}
    for row in rows:
        items.setdefault(row.item_no, []).append(row)
    if not items:
        return None

    def total(values: Sequence[Sequence[float | None]]) -> Estimate | None:
        known = [
            sum(v for v in of_item if v is not None)
            for of_item in values
            if any(v is not None for v in of_item)
        ]
        return estimated_total(known, n_items) if known else None

    groups = list(items.values())
    requests = total([[float(row.n_requests) for row in group] for group in groups])
    busy_ms = total([[row.busy_ms for row in group] for group in groups])
    assert requests is not None and busy_ms is not None, "every row has these"
    return Forecast(
        len(groups), n_items, requests, busy_ms,
        total([[row.input_tokens for row in group] for group in groups]),
        total([[row.output_tokens for row in group] for group in groups]),
        total([[row.cost for row in group] for group in groups]),
        sum(row.failed for row in rows) / len(rows),
    )  # fmt: skip


def estimated_total(values: Sequence[float], n_items: int) -> Estimate:
    """Estimate the total over `n_items` from a simple random sample of them (Cochran 1977, chapter 2).

    Student's interval with the finite population correction: where all items are in the sample, it is exact.
    """
    n, mean = len(values), fmean(values)
    if n < FEWEST_FOR_INTERVAL:
        return Estimate(mean * n_items, None, None)
    correction = math.sqrt(max(0.0, 1.0 - n / n_items))
    half = student_quantile(0.5 + CONFIDENCE / 2, n - 1) * stdev(values) / math.sqrt(n) * correction
    return Estimate(mean * n_items, max(0.0, mean - half) * n_items, (mean + half) * n_items)


def student_quantile(probability: float, freedom: int) -> float:
    """Give Student's quantile; exact for 1 and 2 degrees of freedom, else by Cornish and Fisher's expansion.

    Abramowitz and Stegun 1964, 26.7.5; right to 1% from 3 degrees of freedom upwards at 0.975.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4
