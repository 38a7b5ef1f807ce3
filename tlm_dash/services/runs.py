"""Runs over datasets: start them, look at them, pause, resume, retry, cancel and delete them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tlm_dash.batch.grid import Grid, GridRun, Limits
from tlm_dash.errors import InvalidInputError, SettingsError, TlmDashError
from tlm_dash.interchange.mapping import template_parts
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.services.playground_runs import endpoint_name
from tlm_dash.services.run_request import RunRequest, priced, settle
from tlm_dash.services.run_view import RunView, view_of, views
from tlm_dash.settings import shown_url
from tlm_dash.store import runs as stored
from tlm_dash.store.run_counts import last_signs
from tlm_dash.store.run_models import RunEvent, RunRecord

logger = logging.getLogger(__name__)

UNDER_WAY = ("queued", "running")
GOES_ON = ("queued", "running", "paused", "cancelled", "failed")

_starting = threading.Lock()
"""Two tabs that press Start at once must not both take over the same pilot."""


def start(dashboard: Dashboard, request: RunRequest, *, begin: bool = True) -> list[str]:
    """Start the runs of a grid and give their ids. With `begin=False` they are only queued.

    Where the very same grid has had a pilot, its rows are kept and not sent again. Raises InvalidInputError,
    NotFoundError, SettingsError, StoreError.
    """
    return start_all(dashboard, [request], begin=begin)


def start_all(dashboard: Dashboard, requests: Sequence[RunRequest], *, begin: bool = True) -> list[str]:
    """Start several grids as `start` does one: all of them, or none where one cannot be started."""
    return _start(dashboard, requests, None, begin=begin)


def start_pilot(dashboard: Dashboard, request: RunRequest, n: int) -> list[str]:
    """Start `n` random rows of a grid, for a forecast; gives the runs' ids. No pilot is repeated."""
    return start_pilots(dashboard, [request], n)


def start_pilots(dashboard: Dashboard, requests: Sequence[RunRequest], n: int) -> list[str]:
    """Start the pilots of several grids: all of them, or none where one cannot be started."""
    return _start(dashboard, requests, n, begin=True)


def _start(
    dashboard: Dashboard, requests: Sequence[RunRequest], pilot: int | None, *, begin: bool
) -> list[str]:
    """Settle everything first, write all of it in one transaction, and only then begin."""
    is_pilot, run_ids, to_begin = pilot is not None, [], []
    events: list[RunEvent] = []
    rows: dict[str, list[Mapping[str, Any]]] = {"run": [], "run_plan": []}
    requests = [priced(dashboard, request) for request in requests]
    with _starting:
        for request in requests:
            settled = settle(dashboard, request, pilot=pilot)
            earlier = stored.pilot_grid(dashboard.store, settled.grid_hash)
            mine = [record.run_id for record in earlier] or settled.run_ids
            run_ids += mine
            if earlier and is_pilot:
                # What the endpoint refused is asked again: it may have been mended.
                again = [record for record in earlier if record.refusal is not None]
                events += [replace(_queued(record, request.limits), is_pilot=True) for record in again]
                to_begin += [record.run_id for record in again]
                continue
            to_begin += mine
            if earlier:
                events += [_queued(record, request.limits) for record in earlier]
                continue
            rows["run"] += settled.run_rows
            rows["run_plan"] += settled.plan_rows
            operational = request.limits.as_mapping()
            events += [RunEvent(run_id, "queued", operational, is_pilot=is_pilot) for run_id in mine]
        stored.append_events(dashboard.store, events, along=rows)
    if begin:
        begin_runs(dashboard, to_begin, pilot=is_pilot)
    return run_ids


def list_runs(place: Place, *, with_pilots: bool = False, named: Sequence[str] = ()) -> list[RunView]:
    """List all runs of datasets, imported ones too, oldest first. Cheap enough to be asked every second.

    Runs of the playground are among them, as the last ones, only where their ids are `named`.
    """
    records = stored.records(place.store)
    listed = {record.run_id for record in records}
    if others := [run_id for run_id in named if run_id not in listed]:
        records += stored.records(place.store, others)
    return views(place, [record for record in records if with_pilots or not record.is_pilot])


