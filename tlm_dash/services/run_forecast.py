"""What a grid will take, judged by a pilot: time, requests, tokens and cost, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.forecast import CONFIDENCE, Estimate, Forecast, PilotRow, finished_in_all, forecast
from tlm_dash.batch.grid import Limits
from tlm_dash.batch.prices import PriceTable
from tlm_dash.errors import EndpointUnreachableError
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView, views
from tlm_dash.store import runs as stored
from tlm_dash.store.run_models import RunRecord
from tlm_dash.store.run_pilots import pilot_rows

__all__ = ["CellForecast", "Estimate", "Forecast", "GridForecast", "forecast_of"]

NO_PRICE_NOTE = "There is no price for this, so no cost is given: requests and tokens are."
SCORING_NOTE = "Tokens are those of the answers: what scoring uses is not reported by the endpoint."
FEW_NOTE = "Under 5 rows an interval says little: take a larger pilot."
OTHERS_NOTE = "Other runs are under way at the same endpoint: beside them it takes longer."


@dataclass(frozen=True)
class CellForecast:
    """One run of the grid: its pilot as it is now, and what all its rows will take (None without a row)."""

    view: RunView
    forecast: Forecast | None
    duration_ms: Estimate | None


@dataclass(frozen=True)
class GridForecast:
    """The cells and their total. `in_flight` and `per_s` are what the time was reckoned with.

    Where the runs themselves have been started since, the pilot's time is only what was hoped: `time_left_s`
    is what their last rows say (None while that is not known).
    """

    cells: tuple[CellForecast, ...]
    total: Forecast | None
    duration_ms: Estimate | None
    in_flight: int
    per_s: float | None
    is_complete: bool
    is_started: bool
    is_under_way: bool
    time_left_s: float | None
    notes: tuple[str, ...]

    @property
    def refused(self) -> list[RunView]:
        """Give the runs that the endpoint refuses: what a pilot brought before says nothing of all rows."""
        return [cell.view for cell in self.cells if cell.view.record.refusal is not None]

    def facts(self) -> dict[str, Any]:
        """Give the facts under the names that scripts rely on."""
        cells = [
            {
                "run_id": cell.view.record.run_id, "name": cell.view.record.name,
                "model": cell.view.record.model, "quality_preset": cell.view.record.quality_preset,
                **_figures(cell.forecast, cell.duration_ms),
            }
            for cell in self.cells
        ]  # fmt: skip
        return {
            "runs": cells, "total": _figures(self.total, self.duration_ms), "confidence": CONFIDENCE,
            "in_flight": self.in_flight, "requests_per_s": self.per_s, "notes": list(self.notes),
            "messages": [said.as_mapping() for view in self.refused if (said := view.record.refusal)],
        }  # fmt: skip


def forecast_of(
    dashboard: Dashboard, run_ids: Sequence[str], prices: PriceTable | None = None
) -> GridForecast:
    """Judge by what the pilot of these runs has brought so far; `is_complete` when it has ended.

    Cost is reckoned with `prices`, by default with those that the pilot was started with.

    Time is the time that requests were under way, spread over what is sent at once (the limit that was set,
    or the one found so far), or what the rate limit allows, whichever is longer.
    """
    records = stored.records(dashboard.store, run_ids)
    found = views(dashboard, records)
    rows = [_row(row, records, prices) for row in pilot_rows(dashboard.store, run_ids)]
    limits = Limits.from_mapping(records[0].operational)
    in_flight, per_s = dashboard.batches.speed(limits, _addresses(dashboard, records[0]))
    cells = []
    for view in found:
        mine = [row for row in rows if row.run_id == view.record.run_id and view.record.refusal is None]
        own = forecast(mine, view.record.n_items)
        cells.append(CellForecast(view, own, _duration(own, in_flight, per_s)))
    is_started = any(not record.is_pilot for record in records)
    is_under_way = any(view.live is not None or view.status in ("queued", "running") for view in found)
    counted = rows if not is_under_way else finished_in_all(rows, len(records))
    if any(record.refusal is not None for record in records):
        counted = []
    total = forecast(counted, max(record.n_items for record in records))
    unpriced = _unpriced(rows, records)
    if total is not None and unpriced:
        # What is known of the cost of some runs is not the cost of all.
        total = replace(total, cost=None)
    return GridForecast(
        tuple(cells), total, _duration(total, in_flight, per_s), in_flight, per_s,
        is_started or not is_under_way, is_started, is_under_way, _time_left_s(found) if is_started else None,
        (*_notes(total, unpriced, _unbilled(records, prices)), *_others(dashboard, found)),
    )  # fmt: skip


def _time_left_s(found: Sequence[RunView]) -> float | None:
    """Tell until when the last of the runs under way ends, by their measured pace."""
    left = [view.live.time_left_s for view in found if view.live is not None]
    known = [seconds for seconds in left if seconds is not None]
    return max(known) if known and len(known) == len(left) else None


def _others(dashboard: Dashboard, found: Sequence[RunView]) -> list[str]:
    """Say where others share the places that the time is reckoned with."""
    n_mine = sum(view.live is not None for view in found)
    return [OTHERS_NOTE] if len(dashboard.batches.under_way()) > n_mine else []


def _addresses(dashboard: Dashboard, record: RunRecord) -> list[EndpointAddress]:
    """Name where the requests of a run go, as far as it is known now."""
    found = [dashboard.monitor.provider_address()] if record.provider is not None else []
    with suppress(EndpointUnreachableError):
        found.append(dashboard.monitor.address())
    return [address for address in found if address is not None]


def _duration(found: Forecast | None, in_flight: int, per_s: float | None) -> Estimate | None:
    return None if found is None else found.duration_ms(in_flight, per_s)


def _row(row: dict[str, Any], records: Sequence[RunRecord], prices: PriceTable | None) -> PilotRow:
    record = next(record for record in records if record.run_id == row["run_id"])
    prices = prices or Limits.from_mapping(record.operational).prices
    n_answered, cost = row.pop("n_answered"), None
    if prices is not None and n_answered:
        cost = prices.cost(
            record.model, record.quality_preset, input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"], n_scored=0 if row["failed"] else 1,
        )  # fmt: skip
    elif prices is not None:
        # Nothing was answered: a request that failed, or a repeat that shared another row's request.
        cost = 0.0
    return PilotRow(**row, cost=cost)


def _unpriced(rows: Sequence[PilotRow], records: Sequence[RunRecord]) -> list[str]:
    """Name the models whose tokens are known and whose price is not."""
    run_ids = {row.run_id for row in rows if row.cost is None and row.output_tokens is not None}
    return sorted({record.model or "" for record in records if record.run_id in run_ids})


def _unbilled(records: Sequence[RunRecord], prices: PriceTable | None) -> list[str]:
    """Name the presets whose scoring requests have no price."""
    frozen = (prices or Limits.from_mapping(record.operational).prices for record in records)
    return sorted({
        record.quality_preset for record, known in zip(records, frozen, strict=True)
        if known is None or record.quality_preset not in known.per_request
    })  # fmt: skip


def _figures(found: Forecast | None, duration_ms: Estimate | None) -> dict[str, Any]:
    if found is None or duration_ms is None:
        return {"n_pilot": 0}
    estimates = {
        "requests": found.requests, "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens, "cost": found.cost, "duration_ms": duration_ms,
    }  # fmt: skip
    return {
        "n_pilot": found.n_pilot, "n_items": found.n_items, "failed_share": found.failed_share,
        **{name: None if value is None else value.as_mapping() for name, value in estimates.items()},
    }  # fmt: skip


def _notes(total: Forecast | None, unpriced: Sequence[str], unbilled: Sequence[str]) -> list[str]:
    notes = [SCORING_NOTE]
    if total is not None and total.cost is None:
        notes.append(NO_PRICE_NOTE + (f" Missing: {', '.join(unpriced)}." if unpriced else ""))
    elif total is not None and unbilled:
        notes.append(f"Cost is that of the answers: scoring at {', '.join(unbilled)} has no price.")
    if total is not None and total.n_pilot < min(5, total.n_items):
        notes.append(FEW_NOTE)
    return notes
