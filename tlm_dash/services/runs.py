"""Runs over datasets: start them, look at them, pause, resume, retry, cancel and delete them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

from tlm_dash.batch.grid import Grid, GridRun, Limits
from tlm_dash.errors import InvalidInputError, SettingsError, TlmDashError
from tlm_dash.interchange.mapping import template_parts
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.services.playground_runs import endpoint_name
from tlm_dash.services.run_request import RunRequest, SettledGrid, priced, settle
from tlm_dash.services.run_view import RunView, view_of, views
from tlm_dash.settings import shown_url
from tlm_dash.store import runs as stored
from tlm_dash.store.run_counts import last_signs
from tlm_dash.store.run_models import RunRecord

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
    request = priced(dashboard, request)
    with _starting:
        settled = settle(dashboard, request)
        pilots = stored.pilot_grid(dashboard.store, settled.grid_hash)
        _queue(dashboard, pilots, request.limits)
        run_ids = [r.run_id for r in pilots] or _written(dashboard, settled, request.limits, is_pilot=False)
    if begin:
        begin_runs(dashboard, run_ids)
    return run_ids


def start_pilot(dashboard: Dashboard, request: RunRequest, n: int) -> list[str]:
    """Start `n` random rows of a grid, for a forecast; gives the runs' ids. No pilot is repeated."""
    request = priced(dashboard, request)
    with _starting:
        settled = settle(dashboard, request, pilot=n)
        earlier = stored.pilot_grid(dashboard.store, settled.grid_hash)
        if earlier:
            return [record.run_id for record in earlier]
        run_ids = _written(dashboard, settled, request.limits, is_pilot=True)
    begin_runs(dashboard, run_ids, pilot=True)
    return run_ids


def list_runs(place: Place, *, with_pilots: bool = False) -> list[RunView]:
    """List all runs of datasets, imported ones too, oldest first. Cheap enough to be asked every second."""
    records = stored.records(place.store)
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
    """Take some runs off every list; their responses stay with the dataset. They are cancelled first."""
    cancel(place, run_ids)
    stored.add_events(place.store, run_ids, "deleted", operational={})


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
    for grid_id in dict.fromkeys(record.grid_id for record in chosen):
        if grid_id is None:
            continue
        mine = [record for record in chosen if record.grid_id == grid_id]
        grid = _grid(dashboard, stored.records(dashboard.store, grid_id=grid_id))
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


def _written(dashboard: Dashboard, settled: SettledGrid, limits: Limits, *, is_pilot: bool) -> list[str]:
    rows = {"run": settled.run_rows, "run_plan": settled.plan_rows}
    dashboard.store.append(rows).result(stored.COMMIT_TIMEOUT_S)
    operational = limits.as_mapping()
    stored.add_events(dashboard.store, settled.run_ids, "queued", operational=operational, is_pilot=is_pilot)
    return settled.run_ids


def _begin_if_possible(place: Place, records: Sequence[RunRecord]) -> None:
    if isinstance(place, Dashboard) and records:
        begin_runs(place, [record.run_id for record in records])


def _queue(
    place: Place, records: Sequence[RunRecord], limits: Limits | None, *, retries_errors: bool = False
) -> None:
    for record in records:
        if limits is not None:
            # New limits are no new prices: a run keeps those that it was started with.
            kept = limits.prices or Limits.from_mapping(record.operational).prices
            record = replace(record, operational=replace(limits, prices=kept).as_mapping())
        _event(place, record, "queued", retries_errors=retries_errors)


def _leave(place: Place, run_ids: Sequence[str], status: str, from_statuses: Sequence[str]) -> None:
    records = [r for r in stored.records(place.store, run_ids) if r.status in from_statuses and r.grid_id]
    # First the event, then the engine: the page that is drawn next must see it.
    for record in records:
        _event(place, record, status, with_counts=record.status not in UNDER_WAY)
    if isinstance(place, Dashboard):
        place.batches.leave_out([record.run_id for record in records], status)


def _chosen(place: Place, run_ids: Sequence[str], statuses: Sequence[str]) -> list[RunRecord]:
    records = stored.records(place.store, run_ids)
    imported = [record.name for record in records if record.grid_id is None]
    if imported:
        raise InvalidInputError(
            f"“{imported[0]}” came with a file: nothing is sent for it.",
            hint="Start a run of mode score over its dataset.",
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
