"""Runs that are started or taken away together with others, or with their dataset."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint, Held
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.errors import InvalidInputError, TlmDashError
from tlm_dash.services import dataset_upload, datasets, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest


def test_several_grids_start_together(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 4)
    requests = [RunRequest(dataset_id, (model,), ("low",)) for model in (MODEL, "gpt-4.1-nano")]
    # One of them has had a pilot: its rows are kept.
    pilots = runs.start_pilot(dashboard, requests[1], 2)
    wait_for(dashboard, pilots)
    run_ids = runs.start_all(dashboard, requests)
    assert run_ids[1:] == pilots
    views = wait_for(dashboard, run_ids)
    assert [(view.status, view.counts.n_done, view.counts.n_sent) for view in views] == [("done", 4, 4)] * 2


@pytest.mark.parametrize("pilot", [False, True])
def test_where_one_grid_cannot_be_started_none_is(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, pilot: bool
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 4)
    requests = [RunRequest(dataset_id, (MODEL,), ("low",)), RunRequest(dataset_id, (MODEL,), ("best",))]
    with pytest.raises(InvalidInputError, match="best"):
        runs.start_pilots(dashboard, requests, 2) if pilot else runs.start_all(dashboard, requests)
    assert dashboard.store.read("SELECT count(*) FROM run") == [(0,)]
    assert dashboard.store.read("SELECT count(*) FROM run_event") == [(0,)]
    assert not fake_endpoint.requests_to("chat/completions")


def test_a_run_that_is_deleted_while_it_is_under_way_does_not_come_back(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    held = Held()
    fake_endpoint.behave(Behaviour(held))
    fake_endpoint.script("chat/completions", [Answer()] * 4)
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 80), (MODEL,), ("low",)))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done >= 4)
    runs.delete(dashboard, [run_id])
    assert runs.list_runs(dashboard) == []
    held.released.set()
    # What was under way ends and is kept; only then does nothing of it run any more.
    wait_until(lambda: not any(key.startswith("runs/") for key in dashboard.engine.running()))
    assert runs.list_runs(dashboard) == []
    open_ends = "SELECT count(*) FROM attempt ANTI JOIN attempt_end USING (attempt_id)"
    assert dashboard.store.read(open_ends) == [(0,)]
    assert len(fake_endpoint.requests_to("chat/completions")) < 80


def test_a_dataset_is_not_deleted_under_a_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    held = Held()
    fake_endpoint.behave(Behaviour(held))
    dataset_id = dataset_upload.save_sample(dashboard).dataset_id
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)))
    with pytest.raises(InvalidInputError, match="under way") as refused:
        datasets.delete(dashboard, dataset_id, confirmed=True)
    assert refused.value.hint
    assert datasets.show(dashboard, dataset_id).dataset_id == dataset_id
    runs.cancel(dashboard, [run_id])
    held.released.set()
    wait_for(dashboard, [run_id])
    datasets.delete(dashboard, dataset_id, confirmed=True)
    assert _rows_left(dashboard) == 0
    with pytest.raises(TlmDashError):
        datasets.show(dashboard, dataset_id)


def _rows_left(dashboard: Dashboard) -> int:
    ((left,),) = dashboard.store.read(
        "SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM run_item) + (SELECT count(*) FROM run) "
        "+ (SELECT count(*) FROM attempt) + (SELECT count(*) FROM completion)"
    )
    return int(left)


def test_a_fault_in_the_law_of_pace_stops_no_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tlm_dash.batch.pace.Pace.ended", fail)
    dashboard = make_dashboard(fake_endpoint.base_url)
    request = RunRequest(make_dataset(dashboard.store, 6), (MODEL,), ("low",), limits=Limits(max_in_flight=2))
    (view,) = wait_for(dashboard, runs.start(dashboard, request), within_s=20)
    assert (view.status, view.counts.n_done) == ("done", 6)