def show(place: Place, run: str) -> RunView:
    """Give one run, by id, unique prefix of one, or name. Raises NotFoundError, InvalidInputError."""
    return view_of(place, stored.find_run(place.store, run))


def pause(place: Place, run_ids: Sequence[str]) -> None:
    """Send nothing more for some runs; what is under way still ends. Runs that are not under way stay."""
    _leave(place, run_ids, "paused", UNDER_WAY)


def cancel(place: Place, run_ids: Sequence[str]) -> None:
    """End some runs before their end; what they have is kept."""
    _leave(place, run_ids, "cancelled", (*UNDER_WAY, "paused", "failed"))


def resume(place: Place, run_ids: Sequence[str], limits: Limits | None = None) -> None:
    """Go on with some runs, with new `limits` if given. Finished rows are never sent again.

    Without a dashboard, here as in `retry`, they are queued for the next one.
    """
    records = _chosen(place, run_ids, GOES_ON)
    _queue(place, records, limits)
    _begin_if_possible(place, records)


def retry(place: Place, run_ids: Sequence[str]) -> None:
    """Try the failed rows of some runs again, and nothing that worked. Runs without failed rows stay."""
    records = _chosen(place, run_ids, (*GOES_ON, "done"))
    failed = [record for record in records if view_of(place, record).counts.n_error]
    _queue(place, failed, None, retries_errors=True)
    _begin_if_possible(place, failed)


def delete(place: Place, run_ids: Sequence[str]) -> None:
    """Take some runs off every list; their responses stay with the dataset. Nothing more is sent for them.

    Raises InvalidInputError for a run of the playground: its cards would stay, with nothing behind them.
    """
    for record in stored.records(place.store, run_ids):
        if record.is_playground:
            raise InvalidInputError(
                f"“{record.name}” holds answers of the playground: it cannot be deleted.",
                hint="Delete a run over a dataset.",
            )
    stored.add_events(place.store, run_ids, "deleted", operational={})
    if isinstance(place, Dashboard):
        # What is under way ends in its own time, and what is written of it then is "deleted" again.
        place.batches.leave_out(run_ids, "deleted")


def resume_all(dashboard: Dashboard) -> None:
    """Go on with what an earlier process left: to be called once, when the store has been opened.

    What cannot go on (another endpoint is set by now, say) is paused and says why.
    """
    open_records = [record for record in stored.records(dashboard.store) if record.status in UNDER_WAY]
    for grid_id in dict.fromkeys(record.grid_id for record in open_records):
        records = [record for record in open_records if record.grid_id == grid_id]
        _keep_time(dashboard, records)
        try:
            begin_runs(dashboard, [r.run_id for r in records], pilot=all(r.is_pilot for r in records))
        except TlmDashError as error:
            logger.warning("Runs could not go on: %s", error)
            for record in records:
                _event(dashboard, record, "paused", detail=str(error))


def begin_runs(dashboard: Dashboard, run_ids: Sequence[str], *, pilot: bool = False) -> None:
    """Hand queued runs to the engine, grid by grid. Raises SettingsError where their endpoint is not set."""
    chosen = stored.records(dashboard.store, run_ids)
    grids: list[tuple[Grid, list[RunRecord]]] = []
    for grid_id in dict.fromkeys(record.grid_id for record in chosen if record.grid_id is not None):
        mine = [record for record in chosen if record.grid_id == grid_id]
        grids.append((_grid(dashboard, stored.records(dashboard.store, grid_id=grid_id)), mine))
    # Only now: where one cannot be carried out, none is begun.
    for grid, mine in grids:
        limits = Limits.from_mapping(mine[0].operational)
        dashboard.batches.begin(grid, limits, [record.run_id for record in mine], pilot=pilot)


