"""Runs that are paused, resumed, cancelled, capped, forecast, or were left by an earlier process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint, Held
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset, make_run
from tlm_dash.batch.in_flight import START
from tlm_dash.errors import InvalidInputError, NotFoundError, SettingsError
from tlm_dash.services import runs
from tlm_dash.services.run_forecast import forecast_of
from tlm_dash.services.run_request import Limits, ModelPrice, PriceTable, RunRequest
from tlm_dash.store.runs import add_events, records

SLOW = Behaviour(Answer(delay_s=0.2))
PRICES = PriceTable({MODEL: ModelPrice(1.0, 2.0)}, {"low": 0.001})


def held_after(endpoint: FakeEndpoint, n: int) -> Held:
    """Have so many calls answered at once, and the others when the test says so."""
    held = Held()
    endpoint.behave(Behaviour(held, score=held))
    endpoint.script("chat/completions", [Answer()] * n)
    return held


def test_a_paused_run_sends_nothing_more_and_resumes_where_it_was(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    held = held_after(fake_endpoint, 8)
    dataset_id = make_dataset(dashboard.store, 60)
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done >= 8)
    runs.pause(dashboard, [run_id])
    assert runs.show(dashboard, run_id).status == "paused"
    held.released.set()
    (view,) = wait_for(dashboard, [run_id])
    # What was under way was not cut off: each request that was sent brought its row.
    assert view.counts.n_sent == view.counts.n_done < 60
    assert len(fake_endpoint.requests_to("chat/completions")) == view.counts.n_sent
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_done, view.counts.n_sent) == ("done", 60, 60)
    assert view.counts.n_maybe_paid_twice == 0


def test_one_run_of_a_grid_is_paused_while_the_others_go_on_and_joins_them_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(SLOW)
    dataset_id = make_dataset(dashboard.store, 200)
    low, medium = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low", "medium")))
    wait_until(lambda: runs.show(dashboard, medium).counts.n_done >= 2)
    runs.pause(dashboard, [medium])
    wait_until(lambda: runs.show(dashboard, low).counts.n_done >= 12)
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [medium])
    views = wait_for(dashboard, [low, medium])
    assert [(view.status, view.counts.n_done) for view in views] == [("done", 200)] * 2
    # Each item was answered once, whenever each run took part.
    assert len(fake_endpoint.requests_to("chat/completions")) == 200
    assert len(fake_endpoint.requests_to("chat/score")) == 400
    shared = "SELECT count(DISTINCT completion_id) FROM run_item WHERE status = 'done' GROUP BY item_no"
    assert set(dashboard.store.read(shared)) == {(1,)}


def test_a_cancelled_run_keeps_what_it_has(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    held_after(fake_endpoint, 4)
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 60), (MODEL,), ("low",)))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done >= 4)
    runs.cancel(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert view.status == "cancelled" and view.facts()["finished_at"]
    assert 4 <= view.counts.n_done < 60 and view.n_pending == 60 - view.counts.n_done
    runs.delete(dashboard, [run_id])
    assert runs.list_runs(dashboard) == []
    with pytest.raises(NotFoundError):
        runs.show(dashboard, run_id)


def test_a_run_goes_on_by_itself_after_a_restart(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    held_after(fake_endpoint, 4)
    (run_id,) = runs.start(first, RunRequest(make_dataset(first.store, 40), (MODEL,), ("low",)))
    wait_until(lambda: runs.show(first, run_id).counts.n_done >= 4)
    wait_until(lambda: runs.show(first, run_id).counts.n_sent >= 14)
    first.stop()
    fake_endpoint.behave("healthy")
    sent_before = len(fake_endpoint.requests_to("chat/completions"))
    second = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept", on_open=runs.resume_all)
    (view,) = wait_for(second, [run_id])
    assert (view.status, view.counts.n_done) == ("done", 40)
    counts = view.counts
    assert 0 < counts.n_unknown <= START and counts.n_maybe_paid_twice == counts.n_unknown
    assert counts.n_sent == 40 + counts.n_unknown
    assert (
        counts.n_sent - counts.n_unknown
        <= len(fake_endpoint.requests_to("chat/completions"))
        <= counts.n_sent
    )
    assert len(fake_endpoint.requests_to("chat/completions")) - sent_before <= 40


def test_a_run_of_another_endpoint_waits_and_says_why(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    request = RunRequest(make_dataset(first.store, 5), (MODEL,), ("low",))
    (run_id,) = runs.start(first, request, begin=False)
    assert runs.show(first, run_id).status == "queued"
    first.stop()
    with FakeEndpoint() as other:
        second = make_dashboard(other.base_url, data_dir=tmp_path / "kept", on_open=runs.resume_all)
        (view,) = wait_for(second, [run_id])
        assert view.status == "paused" and fake_endpoint.base_url in (view.record.detail or "")
        with pytest.raises(SettingsError):
            runs.resume(second, [run_id])
        assert not other.requests_to("chat/completions")


def test_the_cap_on_requests_is_kept_to_the_letter(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    (run_id,) = runs.start(
        dashboard, RunRequest(dataset_id, (MODEL,), ("low",), limits=Limits(max_requests=13))
    )
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_sent, view.counts.n_done) == ("paused", 13, 13)
    assert "13 requests" in (view.record.detail or "")
    runs.resume(dashboard, [run_id], Limits())
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_sent) == ("done", 40)


def test_the_cap_on_the_cost_stops_in_time(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 200)
    limits = Limits(max_cost=0.05, prices=PRICES)
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), limits=limits))
    (view,) = wait_for(dashboard, [run_id])
    assert view.status == "paused" and view.cost is not None
    assert 0.04 < view.cost <= 0.05
    tokens = (view.counts.input_tokens or 0) * 1.0 + (view.counts.output_tokens or 0) * 2.0
    assert view.cost == pytest.approx(tokens / 1e6 + view.counts.n_answered * 0.001)


def test_a_pilot_tells_what_all_will_take_and_its_rows_are_not_sent_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 100)
    request = RunRequest(dataset_id, (MODEL,), ("base", "low"), limits=Limits(prices=PRICES))
    pilots = runs.start_pilot(dashboard, request, 10)
    wait_for(dashboard, pilots)
    assert runs.list_runs(dashboard) == []
    assert [view.record.run_id for view in runs.list_runs(dashboard, with_pilots=True)] == pilots
    found = forecast_of(dashboard, pilots)
    assert found.is_complete and found.total is not None and found.total.n_pilot == 10
    facts = found.facts()
    assert facts["total"]["requests"] == {"estimate": 300.0, "low": 300.0, "high": 300.0}
    assert facts["total"]["input_tokens"]["estimate"] == 500.0
    out = facts["total"]["output_tokens"]
    assert out["low"] < out["estimate"] < out["high"]
    assert [run["requests"]["estimate"] for run in facts["runs"]] == [200.0, 100.0]
    assert facts["total"]["cost"]["estimate"] > 0.1 and facts["total"]["duration_ms"]["estimate"] > 0
    run_ids = runs.start(dashboard, request)
    assert run_ids == pilots
    views = wait_for(dashboard, run_ids)
    assert [view.counts.n_done for view in views] == [100, 100]
    assert len(fake_endpoint.requests_to("chat/completions")) == 100
    assert runs.start_pilot(dashboard, request, 10) != pilots


def test_a_dead_endpoint_gives_the_run_up_instead_of_failing_every_row(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("html")
    (run_id,) = runs.start(dashboard, RunRequest(make_dataset(dashboard.store, 500), (MODEL,), ("low",)))
    (view,) = wait_for(dashboard, [run_id])
    assert view.status == "failed" and "HTML page" in (view.record.detail or "")
    assert 50 <= view.counts.n_error < 100
    fake_endpoint.behave("healthy")
    runs.retry(dashboard, [run_id])
    (view,) = wait_for(dashboard, [run_id])
    assert (view.status, view.counts.n_done, view.counts.n_error) == ("done", 500, 0)


def test_repeated_rows_share_a_request_only_where_asked(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, ["same"] * 12 + ["other"])
    make_run(dashboard.store, dataset_id, ["yes"] * 13)
    for asked, n_sent in ((True, 2), (False, 13)):
        fake_endpoint.requests.clear()
        request = RunRequest(dataset_id, quality_presets=("low",), mode="score", send_repeats_once=asked)
        (view,) = wait_for(dashboard, runs.start(dashboard, request))
        assert (view.counts.n_done, view.counts.n_sent) == (13, n_sent)
        assert len(fake_endpoint.requests_to("chat/score")) == n_sent


def test_another_provider_answers_and_system_prompt_and_template_are_sent(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    with FakeEndpoint() as provider:
        dashboard = make_dashboard(
            fake_endpoint.base_url, OPENAI_BASE_URL=provider.base_url, OPENAI_API_KEY="sk-provider-secret"
        )
        request = RunRequest(
            make_dataset(dashboard.store, ["Why?"]), ("gemini-flash",), ("low",), answered_by="provider",
            params={"temperature": 0.0}, system_prompt="Be brief.", template="Question: {prompt}",
        )  # fmt: skip
        (view,) = wait_for(dashboard, runs.start(dashboard, request))
        (sent,) = provider.requests_to("chat/completions")
    assert (view.record.mode, view.counts.n_done) == ("generate-then-score", 1)
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Question: Why?"}]
    assert (sent.body["messages"], sent.body["temperature"]) == (asked, 0.0)
    assert "options" not in sent.body and not fake_endpoint.requests_to("chat/completions")
    (scored,) = fake_endpoint.requests_to("chat/score")
    assert scored.body["messages"] == asked
    assert "sk-provider-secret" not in repr(dashboard.store.read("SELECT * FROM run"))


def test_an_endpoint_that_does_not_know_the_option_scores_and_is_ignored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [ApiError(400, "Unknown option: disable_trustworthiness")])
    request = RunRequest(
        make_dataset(dashboard.store, 3), (MODEL,), ("base", "low"), limits=Limits(max_in_flight=1)
    )
    views = wait_for(dashboard, runs.start(dashboard, request))
    assert [(view.counts.n_done, view.counts.n_error) for view in views] == [(3, 0)] * 2
    assert len(fake_endpoint.requests_to("chat/completions")) == 4


@pytest.mark.parametrize(
    "asked",
    [
        RunRequest("Questions", (), ("low",)),
        RunRequest("Questions", (MODEL,), ()),
        RunRequest("Questions", (MODEL,), ("best",)),
        RunRequest("Questions", (MODEL, MODEL), ("low",)),
        RunRequest("Questions", (MODEL,), ("low",), mode="score"),
        RunRequest("Questions", (MODEL,), ("low",), first=0),
        RunRequest("Questions", (MODEL,), ("low",), first=1, sample=1),
        RunRequest("Questions", (MODEL,), ("low",), template="no place"),
        RunRequest("Questions", (MODEL,), ("low",), send_repeats_once=True),
        RunRequest("Questions", (MODEL,), ("low",), limits=Limits(max_cost=1.0)),
        RunRequest("Questions", (MODEL,), ("low",), limits=Limits(max_in_flight=0)),
        RunRequest("Questions", (MODEL,), ("low",), mode="generate", answered_by="provider"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_next_step(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, asked: RunRequest
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    make_dataset(dashboard.store, 3)
    with pytest.raises(InvalidInputError) as refused:
        runs.start(dashboard, asked)
    assert refused.value.hint
    assert dashboard.store.read("SELECT count(*) FROM run") == [(0,)]


def test_a_late_word_of_a_pause_does_not_undo_what_was_asked_for_since(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 1)
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)), begin=False)

    def status_after(status: str, *only_after: str) -> str:
        add_events(dashboard.store, [run_id], status, operational={}, only_after=only_after or None)
        return records(dashboard.store, [run_id])[0].status

    assert status_after("paused") == "paused"
    assert status_after("paused", "paused") == "paused"
    assert status_after("queued") == "queued"
    assert status_after("paused", "paused") == "queued"
