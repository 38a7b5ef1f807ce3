"""Crashes, a storm of faults and an unknown rate limit, in short; tests/benchmarks has the long form."""

from __future__ import annotations

from tests.benchmarks.crash import crash
from tests.benchmarks.rate_limit import measure
from tests.benchmarks.simulated_endpoint import TROUBLES, SimulatedEndpoint
from tests.conftest import MakeDashboard
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.services import runs
from tlm_dash.services.run_request import Limits, RunRequest


def test_killed_again_and_again_nothing_is_lost_or_sent_twice_unnoticed() -> None:
    # The assertions are inside: it also tells the figures for the long form.
    assert "done" in crash(kills=2, rows=120, in_flight=20, latency_s=0.2, longest_s=1.0, seed=3)


def test_a_storm_of_faults_leaves_every_item_done_or_failed_with_its_kind(
    make_dashboard: MakeDashboard,
) -> None:
    # A refused key is no trouble of one row: it pauses the run (test_runs_refused.py).
    troubles = dict.fromkeys(set(TROUBLES) - {"401", "403"}, 0.025)
    with SimulatedEndpoint(latency_s=0.01, sigma=0.3, troubles=troubles) as endpoint:
        dashboard = make_dashboard(endpoint.base_url, TLM_DASH_TIMEOUT_S="2")
        dataset_id = make_dataset(dashboard.store, 40)
        request = RunRequest(dataset_id, (MODEL,), ("base", "low"), limits=Limits(max_in_flight=60))
        views = wait_for(dashboard, runs.start(dashboard, request), within_s=240)
    for view in views:
        counts = view.counts
        assert (view.status, counts.n_done + counts.n_error, view.n_pending) == ("done", 40, 0)
        assert counts.n_done > 20 and counts.n_unknown == 0
        retried = {"rate_limited", "server_failed", "timeout", "connection_dropped"}
        # An empty answer is paid for, and asked for once more only: some row is unlucky twice.
        assert set(counts.errors) <= retried | {"not_tlm", "token_limit", "empty_answer"}
    latest = dashboard.store.read(
        "SELECT run_id, item_no, count(*) FROM run_item WHERE status <> 'pending' GROUP BY ALL"
    )
    assert len(latest) == 80 and {n for _, _, n in latest} == {1}
    told = "SELECT count(*) FROM run_item WHERE status = 'error' AND error_message || error_hint IS NULL"
    assert dashboard.store.read(told) == [(0,)]
    bad = "SELECT count(*) FROM run_item WHERE trustworthiness_score NOT BETWEEN 0 AND 1"
    assert dashboard.store.read(bad) == [(0,)]
    assert dashboard.store.read("SELECT count(*) FROM attempt ANTI JOIN attempt_end USING (attempt_id)") == [
        (0,)
    ]


def test_a_limit_that_nobody_told_is_used_and_hardly_hit() -> None:
    used = measure(seconds=9, per_minute=1800, burst=20, retry_after=False, latency_s=0.1, finding_s=4)
    # Short and on any machine: the long form, and simulated time in tests/batch, hold 95% and 3%.
    assert used.share > 0.45
    assert used.refused < 0.15