def _grid(dashboard: Dashboard, records: Sequence[RunRecord]) -> Grid:
    """Build a grid from what is stored of it. Raises SettingsError where other endpoints are set by now."""
    first = records[0]
    endpoint, provider = endpoint_name(dashboard.settings), None
    if first.endpoint != endpoint:
        raise SettingsError(
            f"The run was started with the endpoint {first.endpoint}, and {endpoint} is set.",
            hint="Set BASE_URL to its endpoint to go on, or start a new run.",
        )
    if first.provider is not None:
        provider = dashboard.monitor.provider_address()
        if provider is None or shown_url(provider.base_url) != first.provider:
            raise SettingsError(
                f"The run was started with the provider {first.provider}, which is not set.",
                hint="Set OPENAI_BASE_URL to it to go on, or start a new run.",
            )
    assert first.grid_id is not None and first.selection is not None, "only grids are carried out"
    settings = first.settings
    return Grid(
        first.grid_id, first.dataset_id, first.mode, first.answered_by, first.scorer_model or "",
        tuple(
            GridRun(r.run_id, r.model, r.quality_preset, r.lead_run_id, r.source_run_id, r.n_items)
            for r in records
        ),
        first.selection, provider, settings.get("params", {}), settings.get("options", {}),
        settings.get("system_prompt", ""), template_parts(settings.get("template", "")),
        settings.get("send_repeats_once", False),
    )  # fmt: skip


def _begin_if_possible(place: Place, records: Sequence[RunRecord]) -> None:
    if isinstance(place, Dashboard) and records:
        begin_runs(place, [record.run_id for record in records])


def _queue(
    place: Place, records: Sequence[RunRecord], limits: Limits | None, *, retries_errors: bool = False
) -> None:
    events = [_queued(record, limits) for record in records]
    stored.append_events(
        place.store, [replace(event, retries_errors=retries_errors) for event in events]
    )  # fmt: skip


def _queued(record: RunRecord, limits: Limits | None) -> RunEvent:
    operational = record.operational
    if limits is not None:
        # New limits are no new prices: a run keeps those that it was started with.
        kept = limits.prices or Limits.from_mapping(operational).prices
        operational = replace(limits, prices=kept).as_mapping()
    return RunEvent(record.run_id, "queued", operational, counts=record.counts)


def _leave(place: Place, run_ids: Sequence[str], status: str, from_statuses: Sequence[str]) -> None:
    records = [r for r in stored.records(place.store, run_ids) if r.status in from_statuses and r.grid_id]
    # First the event, then the engine: the page that is drawn next must see it.
    for record in records:
        _event(place, record, status, with_counts=record.status not in UNDER_WAY)
    if isinstance(place, Dashboard):
        place.batches.leave_out([record.run_id for record in records], status)


def _chosen(place: Place, run_ids: Sequence[str], statuses: Sequence[str]) -> list[RunRecord]:
    records = stored.records(place.store, run_ids)
    for record in records:
        if record.grid_id is None:
            came = "holds answers of the playground" if record.is_from_playground else "came with a file"
            raise InvalidInputError(
                f"“{record.name}” {came}: nothing is sent for it here.",
                hint="Score an answer again on its card."
                if record.is_playground
                else "Start a run of mode score over its dataset.",
            )
    return [record for record in records if record.status in statuses]


def _event(
    place: Place, record: RunRecord, status: str, *, detail: str | None = None,
    retries_errors: bool = False, with_counts: bool = True,
) -> None:  # fmt: skip
    counts = {record.run_id: record.counts} if with_counts and record.counts is not None else None
    stored.add_events(
        place.store, [record.run_id], status, operational=record.operational, detail=detail,
        is_pilot=record.is_pilot and status in ("running", "paused"), retries_errors=retries_errors,
        counts=counts,
    )  # fmt: skip


def _keep_time(dashboard: Dashboard, records: Sequence[RunRecord]) -> None:
    """Add the time that a run was carried out before the process ended to what is known of it."""
    signs = last_signs(dashboard.store, [record.run_id for record in records])
    for record in records:
        counts, sign = record.counts, signs.get(record.run_id)
        if record.status == "running" and counts is not None and sign is not None:
            lost_ms = max(0.0, (sign - record.event_at).total_seconds() * 1000.0)
            counts = {**counts, "active_ms": (counts.get("active_ms") or 0.0) + lost_ms}
            stored.add_events(
                dashboard.store, [record.run_id], "queued", operational=record.operational,
                is_pilot=record.is_pilot, counts={record.run_id: counts},
            )  # fmt: skip
