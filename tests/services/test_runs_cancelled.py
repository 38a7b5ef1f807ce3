"""Cancelling runs whose endpoint says nothing: what is under way is closed at once, and told honestly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint, Hang
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset, make_run
from tlm_dash.batch.caution import MOST_AT_FIRST
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.services.run_view import RunView
from tlm_dash.store.run_counts import NOT_SENT, count_runs

PROMPT_S = 60.0
"""Far below the endpoint's limit of 120 s, far above what a slow machine takes."""

SCORES_HANG = Behaviour(Answer(), score=Hang())


def cancelled(dashboard: Dashboard, run_ids: Sequence[str]) -> list[RunView]:
    """Cancel some runs and wait until nothing is under way for them."""
    runs.cancel(dashboard, run_ids)
    return wait_for(dashboard, run_ids, within_s=PROMPT_S)


def ends(dashboard: Dashboard, run_id: str) -> dict[tuple[str | None, str | None], int]:
    """Count the attempts of a run by outcome and kind; an open one has no outcome."""
    query = (
        "SELECT e.outcome, e.error_kind, count(*) FROM attempt AS a LEFT JOIN attempt_end AS e "
        "USING (attempt_id) WHERE a.run_id = ? GROUP BY ALL"
    )
    return {(outcome, kind): n for outcome, kind, n in dashboard.store.read(query, [run_id])}


def open_tasks(dashboard: Dashboard) -> list[str]:
    """List what still runs on the engine's loop for runs."""

    async def listed() -> list[str]:
        return [repr(task) for task in asyncio.all_tasks() if "Runner" in repr(task) or "Job" in repr(task)]

    return [*dashboard.engine.ask(listed(), timeout_s=60), *(
        key for key in dashboard.engine.running() if key.startswith("runs/")
    )]  # fmt: skip


def hanging(fake_endpoint: FakeEndpoint, call: str = "chat/completions") -> int:
    return len([request for request in fake_endpoint.requests_to(call) if not request.disconnected])


def test_a_cancel_closes_what_hangs_and_says_what_may_have_been_paid(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    fake_endpoint.behave("hang")
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 40), (MODEL,), ("low",)))
    wait_until(lambda: hanging(fake_endpoint) == MOST_AT_FIRST)
    (view,) = cancelled(dashboard, [run_id])
    wait_until(lambda: not hanging(fake_endpoint), what="closing the connections")
    wait_until(lambda: not open_tasks(dashboard), what="the end of all tasks")
    counts = view.counts
    assert (view.status, view.n_pending, counts.n_done, counts.n_error) == ("cancelled", 40, 0, 0)
    assert (counts.n_sent, counts.n_unknown, counts.n_answered) == (MOST_AT_FIRST, MOST_AT_FIRST, 0)
    assert view.record.detail == (
        f"{MOST_AT_FIRST} requests were closed before an answer came, and may have been paid all the same."
    )
    assert ends(dashboard, run_id) == {("cancelled", None): MOST_AT_FIRST}
    # What is counted from the rows agrees, also in another process.
    assert count_runs(dashboard.store, [run_id])[run_id].n_unknown == MOST_AT_FIRST
    dashboard.stop()
    again = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept", on_open=runs.resume_all)
    assert runs.show(again, run_id).status == "cancelled"
    fake_endpoint.behave("healthy")
    runs.resume(again, [run_id])
    (view,) = wait_for(again, [run_id])
    counts = view.counts
    assert (view.status, counts.n_done, counts.n_sent) == ("done", 40, 40 + MOST_AT_FIRST)
    assert counts.n_maybe_paid_twice == counts.n_unknown == MOST_AT_FIRST
    assert len(fake_endpoint.requests_to("chat/completions")) == counts.n_sent


def test_a_cancel_after_a_pause_does_not_wait_for_the_answers_that_the_pause_waits_for(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("hang")
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 40), (MODEL,), ("low",)))
    wait_until(lambda: hanging(fake_endpoint) == MOST_AT_FIRST)
    runs.pause(dashboard, [run_id])
    time.sleep(0.3)
    # Paid for, so it is waited for.
    assert runs.show(dashboard, run_id).live is not None and hanging(fake_endpoint) == MOST_AT_FIRST
    (view,) = cancelled(dashboard, [run_id])
    assert (view.status, view.counts.n_unknown) == ("cancelled", MOST_AT_FIRST)
    wait_until(lambda: not open_tasks(dashboard), what="the end of all tasks")
    assert ends(dashboard, run_id) == {("cancelled", None): MOST_AT_FIRST}


def test_what_was_closed_is_told_whenever_the_run_is_looked_after(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looked after at every turn of the loop: as the end of all work, and in the middle of it.
    monkeypatch.setattr("tlm_dash.batch.job.SETTLE_EVERY_S", 0)
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("hang")
    for n in (1, 2, 3):
        (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, n, name=f"{n}"), (MODEL,)))
        wait_until(lambda n=n: hanging(fake_endpoint) == n)
        (view,) = cancelled(dashboard, [run_id])
        told = "SELECT count(*), max(detail) FROM run_event WHERE run_id = ? AND status = 'cancelled'"
        assert dashboard.store.read(told, [run_id]) == [(2, view.record.detail)]
        assert (view.record.detail or "").startswith(f"{n} request")
        wait_until(lambda: not hanging(fake_endpoint))


