"""Runs end to end below the page: real engine, real HTTP, real database file."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import ApiError, FakeEndpoint, fake_answer, fake_score
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import runs
from tlm_dash.services.run_request import RunRequest


def test_generate_and_score_in_one_call(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 30)
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)))
    (view,) = wait_for(dashboard, [run_id])
    facts = view.facts()
    assert (facts["status"], facts["n_items"], facts["n_done"], facts["n_pending"]) == ("done", 30, 30, 0)
    assert (facts["n_sent"], facts["n_unknown"], facts["n_maybe_paid_twice"]) == (30, 0, 0)
    assert facts["resolved_model"] == f"{MODEL}-2025-04-14"
    assert (facts["mode"], facts["answered_by"]) == ("generate", "endpoint")
    assert facts["input_tokens"] == 30 * 5 and facts["cost"] is None
    assert facts["started_at"] and facts["finished_at"] and facts["duration_ms"] > 0
    assert len(fake_endpoint.requests_to("chat/completions")) == 30
    assert not fake_endpoint.requests_to("chat/score")
    rows = dashboard.store.read(
        "SELECT i.prompt, c.response, r.trustworthiness_score FROM run_item AS r "
        "JOIN completion AS c USING (completion_id) JOIN item AS i ON i.item_no = r.item_no "
        "WHERE r.run_id = ?",
        [run_id],
    )
    assert len(rows) == 30
    for prompt, response, score in rows:
        assert response == fake_answer([{"role": "user", "content": prompt}], MODEL)
        assert score == fake_score(response, "low")


def test_responses_that_are_there_are_scored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 4)
    make_run(dashboard.store, dataset_id, ["one", "two", None, "four"])
    run_ids = runs.start(dashboard, RunRequest("Questions", quality_presets=("base", "low"), mode="score"))
    base, low = wait_for(dashboard, run_ids)
    assert (base.facts()["n_items"], base.facts()["n_done"], low.facts()["n_done"]) == (3, 3, 3)
    assert base.facts()["answered_by"] == "given" and base.facts()["input_tokens"] is None
    assert base.facts()["name"] == "Questions · answer · base"
    assert len(fake_endpoint.requests_to("chat/score")) == 6
    assert not fake_endpoint.requests_to("chat/completions")
    scores = dashboard.store.read(
        "SELECT c.response, r.trustworthiness_score FROM run_item AS r "
        "JOIN completion AS c USING (completion_id) WHERE r.run_id = ? ORDER BY r.item_no",
        [run_ids[0]],
    )
    assert scores == [(text, fake_score(text, "base")) for text in ("one", "two", "four")]


def test_each_model_answers_once_and_one_scorer_scores_every_preset(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 10)
    models, presets = (MODEL, "gpt-4.1-nano"), ("base", "low", "medium")
    run_ids = runs.start(dashboard, RunRequest(dataset_id, models, presets))
    views = wait_for(dashboard, run_ids)
    assert [(v.record.model, v.record.quality_preset) for v in views] == [
        (m, p) for m in models for p in presets
    ]
    assert {view.record.scorer_model for view in views} == {MODEL}
    assert all(view.facts()["n_done"] == 10 and view.status == "done" for view in views)
    generated = fake_endpoint.requests_to("chat/completions")
    assert len(generated) == 20
    assert all(sent.body["options"] == {"disable_trustworthiness": True} for sent in generated)
    assert len(fake_endpoint.requests_to("chat/score")) == 60
    # The answer is counted with the run that asked for it: sums over runs are what was sent.
    assert [view.counts.n_sent for view in views] == [20, 10, 10] * 2
    assert [view.counts.output_tokens is not None for view in views] == [True, False, False] * 2
    completions = dashboard.store.read(
        "SELECT count(*), count(DISTINCT completion_id) FROM run_item WHERE status = 'done'"
    )
    assert completions == [(60, 20)]


def test_a_failure_is_a_row_and_only_failed_rows_are_retried(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 8)
    fake_endpoint.script("chat/completions", [ApiError(400, "no such thing")] * 2)
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)))
    (view,) = wait_for(dashboard, [run_id])
    assert view.status == "done"
    assert (view.counts.n_done, view.counts.n_error, view.counts.errors) == (6, 2, {"request_refused": 2})
    runs.retry(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert (view.counts.n_done, view.counts.n_error, view.counts.n_sent) == (8, 0, 10)
    assert len(fake_endpoint.requests_to("chat/completions")) == 10


@pytest.mark.parametrize("first_or_sample", ["first", "sample"])
def test_only_some_rows(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, first_or_sample: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 50)
    request = RunRequest(dataset_id, (MODEL,), ("low",), **{first_or_sample: 7})  # type: ignore[arg-type]
    (view,) = wait_for(dashboard, runs.start(dashboard, request))
    assert (view.record.n_items, view.counts.n_done) == (7, 7)
    rows = dashboard.store.read("SELECT item_no FROM run_item ORDER BY item_no")
    assert (rows == [(n,) for n in range(1, 8)]) is (first_or_sample == "first")
