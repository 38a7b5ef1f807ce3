"""What the Runs page says when the server was killed (SIGKILL) in the middle of a run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.crash import Crashes
from tests.benchmarks.simulated_endpoint import SimulatedEndpoint
from tests.conftest import MakeDashboard, wait_until
from tests.pages.conftest import OpenApp, texts
from tlm_dash.services import runs


def test_the_page_tells_what_went_on_what_is_unknown_and_what_was_sent_again(
    make_dashboard: MakeDashboard, open_app: OpenApp, tmp_path: Path
) -> None:
    with SimulatedEndpoint(latency_s=0.4, sigma=0.2, counts_prompts=True) as endpoint:
        crashes = Crashes(tmp_path, endpoint, rows=2000, in_flight=10)
        crashes.prepare()
        crashes.go_on(1.0)
        # Checks that nothing stored is lost or sent again, and counts what has no outcome.
        before = crashes.look().counts
        assert 0 < before.n_unknown <= 10
        dashboard = make_dashboard(endpoint.base_url, on_open=runs.resume_all)
        wait_until(lambda: runs.list_runs(dashboard)[0].counts.n_maybe_paid_twice == before.n_unknown)
        said = texts(open_app(dashboard, "runs"))
        assert "1 run goes on where it was interrupted" in said
        told = re.search(r"without an outcome: (\d+) request.*perhaps paid twice: (\d+) request", said, re.S)
        assert told is not None and int(told[1]) == int(told[2]) == before.n_unknown
        runs.cancel(dashboard, [runs.list_runs(dashboard)[0].record.run_id])
