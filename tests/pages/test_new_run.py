"""The drawer of a new run, as a person meets it."""

from __future__ import annotations

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, FakeEndpoint, Held
from tests.pages.conftest import OpenApp, texts
from tests.pages.runs_page import ended, questions, save_dataset
from tests.services.running import MODEL, wait_for
from tlm_dash.services import datasets, prices, runs
from tlm_dash.services.prices import Price
from tlm_dash.services.run_request import RunRequest


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


def test_a_pilot_has_a_bar_is_not_offered_meanwhile_and_gives_way_to_what_is_measured(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    app.radio(key="new-mode").set_value("generate").run()
    held = [Held() for _ in range(100)]
    fake_endpoint.script("chat/completions", [*[Answer()] * 3, *held])
    app.button(key="pilot-run").click().run()
    assert app.button(key="pilot-sent").disabled
    (pilot,) = runs.list_runs(dashboard, with_pilots=True)
    run_id = pilot.record.run_id
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done == 3)
    shown = texts(app.run())
    assert app.button(key="pilot-run").disabled
    bars = [found.proto for found in app.get("progress")]
    assert [(bar.value, bar.text) for bar in bars] == [(15, "The pilot is under way: 3 of 20 rows.")]
    assert "Judged by a pilot of 3 random rows so far" in shown
    for each in held[:30]:
        each.released.set()
    wait_for(dashboard, [run_id])
    shown = texts(app.run())
    assert not app.button(key="pilot-run").disabled and not app.get("progress")
    assert "All together: time " in shown

    # Started with the same choices, and then looked at again: the pilot's time is not what counts any more.
    runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("medium",), mode="generate"))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done > 22, what="some rows of the run")
    shown = texts(app.run())
    assert not app.exception
    assert "left, by what their last rows took." in shown and "The pilot had said: time " in shown
    assert "All together" not in shown
    for each in held:
        each.released.set()
    wait_for(dashboard, [run_id])
    assert "These runs have been started since" in texts(app.run())


def test_more_at_once_than_is_allowed_is_told_where_it_is_asked_for(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url, TLM_DASH_MAX_IN_FLIGHT="2")
    dataset_id = save_dataset(dashboard, questions(3), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    app.number_input(key="new-requests-in-flight").set_value(64).run()
    said = "TLM_DASH_MAX_IN_FLIGHT allows 2 at once: so many are under way at most, not 64."
    assert said in texts(app)
    app.radio(key="new-mode").set_value("generate").run()
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    (run,) = runs.list_runs(dashboard)
    assert said in texts(open_app(dashboard, "runs", run=run.record.run_id))


def test_a_refused_pilot_says_why_instead_of_a_forecast(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
    app = open_app(dashboard, "runs", new="yes", dataset=dataset_id)
    app.radio(key="new-mode").set_value("generate").run()
    fake_endpoint.behave("unauthorized")
    app.button(key="pilot-run").click().run()
    wait_for(dashboard, [view.record.run_id for view in runs.list_runs(dashboard, with_pilots=True)])
    shown = texts(app.run())
    assert "Invalid API key" in shown and "Pilot again when that is mended." in shown
    assert "Judged by a pilot" not in shown and not app.exception
    fake_endpoint.behave("healthy")
    app.button(key="pilot-run").click().run()
    wait_for(dashboard, [view.record.run_id for view in runs.list_runs(dashboard, with_pilots=True)])
    shown = texts(app.run())
    assert "Judged by a pilot of 20 random rows" in shown and "Invalid API key" not in shown


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


def test_responses_of_the_file_are_scored_and_repeats_once_if_ticked(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, "prompt,response\nOne?,1\nTwo?,2\nOne?,1\n", "Answered")
    app = open_app(dashboard, "runs")
    assert "came with the file" in texts(app)
    app.button(key="new-run").click().run()
    assert not [box for box in app.checkbox if box.key == "new-repeats-once"]
    app.radio(key="new-mode").set_value("score").run()
    assert "1 run · at most 3 requests for scores" in texts(app)
    assert not app.checkbox(key="new-repeats-once").value
    app.checkbox(key="new-repeats-once").check().run()
    app.button(key="start-run").click().run()
    ended(app, dashboard)
    assert len(fake_endpoint.requests_to("chat/score")) == 2
    assert "3 rows: 3 done" in texts(app)
    assert not fake_endpoint.requests_to("chat/completions")