def test_what_another_run_waits_for_goes_on_and_that_run_ends(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 12)
    # Every fourth score never comes: with two presets in turn, some of both runs.
    fake_endpoint.script("chat/score", [*[Answer()] * 3, Hang()] * 2)
    request = RunRequest(dataset_id, (MODEL,), ("low", "medium"), limits=Limits(max_in_flight=20))
    low, medium = runs.start(dashboard, request)
    wait_until(lambda: hanging(fake_endpoint, "chat/score") and runs.show(dashboard, low).n_pending < 3)
    wait_until(lambda: sum(runs.show(dashboard, one).n_pending for one in (low, medium)) == 2)
    stuck = {one: runs.show(dashboard, one).n_pending for one in (low, medium)}
    gone = low if stuck[low] else medium
    kept = medium if gone == low else low
    fake_endpoint.behave("healthy")
    (view,) = cancelled(dashboard, [gone])
    assert (view.status, view.counts.n_unknown, view.n_pending) == ("cancelled", stuck[gone], stuck[gone])
    assert runs.show(dashboard, kept).counts.n_unknown == 0
    if stuck[kept]:
        assert runs.show(dashboard, kept).status == "running"
        (view,) = cancelled(dashboard, [kept])
        assert view.counts.n_unknown == stuck[kept]
    else:
        (view,) = wait_for(dashboard, [kept])
        assert (view.status, view.counts.n_done) == ("done", 12)
    for one in (low, medium):
        runs.resume(dashboard, [one])
    views = wait_for(dashboard, [low, medium])
    assert [(view.status, view.counts.n_done) for view in views] == [("done", 12)] * 2
    # No answer was asked for again.
    assert len(fake_endpoint.requests_to("chat/completions")) == 12


def test_an_answer_that_two_runs_share_is_closed_when_both_are_cancelled(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("hang")
    request = RunRequest(make_dataset(dashboard.store, 3), (MODEL,), ("low", "medium"))
    low, medium = runs.start(dashboard, request)
    wait_until(lambda: hanging(fake_endpoint) == 3)
    runs.cancel(dashboard, [low])
    time.sleep(0.3)
    assert hanging(fake_endpoint) == 3
    views = cancelled(dashboard, [low, medium])
    assert [view.status for view in views] == ["cancelled", "cancelled"]
    assert sum(view.counts.n_unknown for view in views) == sum(view.counts.n_sent for view in views) == 3
    wait_until(lambda: not hanging(fake_endpoint))


def test_equal_rows_that_waited_for_a_cancelled_request_are_sent_for_their_own_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, ["same"] * 4)
    for _ in range(2):
        make_run(dashboard.store, dataset_id, ["yes"] * 4)
    fake_endpoint.script("chat/score", [Hang()])
    request = RunRequest(dataset_id, quality_presets=("low",), mode="score", send_repeats_once=True)
    first, second = runs.start(dashboard, request)
    wait_until(lambda: hanging(fake_endpoint, "chat/score") == 1)
    counts = {one: runs.show(dashboard, one).counts.n_sent for one in (first, second)}
    gone, kept = (first, second) if counts[first] else (second, first)
    (view,) = cancelled(dashboard, [gone])
    assert view.counts.n_unknown == 1
    (view,) = wait_for(dashboard, [kept])
    assert (view.status, view.counts.n_done, view.counts.n_sent) == ("done", 4, 1)


def test_a_request_that_had_not_left_is_not_told_as_perhaps_paid(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    # So slow a commit that the cancel comes before it: the ledger has no row yet, so nothing leaves.
    monkeypatch.setattr("tlm_dash.batch.recorder.SHORTEST_GAP_S", 5.0)
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 5), (MODEL,), ("low",)))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_sent == 5)
    (view,) = cancelled(dashboard, [run_id])
    assert (view.counts.n_sent, view.counts.n_unknown, view.record.detail) == (0, 0, None)
    assert ends(dashboard, run_id) == {("cancelled", NOT_SENT): 5}
    assert count_runs(dashboard.store, [run_id])[run_id].n_sent == 0
    assert not fake_endpoint.requests_to("chat/completions")
    monkeypatch.undo()
    runs.resume(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_done, view.counts.n_sent) == ("done", 5, 5)
    assert (view.counts.n_unknown, view.counts.n_maybe_paid_twice) == (0, 0)


def test_a_score_that_hangs_leaves_its_answer_stored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(SCORES_HANG)
    request = RunRequest(make_dataset(dashboard.store, 3), (MODEL,), ("low",), mode="generate-then-score")
    (run_id,) = runs.start(dashboard, request)
    wait_until(lambda: hanging(fake_endpoint, "chat/score") == 3)
    (view,) = cancelled(dashboard, [run_id])
    assert (view.counts.n_answered, view.counts.n_unknown, view.n_pending) == (3, 3, 3)
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_done) == ("done", 3)
    assert len(fake_endpoint.requests_to("chat/completions")) == 3


def test_a_run_that_is_cancelled_before_its_endpoint_is_ready_stays_cancelled(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    ready, waits = asyncio.Event(), asyncio.Event()

    async def wait_until_ready(_note: object) -> None:
        waits.set()
        await ready.wait()

    monkeypatch.setattr(dashboard.monitor, "wait_until_ready", wait_until_ready)
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 3), (MODEL,), ("low",)))
    wait_until(waits.is_set)
    (view,) = cancelled(dashboard, [run_id])

    async def become_ready() -> None:
        ready.set()

    dashboard.engine.ask(become_ready(), timeout_s=60)
    wait_until(lambda: not open_tasks(dashboard), what="the end of all tasks")
    assert runs.show(dashboard, run_id).status == view.status == "cancelled"
    assert not fake_endpoint.requests_to("chat/completions")
