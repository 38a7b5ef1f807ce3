"""The Review page's rows, as a person meets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tests.services.stored import make_scored_run
from tlm_dash.services import labels, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.text import SHOWN_AT_ONCE

OpenReview = Callable[..., AppTest]

SCORES = [0.5, 0.5, None, 0.15, 0.9, 0.9999, 0.97, 0.05, 0.7, 0.35]


@pytest.fixture
def running(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


@pytest.fixture
def open_review(open_app: OpenApp, running: Dashboard) -> OpenReview:
    def open_with(as_person: str | None = None, **query: str | list[str]) -> AppTest:
        # Asked for before the page is: switching pages drops the address.
        app = open_app(running, "review", as_person)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_with


def address(app: AppTest) -> ReviewParams:
    class Query(dict[str, list[str]]):
        def get_all(self, key: str) -> list[str]:
            value = self.get(key, [])
            return [value] if isinstance(value, str) else value

        def from_dict(self, params: object) -> None:
            raise NotImplementedError

    return ReviewParams.from_query(Query(app.query_params))


def column(app: AppTest, name: str) -> list[object]:
    return list(app.dataframe[0].value[name])


def test_without_a_run_the_page_leads_to_one(open_review: OpenReview) -> None:
    app = open_review()
    assert "There is no run yet." in texts(app)
    app.button(key="to-runs").click().run()
    assert "Runs" in [title.value for title in app.title]


def test_the_newest_run_is_shown_with_its_words_and_rows(open_review: OpenReview, running: Dashboard) -> None:
    make_scored_run(running.store, [0.1], name="older")
    run_id = make_scored_run(running.store, SCORES, name="newer")
    app = open_review()
    shown = texts(app)
    assert "10 rows, 1 unscored, 2 tie at 0.5: the scorer could not read its own rating there." in shown
    assert "Median 0.500; half of them between" in shown and "(n = 9 scored)" in shown
    assert "All 10 rows" in shown
    assert address(app).runs == (run_id,)
    assert column(app, "row") == [8, 4, 10, 1, 2, 9, 5, 7, 6, 3], "lowest first, unscored last"
    assert column(app, "number")[:2] == ["0.050", "0.150"] and column(app, "number")[-1] == "—"
    assert column(app, "flags") == ["", "", "", "tie at 0.5", "tie at 0.5", "", "", "", "", "unscored"]


def test_filters_of_the_address_are_applied_and_cleared(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id, score_from="0.3", score_below="0.95", sort="item")
    assert "5 of 10 rows" in texts(app)
    assert column(app, "row") == [1, 2, 5, 9, 10]
    assert "Scores from 0.3 to 0.95: show all scores" in [button.label for button in app.button]
    app.button(key="all-scores").click().run()
    assert "All 10 rows" in texts(app) and not address(app).filter.has_interval
    app = open_review(run=run_id, text="says run", status="done", label="none", unscored="only")
    assert column(app, "row") == [3]
    app.button(key="clear-filters").click().run()
    assert "All 10 rows" in texts(app)


def test_the_ties_can_be_shown(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id)
    app.button(key=f"ties-{run_id}").click().run()
    assert column(app, "row") == [1, 2]
    assert "Scores of exactly 0.5: show all scores" in [button.label for button in app.button]


def test_the_sidebar_filters_and_sorts(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id)
    app.number_input(key="filter-score_below-None").set_value(0.4).run()
    assert column(app, "row") == [8, 4, 10]
    app.selectbox(key="review-sort-score").set_value("item").run()
    assert column(app, "row") == [4, 8, 10] and address(app).sort == "item"
    app.text_input(key="filter-text-").set_value("IT IS 8, ")
    app.button(key="find-text").click().run()
    assert column(app, "row") == [4] and address(app).filter.text == "IT IS 8,"
    # Nothing but what occurs can be chosen.
    label = next(box for box in app.multiselect if box.label == "Label")
    label.set_value(["correct"]).run()
    assert "No row matches these filters." in texts(app)
    app.button(key="clear-nothing").click().run()
    assert "All 10 rows" in texts(app)


def test_an_expression_that_cannot_be_read_is_one_sentence(
    open_review: OpenReview, running: Dashboard
) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id, text="(ab", regex="yes")
    assert "The regular expression cannot be used: missing )" in texts(app)
    app.button(key="clear-broken").click().run()
    assert "All 10 rows" in texts(app)


def test_several_runs_have_a_panel_each_and_the_reason(open_review: OpenReview, running: Dashboard) -> None:
    first = make_scored_run(running.store, SCORES, name="first")
    second = make_scored_run(running.store, [0.2, 0.4], name="second")
    app = open_review(run=[first, second], score_from="0.3")
    shown = texts(app)
    assert "Each run has an axis of its own" in shown
    assert "10 rows, 1 unscored" in shown and "2 rows, all scored." in shown
    app.selectbox(key=f"rows-of-{first}").set_value(second).run()
    assert address(app).of == second and not address(app).filter.has_interval, "an interval is one run's"
    assert column(app, "row") == [1, 2]


def test_runs_of_one_name_are_told_apart(open_review: OpenReview, running: Dashboard) -> None:
    first = make_scored_run(running.store, SCORES, name="twice")
    second = make_scored_run(running.store, [0.2, 0.4], name="twice")
    app = open_review(run=first)
    chosen = next(box for box in app.multiselect if box.label == "Runs")
    assert len(set(chosen.options)) == 2 and all(name.startswith("twice (20") for name in chosen.options)
    chosen.set_value([second]).run()
    assert address(app).runs == (second,) and "All 2 rows" in texts(app)


def test_runs_that_are_gone_are_said(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES, name="kept")
    doomed = make_scored_run(running.store, [0.2], name="deleted in another tab")
    app = open_review(run=[run_id, doomed])
    runs.delete(running, [doomed])
    app.run()
    assert "A run that the address names is not there." in texts(app)
    app.button(key="drop-missing").click().run()
    assert address(app).runs == (run_id,) and "All 10 rows" in texts(app)
    app = open_review(run="never was")
    assert "The run is not there." in texts(app)
    app.button(key="drop-missing").click().run()
    assert "All 10 rows" in texts(app)


def test_a_row_opens_is_labelled_and_taken_back(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES, references=True)
    app = open_review(run=run_id, row="8", as_person="Kim")
    shown = texts(app)
    assert "What is 8 + 8?" in shown and "It is 16, says run" in shown and "Label: no label" in shown
    app.text_input(key="note-8-0").set_value("sums up")
    app.button(key="label-correct").click().run()
    shown = texts(app)
    assert "Label: correct (by people)" in shown and "Kim: correct, “sums up”, just now" in shown
    assert column(app, "label")[0] == "correct"
    (row,) = running.store.read_rows("SELECT * FROM annotation")
    assert row["score_visible"] is True and row["run_id"] == run_id and row["plan_id"] is None
    app.button(key="label-undo").click().run()
    assert "Label: no label" in texts(app) and "Kim: took it back" in texts(app)
    app.button(key="row-next").click().run()
    assert address(app).row == 4 and "What is 4 + 4?" in texts(app)
    app.button(key="row-previous").click().run()
    assert address(app).row == 8
    assert app.button(key="row-previous").disabled


def test_a_name_is_asked_for_once_and_is_in_no_address(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id, row="1")
    assert not [button for button in app.button if button.key == "label-correct"]
    app.text_input(key="who-name-row").set_value("  Kim   Lee ")
    next(button for button in app.button if button.label == "Go on").click().run()
    assert "as Kim Lee" in texts(app) and "Kim" not in str(app.query_params)
    app.button(key="label-unsure").click().run()
    assert [one.annotator for one in labels.annotations_of(running, _hash(running, run_id, 1))] == ["Kim Lee"]


def test_other_responses_to_the_prompt_and_a_row_that_is_not_there(
    open_review: OpenReview, running: Dashboard
) -> None:
    run_id = make_scored_run(running.store, [0.3], name="first", responses=["The sum is 2."])
    dataset_id = running.store.read("SELECT dataset_id FROM run")[0][0]
    make_scored_run(
        running.store, [0.6], name="second", dataset_id=dataset_id, responses=["The sum is <b>3</b>."]
    )
    app = open_review(run=run_id, row="1")
    assert "second, row 1" in texts(app) and "scored 0.600" in texts(app)
    drawn = "".join(str(element.proto) for element in app.get("html"))
    assert "&lt;b&gt;" in drawn and "<del" in drawn
    assert "The run has no row 77." in texts(open_review(run=run_id, row="77"))


def test_a_giant_response_does_not_travel(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, [0.3, 0.4], responses=["x" * 1_000_000, ""])
    app = open_review(run=run_id)
    assert sum(len(str(cell)) for cell in column(app, "response")) < 500
    assert column(app, "flags") == ["", "empty"]
    app = open_review(run=run_id, row="1")
    # Until the rest is asked for.
    assert max(len(text.value) for text in app.text) == SHOWN_AT_ONCE
    (rest,) = [it for it in app.toggle if it.label == "Show the other 800,000 of 1,000,000 characters too"]
    rest.set_value(True).run()
    assert max(len(text.value) for text in app.text) == 1_000_000


def test_untrusted_text_reaches_only_plain_text_elements(open_review: OpenReview, running: Dashboard) -> None:
    evil = evil_text("http://127.0.0.1:9/beacon")
    run_id = make_scored_run(running.store, [0.3, 0.6], name=evil[:150], responses=[evil, "fine"])
    dataset_id = running.store.read("SELECT dataset_id FROM run")[0][0]
    make_scored_run(running.store, [0.6], name=evil[:150], dataset_id=dataset_id, responses=[f"not {evil}"])
    labels.annotate(
        running, dataset_id=dataset_id, item_no=1, response_hash=_hash(running, run_id, 1), verdict="unsure",
        annotator=evil[:70].replace("\n", " "), note=evil, score_visible=True,
    )  # fmt: skip
    app = open_review(run=run_id, row="1", as_person=evil[:70], text=evil[:90], tag=f"{evil[:40]}=x")
    app = open_review(run=run_id, row="1", as_person=evil[:70])
    app.toggle(key="row-raw").set_value(True).run()
    assert not app.exception
    assert "beacon" in texts(app)
    labelled = [
        *app.button,
        *app.checkbox,
        *app.selectbox,
        *app.multiselect,
        *app.number_input,
        *app.text_input,
    ]
    spoken = [str(getattr(element.proto, name, "")) for element in labelled for name in ("label", "help")]
    spoken += [str(element.value) for kind in (app.caption, app.markdown, app.title) for element in kind]
    assert not [text for text in spoken if "beacon" in text]
    drawn = "".join(str(element.proto.body) for element in app.get("html"))
    assert "beacon" in drawn and "<img" not in drawn and "<script" not in drawn and "\u202e" not in drawn


def _hash(running: Dashboard, run_id: str, item_no: int) -> str:
    found = running.store.read(
        "SELECT response_hash FROM run_item WHERE run_id = ? AND item_no = ?", [run_id, item_no]
    )
    return str(found[0][0])


def test_words_and_bars_speak_of_the_same_rows(open_review: OpenReview, running: Dashboard) -> None:
    run_id = make_scored_run(running.store, SCORES)
    app = open_review(run=run_id, text="It is 6,")
    shown = texts(app)
    assert "1 of 10 rows, none of them scored." in shown
    # Answers to 4 + 4, 5 + 5 … end alike: four rows hold a 1 in their number.
    app = open_review(run=run_id, text="It is 1")
    shown = texts(app)
    (bars,) = [str(one.proto.alt) for one in app.get("plotly_chart")]
    assert "5 of 10 rows, all scored." in shown and "(n = 5 scored)" in shown
    assert bars.startswith("A histogram of the scores of 5 rows")
    assert "tie at 0.5" not in shown
    # An interval of scores is marked in the picture, and said in its words.
    app = open_review(run=run_id, text="It is 1", score_from="0.9")
    (bars,) = [str(one.proto.alt) for one in app.get("plotly_chart")]
    assert "scores of 5 rows" in bars and "Chosen are 2 bars with 3 rows" in bars
    assert "5 of 10 rows, all scored." in texts(app)
    told = texts(open_review(run=run_id, text="nowhere"))
    assert "0 of 10 rows: none that the filters let through." in told
