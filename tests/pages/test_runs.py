"""The list of runs, as a person meets it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tests.pages.runs_page import ended, links, questions, save_dataset
from tests.services.running import MODEL, wait_for
from tlm_dash.services import runs
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.services.run_view import under_way


def test_pause_resume_cancel_and_delete(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    fake_endpoint.behave(Behaviour(Answer(delay_s=0.3)))
    dashboard = make_dashboard(fake_endpoint.base_url)
    # A minute's work, of which little is done: the run is still under way however late the page is.
    dataset_id = save_dataset(dashboard, questions(400), "Sums")
    asked = RunRequest(dataset_id, (MODEL,), mode="generate", limits=Limits(max_in_flight=2))
    (run_id,) = runs.start(dashboard, asked)
    wait_until(lambda: runs.show(dashboard, run_id).live is not None, what="the run being under way")
    app = open_app(dashboard, "runs")
    assert "waiting" in texts(app)
    app.button(key=f"pause-{run_id}").click().run()
    wait_for(dashboard, [run_id])
    assert "paused just now" in texts(app.run())
    app.button(key=f"resume-{run_id}").click().run()
    assert runs.show(dashboard, run_id).status in ("queued", "running")
    app.button(key=f"cancel-{run_id}").click().run()
    wait_for(dashboard, [run_id])
    assert "cancelled just now" in texts(app.run())
    app.button(key=f"delete-{run_id}").click().run()
    assert "No dataset has been run yet." in texts(app)
    assert not app.exception


def test_the_pill_counts_the_runs_under_way_and_leads_to_them(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    def pill(app: AppTest) -> tuple[str, str]:
        link = app.get("page_link")[0].proto
        return link.label, link.page

    fake_endpoint.behave(Behaviour(Answer(delay_s=0.2), score=Answer(delay_s=0.2)))
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(400), "Sums")
    assert pill(open_app(dashboard, "settings")) == ("TLM endpoint: ready", "settings")
    asked = RunRequest(dataset_id, (MODEL,), ("base", "low"), limits=Limits(max_in_flight=2))
    run_ids = runs.start(dashboard, asked)

    def has_a_pace() -> bool:
        return under_way(dashboard).time_left_s is not None

    wait_until(has_a_pace, what="the pace of the runs")
    label, page = pill(open_app(dashboard, "settings"))
    assert re.fullmatch(r"TLM endpoint: ready · 2 runs, \d+ (s|min) left", label) and page == "runs"
    runs.cancel(dashboard, run_ids)
    wait_for(dashboard, run_ids)
    assert pill(open_app(dashboard, "settings")) == ("TLM endpoint: ready", "settings")


def test_failures_are_words_with_counts_and_only_they_are_tried_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(4), "Sums")
    fake_endpoint.behave(Behaviour(ApiError(400, "No such option")))
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), mode="generate"))
    app = ended(open_app(dashboard, "runs"), dashboard)
    failed = links(app)["4 refused by the endpoint"]
    assert failed.page == "review"
    assert failed.query_string == f"run={run_id}&status=error&error_kind=request_refused"
    fake_endpoint.behave("healthy")
    app.button(key=f"retry-{run_id}").click().run()
    ended(app, dashboard)
    assert "4 rows: 4 done" in texts(app)
    assert not [label for label in links(app) if "refused" in label]
    assert links(app)["Decide"].query_string == f"run={run_id}"
    assert links(app)["Compare with…"].query_string == f"baseline={run_id}"
    assert links(app)["Review"].query_string == f"run={run_id}"


def test_a_refused_run_says_so_in_the_endpoints_words_and_goes_on_when_it_is_mended(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url, TLM_DASH_API_KEY="team-secret")
    dataset_id = save_dataset(dashboard, questions(30), "Sums")
    refusal = ApiError(429, "Quota of team-secret: check <b>billing</b>", code="insufficient_quota")
    fake_endpoint.behave(Behaviour(refusal))
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), mode="generate"))
    app = ended(open_app(dashboard, "runs", run=run_id), dashboard)
    shown = texts(app)
    assert "The endpoint refuses this run" in shown and "30 rows: 30 waiting" in shown
    assert "“Quota of [hidden]: check <b>billing</b>”" in "\n".join(str(part.value) for part in app.text)
    assert "add credit, raise the account's quota, or use another key." in shown
    n = runs.show(dashboard, run_id).counts.n_sent
    times = "once" if n == 1 else f"{n} times"
    assert f"Refused {times}; the rows wait. Resume when that is mended." in shown
    assert shown.count("check <b>") == 1 and "paused just now" in shown
    assert not [label for label in links(app) if "used up" in label], "no row failed"
    app.button(key=f"resume-{run_id}").click().run()
    assert "The endpoint refuses this run" in texts(ended(app, dashboard)), "it is refused again"
    fake_endpoint.behave("healthy")
    app.button(key=f"resume-{run_id}").click().run()
    shown = texts(ended(app, dashboard))
    assert "30 rows: 30 done" in shown and "refuses" not in shown


def test_the_words_of_failed_rows_are_counted_in_the_details(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(6), "Sums")
    fake_endpoint.script("chat/completions", [ApiError(400, f"Row {n} is empty") for n in range(3)])
    (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), mode="generate"))
    shown = texts(ended(open_app(dashboard, "runs", run=run_id), dashboard))
    assert "The endpoint said, 3 ×" in shown and "is empty" in shown


def test_the_address_opens_a_run_filters_by_dataset_and_survives_nonsense(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first = save_dataset(dashboard, questions(2), "First")
    second = save_dataset(dashboard, "prompt\nWhy?\n", "Second")
    run_ids = [
        *runs.start(dashboard, RunRequest(first, (MODEL,))),
        *runs.start(dashboard, RunRequest(second, (MODEL,))),
    ]
    wait_for(dashboard, run_ids)
    app = open_app(dashboard, "runs", dataset=second, run=run_ids[1])
    shown = texts(app)
    assert f"Second · {MODEL}" in shown and f"First · {MODEL}" not in shown
    assert "Model that answered" in shown and "1 sent · 1 answered" in shown
    app.selectbox(key="runs-dataset").set_value(first).run()
    assert f"First · {MODEL}" in texts(app) and f"Second · {MODEL}" not in texts(app)
    stale = open_app(dashboard, "runs", dataset="gone", run="gone", page="99", pilot="x")
    assert "has not been run yet" in texts(stale)
    assert "not in this list" in texts(stale)
    assert not stale.exception


def test_untrusted_text_reaches_only_plain_text_elements(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    evil = evil_text("http://127.0.0.1:9/beacon")[:120]
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(1), evil)
    run_ids = runs.start(dashboard, RunRequest(dataset_id, (evil,), ("base",), system_prompt=evil))
    wait_for(dashboard, run_ids)
    app = open_app(dashboard, "runs", run=run_ids[0], new="yes")
    assert not app.exception
    assert "beacon" in "\n".join(str(element.value) for element in app.text)
    labelled = [*app.button, *app.checkbox, *app.radio, *app.selectbox, *app.multiselect, *app.number_input]
    spoken = [str(getattr(element.proto, name, "")) for element in labelled for name in ("label", "help")]
    spoken += [str(element.value) for kind in (app.caption, app.markdown, app.title) for element in kind]
    spoken += [str(element.proto) for element in app.get("html")]
    assert not [text for text in spoken if "beacon" in text]


def test_interrupted_requests_are_said_on_top(
    make_dashboard: MakeDashboard,
    fake_endpoint: FakeEndpoint,
    open_app: OpenApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(2), "Sums")
    runs.start(dashboard, RunRequest(dataset_id, (MODEL,)), begin=False)
    (view,) = runs.list_runs(dashboard)
    crashed = replace(view, counts=replace(view.counts, n_unknown=7, n_maybe_paid_twice=1))
    monkeypatch.setattr(runs, "list_runs", lambda *_args, **_kwargs: [crashed])
    shown = texts(open_app(dashboard, "runs"))
    assert "1 run goes on where it was interrupted" in shown
    assert "7 requests" in shown and "paid twice: 1 request." in shown
