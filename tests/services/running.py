"""Waiting for runs, shared by the tests of runs."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conftest import wait_until
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView

MODEL = "gpt-4.1-mini"
SETTLED = ("done", "failed", "cancelled", "paused")


def wait_for(dashboard: Dashboard, run_ids: Sequence[str], within_s: float = 120.0) -> list[RunView]:
    """Wait until runs have ended in whichever way, and nothing is under way for them."""

    def settled() -> bool:
        views = [runs.show(dashboard, run_id) for run_id in run_ids]
        return all(view.status in SETTLED and view.live is None for view in views)

    wait_until(settled, within_s=within_s, what="the end of the runs")
    return [runs.show(dashboard, run_id) for run_id in run_ids]
