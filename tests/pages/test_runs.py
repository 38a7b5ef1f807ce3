"""The Runs page, as a person meets it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tests.services.running import MODEL, wait_for
from tlm_dash.services import dataset_inspection, dataset_upload, datasets, prices, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.prices import Price
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.services.run_view import under_way


def save_dataset(dashboard: Dashboard, text: str, name: str) -> str:
    """Upload a CSV file; gives the dataset's id."""
    folder = dashboard.settings.data_dir / "files"
    folder.mkdir(exist_ok=True)
    path = folder / "questions.csv"
    path.write_text(text, encoding="utf-8")
    found = dataset_inspection.inspect(dashboard, [path])
    return dataset_upload.save(dashboard, found, name=name).dataset_id


def questions(n: int) -> str:
    return "prompt\n" + "".join(f"What is {number} plus one?\n" for number in range(n))


def links(app: AppTest) -> dict[str, Any]:
    """Give the page's links by their label."""
    return {link.proto.label: link.proto for link in app.get("page_link")}


def ended(app: AppTest, dashboard: Dashboard) -> AppTest:
    """Wait for all runs, then draw the page as the next look would."""
    wait_for(dashboard, [view.record.run_id for view in runs.list_runs(dashboard)])
    app.run()
    assert not app.exception
    return app


def test_without_a_dataset_the_sample_is_offered_and_opens_the_drawer(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, "runs")
    assert app.title[0].value == "Runs"
    assert "A run needs a dataset" in texts(app)
    app.button(key="use-sample").click().run()
    assert not app.exception
    (sample,) = datasets.listed(dashboard)
    assert app.query_params["dataset"] == sample.dataset_id
    assert app.selectbox(key="new-dataset").value == sample.dataset_id
    assert app.button(key="start-run")


def test_start_runs_what_is_ticked_and_says_when_it_finished(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, questions(12), "Sums")
    app = open_app(dashboard, "runs")
    assert "No dataset has been run yet." in texts(app)
    app.button(key="new-run").click().run()
    box = next(box for box in app.checkbox if box.label == "base")
    box.check().run()
    assert "2 runs over 12 rows · 36 requests: 12 for answers, 24 for scores" in texts(app)
    app.button(key="start-run").click().run()
    assert "new" not in app.query_params
    ended(app, dashboard)
    shown = texts(app)
    for preset in ("base", "medium"):
        assert f"Sums · {MODEL} · {preset}" in shown
    assert "12 rows: 12 done" in shown
    assert "finished just now · ran for" in shown
    assert "2 runs" in shown
    assert len(fake_endpoint.requests_to("chat/score")) == 24


def test_first_rows_a_cap_and_the_settings_reach_the_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(12), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    app.radio(key="new-mode").set_value("generate").run()
    assert "cannot be compared on the same responses" in str(app.radio(key="new-mode").proto.captions)
    app.button_group(key="new-rows").set_value("first").run()
    app.number_input(key="new-n-rows").set_value(5).run()
    app.number_input(key="new-temperature").set_value(0.5)
    app.number_input(key="new-at-most-requests").set_value(3)
    app.text_area(key="new-system").set_value("Be brief.").run()
    assert "1 run over 5 rows · 5 requests" in texts(app)
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    (view,) = runs.list_runs(dashboard)
    assert (view.record.n_items, view.limits.max_requests) == (5, 3)
    assert view.record.settings["params"] == {"temperature": 0.5}
    assert view.record.settings["system_prompt"] == "Be brief."
    assert view.counts.n_sent == 3
    assert "3 done · 2 waiting" in texts(app)
    assert app.button(key=f"resume-{view.record.run_id}")


