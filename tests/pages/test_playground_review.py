"""From a card of the playground to its row in Review, and what the other pages do with such a run."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint, fake_answer
from tests.pages.conftest import OpenApp, texts
from tlm_dash.services import playground, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import view

MODEL = "gpt-4.1-mini"
PROMPT = "What is 2 + 2?"


@pytest.fixture
def running(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def ask(running: Dashboard, prompt: str = PROMPT) -> tuple[str, list[str]]:
    """Ask at two presets; gives the entry and its runs."""
    entry_id = playground.submit(running, PlaygroundRequest(prompt, (MODEL,), ("low", "medium")))
    wait_until(lambda: not view(running, entry_id).is_live, what="the answers")
    return entry_id, [cell.cell.run_id for cell in view(running, entry_id).cells]


def links(app: AppTest) -> dict[str, str]:
    """Give the links of a page by their words, each with its query."""
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


def opened(
    open_app: OpenApp, running: Dashboard, page: str, as_person: str | None = None, **query: str | list[str]
) -> AppTest:
    app = open_app(running, page, as_person)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_a_card_leads_to_its_row_in_review_and_back(open_app: OpenApp, running: Dashboard) -> None:
    ask(running, "Asked before")
    entry_id, (low, _) = ask(running)
    assert links(open_app(running, entry=entry_id))["Open in Review"].startswith("run=")
    app = opened(open_app, running, "review", run=low, row="2")
    shown = texts(app)
    assert f"Row 2 of Playground · {MODEL} · low" in shown
    assert fake_answer([{"role": "user", "content": PROMPT}], MODEL) in shown
    assert "Every answer of the playground with this model and preset" in shown
    assert "All 2 rows" in shown
    menu = next(box for box in app.multiselect if box.label == "Runs")
    assert menu.options == [f"low · {MODEL} · Playground"] == [menu.format_func(v) for v in menu.value]
    assert (
        links(app)["Back to the playground"]
        == links(app)["Its card in the playground"]
        == f"entry={entry_id}"
    )
    assert "Other responses to this prompt (1)" in [box.label for box in app.expander]


def test_a_verdict_is_given_there_and_found_again(open_app: OpenApp, running: Dashboard) -> None:
    _, (low, medium) = ask(running)
    app = opened(open_app, running, "review", run=low, row="1", as_person="Ada")
    app.button(key="label-correct").click().run()
    assert not app.exception
    app = opened(open_app, running, "review", run=medium, label="correct")
    assert "All 1 row" in texts(app) or "1 of 1 rows" in texts(app)


@pytest.mark.parametrize("of_view", ["queue", "labels"])
def test_the_queue_and_the_sources_of_labels_take_it(
    open_app: OpenApp, running: Dashboard, of_view: str
) -> None:
    _, both = ask(running)
    app = opened(open_app, running, "review", run=both, view=of_view, as_person="Ada")
    if of_view == "labels":
        assert f"Playground · {MODEL} · low" in texts(app)
        return
    app.button(key="make-plan").click().run()
    assert not app.exception
    assert "plan" in app.query_params
    assert PROMPT in texts(app)


def test_decide_and_compare_take_it_by_its_address(open_app: OpenApp, running: Dashboard) -> None:
    _, (low, medium) = ask(running)
    app = opened(open_app, running, "decide")
    assert "No run has an answered row yet." in texts(app)
    app = opened(open_app, running, "decide", run=low)
    assert "not here" not in texts(app)
    assert f"low · {MODEL} · Playground" in app.selectbox(key="decide-run").options
    app = opened(open_app, running, "compare", baseline=medium, candidate=low)
    assert "low instead of medium" in texts(app)
    # Nothing can be run over the playground: no link says so.
    assert "add them to a dataset and run that" in texts(app)
    assert "Re-score with one scorer" not in links(app)
    app = opened(open_app, running, "compare")
    assert "A comparison needs two." in texts(app)


def test_answers_without_a_score_lead_back_to_their_cards(
    open_app: OpenApp, running: Dashboard, fake_endpoint: FakeEndpoint
) -> None:
    fake_endpoint.behave(Behaviour(Answer(score="none")))
    entry_id, (low, _) = ask(running)
    app = opened(open_app, running, "decide", run=low)
    assert "Score its answers again on their cards." in texts(app)
    assert links(app)["Back to the playground"] == f"entry={entry_id}"
    assert "decide-to-score" not in [button.key for button in app.button]


def test_an_answer_is_added_to_a_new_dataset_and_then_to_that(open_app: OpenApp, running: Dashboard) -> None:
    entry_id, (low, medium) = ask(running)
    app = open_app(running, entry=entry_id)
    app.button(key=f"add-{entry_id}-{low}").click().run()
    assert "The dataset has no name yet." in texts(app)
    app.text_input(key=f"new-{entry_id}-{low}").set_value("Sums *to* check")
    app.button(key=f"add-{entry_id}-{low}").click().run()
    assert "Added to “Sums *to* check”." in texts(app)
    assert not app.exception
    # The newest one stands in the menu of every card by then.
    menu = app.selectbox(key=f"dataset-{entry_id}-{medium}")
    assert menu.options == ["Sums *to* check", "New dataset"]
    app.button(key=f"add-{entry_id}-{medium}").click().run()
    app.button(key=f"add-{entry_id}-{low}").click().run()
    assert "This answer is in “Sums *to* check” already, as item 1." in texts(app)
    menu = app.selectbox(key=f"dataset-{entry_id}-{medium}").select_index(1).run()
    app.text_input(key=f"new-{entry_id}-{medium}").set_value("Another one")
    app.button(key=f"add-{entry_id}-{medium}").click().run()
    assert texts(app).count("Added to “Another one”.") == 1
    (dataset_id,) = {r.record.dataset_id for r in runs.list_runs(running) if "Sums" in r.record.dataset_name}
    app = opened(open_app, running, "datasets", dataset=dataset_id)
    shown = texts(app)
    assert "Answers of the playground, added one by one" in shown
    assert "Rows in" not in shown
    app = opened(open_app, running, "datasets")
    assert "from the playground" in texts(app)
    app = opened(open_app, running, "runs")
    assert not app.exception
    assert "the last answer was added" in texts(app)
