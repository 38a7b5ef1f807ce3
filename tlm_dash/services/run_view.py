"""A run as pages and commands show it: what was frozen, how far it is, what it takes and took."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlm_dash.batch.grid import GridRun, Limits
from tlm_dash.batch.tally import LiveRun, cost_of
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.store.database import Store
from tlm_dash.store.run_counts import count_runs
from tlm_dash.store.run_models import RunCounts, RunRecord, RunStatus

_MOST_REMEMBERED = 10_000

_counted: dict[tuple[str, str, int], RunCounts] = {}
"""Counts by store, run and event: they change only with an event while nothing is under way."""

_counted_lock = threading.Lock()


@dataclass(frozen=True)
class RunView:
    """One run. `live` is set while this process carries it out; `cost` is None without prices."""

    record: RunRecord
    counts: RunCounts
    live: LiveRun | None
    cost: float | None

    @property
    def status(self) -> RunStatus:
        """Give its status; what no process is carrying out at this moment is queued."""
        return "queued" if self.record.status == "running" and self.live is None else self.record.status

    @property
    def n_pending(self) -> int:
        """Give the number of items that are neither done nor failed."""
        return max(0, self.record.n_items - self.counts.n_done - self.counts.n_error)

    @property
    def limits(self) -> Limits:
        """Give its operational limits and caps."""
        return Limits.from_mapping(self.record.operational)

    def facts(self) -> dict[str, Any]:
        """Give the facts under the names that scripts rely on."""
        record, counts = self.record, self.counts
        return {
            "run_id": record.run_id, "name": record.name, "dataset_id": record.dataset_id,
            "mode": record.mode, "answered_by": record.answered_by, "model": record.model,
            "resolved_model": counts.resolved_model, "quality_preset": record.quality_preset,
            "scorer_model": record.scorer_model, "status": self.status, "n_items": record.n_items,
            "n_done": counts.n_done, "n_error": counts.n_error, "n_pending": self.n_pending,
            "n_sent": counts.n_sent, "n_unknown": counts.n_unknown,
            "n_maybe_paid_twice": counts.n_maybe_paid_twice, "input_tokens": counts.input_tokens,
            "output_tokens": counts.output_tokens, "cost": self.cost,
            "started_at": record.started_at.isoformat() if record.started_at else None,
            "finished_at": record.finished_at.isoformat() if record.finished_at else None,
            "duration_ms": counts.active_ms, "errors": dict(counts.errors),
            "reason": record.detail if self.status in ("paused", "failed") else None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How many runs are under way, and about how long until the last one ends; None while that is unknown."""

    n_runs: int
    time_left_s: float | None


def under_way(dashboard: Dashboard) -> UnderWay:
    """Tell what this process carries out at this moment, from memory: cheap enough for every open page."""
    live = dashboard.batches.under_way()
    left = [run.time_left_s for run in live if run.time_left_s is not None]
    return UnderWay(len(live), max(left, default=None))


def view_of(place: Place, record: RunRecord) -> RunView:
    """Give one run as it is now."""
    return views(place, [record])[0]


def views(place: Place, records: Sequence[RunRecord]) -> list[RunView]:
    """Give runs as they are now: from the engine while under way, else from what was counted once."""
    batches = place.batches if isinstance(place, Dashboard) else None
    live = {r.run_id: None if batches is None else batches.look(r.run_id) for r in records}
    counted = _counts(place.store, [record for record in records if live[record.run_id] is None])
    found = []
    for record in records:
        now = live[record.run_id]
        counts = counted[record.run_id] if now is None else now.counts
        found.append(RunView(record, counts, now, _cost(record, counts)))
    return found


def _cost(record: RunRecord, counts: RunCounts) -> float | None:
    run = GridRun(
        record.run_id, record.model, record.quality_preset, record.lead_run_id, record.source_run_id,
        record.n_items,
    )  # fmt: skip
    return cost_of(run, Limits.from_mapping(record.operational), counts)


def _counts(store: Store, records: Sequence[RunRecord]) -> dict[str, RunCounts]:
    """Take the counts that were written with the last event; count where none were, and remember it."""
    known: dict[str, RunCounts] = {}
    to_count: list[RunRecord] = []
    place = str(store.path)
    with _counted_lock:
        for record in records:
            if record.counts is not None and record.status not in ("queued", "running"):
                known[record.run_id] = RunCounts.from_mapping(record.counts)
            elif (place, record.run_id, record.event_no) in _counted:
                known[record.run_id] = _counted[place, record.run_id, record.event_no]
            else:
                to_count.append(record)
    for sent in (True, False):
        group = [r for r in to_count if (r.grid_id is not None or r.is_playground) is sent]
        fresh = count_runs(store, [record.run_id for record in group], sent=sent)
        known |= fresh
        with _counted_lock:
            if len(_counted) > _MOST_REMEMBERED:
                _counted.clear()
            for record in group:
                if not (sent and record.status in ("queued", "running")):
                    _counted[place, record.run_id, record.event_no] = fresh[record.run_id]
    return known