def test_a_pilot_tells_what_all_rows_will_take_and_start_keeps_it(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    app.radio(key="new-mode").set_value("generate").run()
    app.button(key="pilot-run").click().run()
    pilots = [view.record.run_id for view in runs.list_runs(dashboard, with_pilots=True)]
    assert app.query_params["pilot"] in (pilots, pilots[0])
    wait_for(dashboard, pilots)
    app.run()
    assert not app.exception
    shown = texts(app)
    assert "Judged by a pilot of 20 random rows, with 95% intervals" in shown
    assert "60 requests" in shown and "tokens out" in shown
    app.number_input(key="new-temperature").set_value(0.5).run()
    assert "The choices have changed since the pilot" in texts(app)
    app.number_input(key="new-temperature").set_value(None).run()
    assert "Judged by a pilot of 20 random rows" in texts(app)
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    assert "60 rows: 60 done" in texts(app)
    assert len(fake_endpoint.requests_to("chat/completions")) == 60


def test_a_template_is_shown_filled_in_and_reaches_the_endpoint(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    rows = "prompt,context\nWhy?,It **rained**\nWhen?,\n"
    dataset_id = save_dataset(dashboard, rows, "Questions")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    assert "Can stand in it: {prompt}, {context}" in texts(app)
    app.text_area(key="new-template").set_value("{context}: {nobody}").run()
    assert "The dataset has no column “nobody”. There are: prompt, context." in texts(app)
    app.text_area(key="new-template").set_value("{context}: {prompt}").run()
    assert "It **rained**: Why?" in texts(app)
    assert "1 row has no “context”: nothing stands in its place there." in texts(app)
    app.checkbox(key="new-explain").check().run()
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    asked = {r.body["messages"][-1]["content"] for r in fake_endpoint.requests_to("chat/completions")}
    assert asked == {"It **rained**: Why?", ": When?"}
    (scored, _) = fake_endpoint.requests_to("chat/score")
    assert scored.body["options"]["log"] == ["explanation"]
    (view,) = runs.list_runs(dashboard)
    assert "{context}: {prompt}" in texts(open_app(dashboard, "runs", run=view.record.run_id))


def test_what_was_chosen_in_a_closed_drawer_is_there_when_it_is_opened_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, questions(300), "Older")
    save_dataset(dashboard, "prompt\nWhy?\n", "Newer")
    older = next(d.dataset_id for d in datasets.listed(dashboard) if d.name == "Older")
    app = open_app(dashboard, "runs", new="yes")
    app.selectbox(key="new-dataset").set_value(older).run()
    app.multiselect[0].set_value(["gpt-4.1-nano", "own-model"]).run()
    boxes = [box for box in app.checkbox if box.label in ("base", "medium")]
    boxes[0].check()
    boxes[-1].uncheck().run()
    app.button_group(key="new-rows").set_value("random").run()
    app.number_input(key="new-n-rows").set_value(150).run()
    app.text_area(key="new-system").set_value("Be\nbrief.").run()
    app.number_input(key="new-temperature").set_value(0.0).run()
    summary = next(text.value for text in app.text if text.value.startswith("2 runs over 150 rows"))
    address = {name: value for name, value in app.query_params.items() if name != "new"}
    again = open_app(dashboard, "runs", **address)
    assert not [box for box in again.checkbox if box.label == "base"]
    again.button(key="new-run").click().run()
    assert summary in texts(again)
    assert again.multiselect[0].value == ["gpt-4.1-nano", "own-model"]
    assert again.text_area(key="new-system").value == "Be\nbrief."
    again.button(key="start-run").click().run()
    assert set(again.query_params) == set()
    ended(again, dashboard)
    views = runs.list_runs(dashboard)
    assert [(v.record.model, v.record.quality_preset, v.record.n_items) for v in views] == [
        ("gpt-4.1-nano", "base", 150), ("gpt-4.1-nano", "medium", 150)
    ]  # fmt: skip
    assert {v.record.settings["params"]["temperature"] for v in views} == {0.0}


def test_prices_give_the_forecast_a_cost_and_the_run_a_cap(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id, mode="generate", cell=f"low~{MODEL}")
    app.button(key="pilot-run").click().run()
    wait_for(dashboard, [view.record.run_id for view in runs.list_runs(dashboard, with_pilots=True)])
    shown = texts(app.run())
    assert "There is no price for this, so no cost is given" in shown and "cost 60" not in shown
    assert not [number for number in app.number_input if number.key == "new-at-most-cost"]
    free = Price("model", MODEL, 0.0, 0.0)
    prices.change_prices(dashboard, [free, Price("preset", "low", per_request=1.0)])
    # The pilot stays: only what it would cost has changed.
    assert "cost 60.00" in texts(app.run())
    app.number_input(key="new-at-most-cost").set_value(30.0).run()
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    (view,) = runs.list_runs(dashboard)
    assert (view.limits.max_cost, view.status) == (30.0, "paused")
    assert view.cost is not None and 20 <= view.cost <= 30
    assert f"cost about {view.cost:.2f} of at most 30.00 for its grid" in texts(app)


def test_nothing_ticked_is_refused_beside_the_button_and_nothing_is_lost(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, questions(3), "Sums")
    app = open_app(dashboard, "runs", new="yes")
    app.text_area(key="new-system").set_value("Be brief.").run()
    next(box for box in app.checkbox if box.value).uncheck().run()
    app.button(key="start-run").click().run()
    assert "Tick a preset of at least one row." in texts(app)
    assert app.text_area(key="new-system").value == "Be brief."
    assert not runs.list_runs(dashboard)


def test_responses_of_the_file_are_scored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, "prompt,response\nOne?,1\nTwo?,2\n", "Answered")
    app = open_app(dashboard, "runs")
    assert "came with the file" in texts(app)
    app.button(key="new-run").click().run()
    app.radio(key="new-mode").set_value("score").run()
    assert "1 run · at most 2 requests for scores" in texts(app)
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    assert len(fake_endpoint.requests_to("chat/score")) == 2
    assert not fake_endpoint.requests_to("chat/completions")


def test_pause_resume_cancel_and_delete(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    fake_endpoint.behave(Behaviour(Answer(delay_s=0.3)))
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(30), "Sums")
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
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
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
    assert "1 run goes on where tlm_dash was interrupted" in shown
    assert "7 requests" in shown and "paid twice: 1 request." in shown
