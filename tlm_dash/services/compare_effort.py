"""What runs take, set side by side: time only where it was measured under the same conditions, and cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.quantiles import quantile_figure, ratio_figure
from tlm_dash.batch.grid import Limits
from tlm_dash.batch.prices import PriceTable
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.place import Place
from tlm_dash.services.prices import price_table
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.numbers import percent

ENTER_PRICES = "Enter prices on the Settings page, or in a file that TLM_DASH_PRICES names."


@dataclass(frozen=True, slots=True)
class Latency:
    """Half and 95 of 100 rows took at most so many milliseconds, with intervals from order statistics."""

    p50: Figure
    p95: Figure


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimated cost of 1,000 rows in the currency of the prices, or why there is none.

    `wants_prices`: it is prices that are missing, which a person can enter.
    """

    per_1000: float | None
    input_tokens: float | None
    output_tokens: float | None
    reason: str | None = None
    wants_prices: bool = False

    @property
    def note(self) -> str | None:
        """Say why there is no cost, and what to do about it in words; None where there is one."""
        if self.reason is None:
            return None
        return f"{self.reason}. {ENTER_PRICES}" if self.wants_prices else f"{self.reason}."


def latency_of(run: LabelledRun, confidence: float = 0.95) -> Latency:
    """Give how long the answered rows of a run took, answering and scoring together."""
    times = run.latency_ms[(run.status == "done") & ~np.isnan(run.latency_ms)]
    return Latency(quantile_figure(times, 0.5, confidence), quantile_figure(times, 0.95, confidence))


def latency_reason(a: RunRecord, b: RunRecord) -> str | None:
    """Say why the times of two runs cannot be compared; None where they can.

    They can between runs of one grid, which the engine interleaves, and between runs that had the same limit
    of requests in flight in the same hours: for at least half of the longer one both were under way. Scoring
    alone is not answering and scoring.
    """
    if a.is_from_playground or b.is_from_playground:
        return "the playground asks one prompt at a time, whatever else is under way"
    if a.grid_id is None or b.grid_id is None:
        return "responses that came with a file have no measured time"
    if a.grid_id == b.grid_id:
        return None
    if (a.answered_by == "given") != (b.answered_by == "given"):
        return "one was only scored, the other answered and scored"
    if a.endpoint != b.endpoint:
        return "they ran against different endpoints"
    limits = [Limits.from_mapping(run.operational).max_in_flight for run in (a, b)]
    if limits[0] != limits[1]:
        told = ["as many as the endpoint took" if limit is None else str(limit) for limit in limits]
        return f"{told[0]} in flight against {told[1]}"
    spans = [(run.started_at, run.finished_at or run.event_at) for run in (a, b)]
    (start_a, end_a), (start_b, end_b) = spans
    if start_a is None or start_b is None:
        return "they ran at different times"
    together = min(end_a, end_b) - max(start_a, start_b)
    return None if 2 * together >= max(end_a - start_a, end_b - start_b) else "they ran at different times"


def speed_words(a: Latency, b: Latency) -> str | None:
    """Say how many times faster or slower b is at the median, with an interval; None where unknown."""
    ratio = ratio_figure(a.p50, b.p50)
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return None
    low, high = ratio.low, ratio.high
    if low <= 1 <= high:
        return f"no difference in speed can be told ({low:.2g} to {high:.2g} × as fast)"
    if ratio.value > 1:
        return f"{ratio.value:.2g} × faster ({low:.2g} to {high:.2g})"
    return f"{1 / ratio.value:.2g} × slower ({1 / high:.2g} to {1 / low:.2g})"


def cost_of(place: Place, run: LabelledRun) -> Cost:
    """Estimate what 1,000 rows of a run's configuration cost, its responses included, by today's prices.

    A response that several runs score counts in each: each configuration would have to pay for it.
    """
    done = run.status == "done"
    if (run.record.grid_id is None and not run.record.is_from_playground) or not done.any():
        return Cost(None, None, None, "responses that came with a file have no cost")
    table = price_table(place)
    if not table.models and not table.per_request:
        table = Limits.from_mapping(run.record.operational).prices or PriceTable()
    into, out = (_mean(tokens[done]) for tokens in (run.input_tokens, run.output_tokens))
    if not table.models and not table.per_request:
        return Cost(None, into, out, "there are no prices", wants_prices=True)
    # A thousand rows like the answered ones.
    cost = table.cost(
        run.record.model, run.record.quality_preset, input_tokens=_thousand(into),
        output_tokens=_thousand(out), n_scored=1000,
    )  # fmt: skip
    missing = f"there is no price for {run.record.model or 'its model'}" if cost is None else None
    return Cost(cost, into, out, missing, wants_prices=cost is None)


def cost_words(a: Cost, b: Cost) -> str | None:
    """Say how much cheaper or dearer b is by the prices; None where a cost is missing."""
    if not a.per_1000 or b.per_1000 is None:
        return None
    change = b.per_1000 / a.per_1000 - 1
    if abs(change) < 0.005:
        return "at the same cost"
    return f"{percent(abs(change))} {'cheaper' if change < 0 else 'dearer'}"


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _thousand(mean: float | None) -> int | None:
    return None if mean is None else round(mean * 1000)
