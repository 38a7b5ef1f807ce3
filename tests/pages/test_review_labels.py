"""Review, the view of labels: sources, spellings, matchers, and what people have not settled."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import label_spellings
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_import import import_labels
from tlm_dash.services.label_sources import order, source_counts

PROMPTS = ["Capital of France?", "Capital of Italy?", "Capital of Norway?", "Capital of Peru?"]
REFERENCES = ["Paris", "Rome", "Oslo", "Lima"]
RESPONSES = ["It is Paris.", "Milan", "Oslo\u202e", "Lima"]


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def opened(open_app: OpenApp, dashboard: Dashboard, run_id: str, as_person: str | None = None) -> AppTest:
    app = open_app(dashboard, "review", as_person, run=run_id, view="labels")
    assert not app.exception
    return app


def test_spellings_are_confirmed_by_a_person(open_app: OpenApp, dashboard: Dashboard) -> None:
    dataset_id = make_dataset(dashboard.store, PROMPTS)
    run_id = make_run(dashboard.store, dataset_id, RESPONSES, labels=["right", "wrong", "right", None])
    app = opened(open_app, dashboard, run_id)
    assert "No row of this run has a label yet." in texts(app) and "not decided" in texts(app)
    (save,) = [b for b in app.button if b.label == "Save what they mean"]
    assert save.disabled
    app.text_input("who-name-labels").set_value("Ada")
    next(b for b in app.button if b.label == "Go on").click().run()
    assert "as Ada" in texts(app) and "Ada" not in str(app.query_params)
    menus = [menu for menu in app.selectbox if "Meaning of spelling" in str(menu.label)]
    assert [menu.value for menu in menus] == ["correct", "incorrect"]
    menus[1].set_value("unsure")
    next(b for b in app.button if b.label == "Save what they mean").click().run()
    counts = source_counts(dashboard, run_id)
    assert (counts.n_labelled, counts.n_unsure, counts.n_correct) == (2, 1, 2)
    assert "by Ada" in texts(app) and "The labels of the file's column cover 3 of 4" in texts(app)
    next(b for b in app.button if b.label == "Every row had the same chance of a label").click().run()
    assert "a uniform sample from the label column, as Ada says; 1 left open" in texts(app)


def test_columns_that_are_spelled_alike_are_confirmed_together(
    open_app: OpenApp, dashboard: Dashboard
) -> None:
    dataset_id = make_dataset(dashboard.store, PROMPTS)

    def run_of(column: str, *cells: str) -> str:
        responses = [f"{column} {response}" for response in RESPONSES]
        return make_run(dashboard.store, dataset_id, responses, labels=cells, label_column=column)

    first = run_of("a.is_right", "right", "wrong", "wrong", "wrong")
    other = run_of("b.verdict", "pass", "fail", "fail", "fail")
    decided = run_of("c.is_right", "right", "wrong", "right", "wrong")
    mine = run_of("d.is_right", "wrong", "wrong", "right", "right")
    label_spellings.decide(dashboard, dataset_id, "c.is_right", {"right": "incorrect"}, "Ben")

    app = opened(open_app, dashboard, mine, as_person="Ada")
    shown = texts(app)
    # The column of the run that is looked at comes first.
    assert shown.index("Column d.is_right") < shown.index("Column a.is_right")
    # Of the others one is spelled otherwise, and of one something is said already.
    together = [b for b in app.button if b.label == "Save, also for 1 more column spelled like this"]
    together[0].click().run()
    counts = [source_counts(dashboard, run_id) for run_id in (mine, first, other, decided)]
    assert [(one.n_labelled, one.n_correct) for one in counts] == [(4, 2), (4, 1), (0, 0), (2, 0)]
    assert "spelled like this" not in "".join(b.label for b in app.button)


def test_a_matcher_is_looked_at_then_applied_and_taken_back(open_app: OpenApp, dashboard: Dashboard) -> None:
    run_id = make_run(dashboard.store, make_dataset(dashboard.store, PROMPTS, REFERENCES), RESPONSES)
    app = opened(open_app, dashboard, run_id, as_person="Ada")
    app.selectbox("labels-matcher").set_value("contains").run()
    assert "contains" in app.query_params["matcher"]
    assert "3 of 4 compared rows agree (75%), 1 do not" in texts(app)
    shown = app.dataframe[1].value
    assert list(shown["response"]) == ["It is Paris.", "Oslo⟨U+202E⟩", "Lima"]
    assert source_counts(dashboard, run_id).n_labelled == 0
    app.button("matcher-apply").click().run()
    assert source_counts(dashboard, run_id).n_labelled == 4
    assert "Contains is applied by Ada: 3 correct, 1 incorrect" in texts(app)
    assert "This is what is applied." in texts(app)
    assert "matcher-apply" not in [button.key for button in app.button]
    assert "Next step: decide on a threshold" in [link.proto.label for link in app.get("page_link")]
    app.button("matcher-back").click().run()
    assert source_counts(dashboard, run_id).n_labelled == 0


def test_agreement_and_what_is_settled(open_app: OpenApp, dashboard: Dashboard) -> None:
    run_id = make_run(dashboard.store, make_dataset(dashboard.store, PROMPTS), RESPONSES)
    say(dashboard, run_id, {1: "correct", 2: "correct", 3: "incorrect", 4: "unsure"})
    say(dashboard, run_id, {1: "correct", 2: "incorrect", 3: "incorrect"}, "Bo")
    app = opened(open_app, dashboard, run_id, as_person="Chen")
    assert "2 responses wait" in texts(app) and "Bo: incorrect" in texts(app) and "Milan" in texts(app)
    app.button("resolve-incorrect").click().run()
    assert "1 response waits" in texts(app) and "Lima" in texts(app)
    counts = source_counts(dashboard, run_id)
    assert (counts.n_labelled, counts.n_unsure) == (3, 1)
    assert "You settled the response of item 2: incorrect." in texts(app)
    app.button("resolve-undo").click().run()
    assert "2 responses wait" in texts(app)
    kappa = next(table.value for table in app.dataframe if "kappa" in table.value)
    assert list(kappa["rows"]) == [3] and str(kappa["kappa"][0]).startswith("0.400 (")


def test_the_order_of_sources(open_app: OpenApp, dashboard: Dashboard) -> None:
    dataset_id = make_dataset(dashboard.store, PROMPTS)
    run_id = make_run(dashboard.store, dataset_id, RESPONSES)
    app = opened(open_app, dashboard, run_id, as_person="Ada")
    next(m for m in app.multiselect if m.label == "Sources in their order").set_value(
        ["column", "person"]
    ).run()
    app.button("labels-save-order").click().run()
    assert order(dashboard, dataset_id).sources == ("column", "person")
    assert "Decided by Ada." in texts(app)


def test_a_run_that_is_gone(open_app: OpenApp, dashboard: Dashboard) -> None:
    make_run(dashboard.store, make_dataset(dashboard.store, PROMPTS), RESPONSES)
    app = opened(open_app, dashboard, "nothing")
    assert "not there" in texts(app)


def test_people_of_one_name_are_one_until_somebody_says_otherwise(
    open_app: OpenApp, dashboard: Dashboard, tmp_path: Path
) -> None:
    dataset_id = make_dataset(dashboard.store, PROMPTS)
    run_id = make_run(dashboard.store, dataset_id, RESPONSES)
    file = tmp_path / "labels.csv"
    file.write_text("item_no,verdict,annotator\n1,correct,Ada\n2,correct,Ada\n", encoding="utf-8")
    import_labels(dashboard, run_id, file)
    say(dashboard, run_id, {1: "correct", 2: "incorrect"})
    app = opened(open_app, dashboard, run_id, as_person="Bo")
    assert "Who counts as one person" in [header.value for header in app.header]
    assert "Ada (here) and Ada (from a file) count as one person, since they have one name" in texts(app)
    assert "Agreement" not in [header.value for header in app.header], "nobody agrees with themselves"
    next(b for b in app.button if b.label == "They are two people").click().run()
    assert not app.exception
    assert "Agreement" in [header.value for header in app.header]
    assert "count as one person" not in texts(app)
    app.button(key="people-unite").click().run()
    assert "count as one person" in texts(app)
    assert "Agreement" not in [header.value for header in app.header]
