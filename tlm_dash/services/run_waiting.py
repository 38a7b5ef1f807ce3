"""Carrying out runs without a dashboard: a command starts the parts, waits, and tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import OpenStore
from tlm_dash.services.run_view import RunView, views
from tlm_dash.services.run_words import fewer_at_once
from tlm_dash.settings import Settings
from tlm_dash.store import runs as stored

LOOK_EVERY_S = 0.1
TELL_EVERY_S = 2.0


@contextmanager
def carrying_out(settings: Settings) -> Iterator[Dashboard]:
    """Run an engine over the store for the time of a block. Raises StoreBusyError while a dashboard has it.

    What is under way when the block ends goes on with `runs resume`, or when a dashboard is started.
    """
    # Told at once, before an embedded endpoint is started for nothing.
    OpenStore(settings).store.close()
    dashboard = Dashboard(settings)
    try:
        dashboard.start()
        while not dashboard.store_settled:
            time.sleep(LOOK_EVERY_S)
        dashboard.store  # noqa: B018 - raises why it is not open
        yield dashboard
    finally:
        dashboard.stop()


def until_ended(dashboard: Dashboard, run_ids: Sequence[str], tell: Callable[[str], None]) -> None:
    """Wait until some runs have ended or were stopped, telling every few seconds how far they are."""
    told_at, said = time.monotonic(), ""
    started = views(dashboard, stored.records(dashboard.store, run_ids))
    asked = dict.fromkeys(view.limits.max_in_flight for view in started)
    for fewer in (fewer_at_once(dashboard.settings, n) for n in asked):
        if fewer is not None:
            tell(fewer)
    while True:
        found = views(dashboard, stored.records(dashboard.store, run_ids))
        if all(view.live is None and view.status not in ("queued", "running") for view in found):
            return
        line = _progress(found)
        if time.monotonic() - told_at >= TELL_EVERY_S and line != said:
            told_at, said = time.monotonic(), line
            tell(line)
        problem = dashboard.batches.problem
        if problem is not None:
            tell(str(problem))
        time.sleep(LOOK_EVERY_S if problem is None else TELL_EVERY_S)


def _progress(found: Sequence[RunView]) -> str:
    done = sum(view.counts.n_done for view in found)
    failed = sum(view.counts.n_error for view in found)
    total = sum(view.record.n_items for view in found)
    live = [view.live for view in found if view.live is not None]
    rate = sum(run.items_per_s or 0.0 for run in live)
    left = max((run.time_left_s or 0.0 for run in live), default=0.0)
    in_flight = sum(run.in_flight for run in live)
    told = f"{done:,} of {total:,} rows done, {failed:,} failed, {in_flight:,} in flight"
    if rate:
        told += f", {rate:,.1f} a second, about {_shown(left)} left"
    held_up = next((run.note for run in live if run.note), "")
    return f"{told}. {held_up}" if held_up else told


def _shown(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
