"""Choose one of these, on Compare: nothing is answered before the target is confirmed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.choosing import make_settings
from tests.services.compared import two_models
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import decision_records
from tlm_dash.services.asking import known
from tlm_dash.services.choice import ChooseRequest
from tlm_dash.services.choose import known_choice
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Question

ANSWER = "allowing for three settings tried"


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def opened(open_app: OpenApp, dashboard: Dashboard, run_ids: list[str], **query: str) -> AppTest:
    app = open_app(dashboard, "compare", baseline=run_ids[0], candidate=run_ids[1:], **query)
    assert not app.exception
    return app


def number(app: AppTest, label: str) -> object:
    (found,) = [one for one in app.number_input if one.label == label]
    return found


def test_a_target_is_confirmed_before_anything_is_answered(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_ids = make_settings(dashboard, 400)
    app = opened(open_app, dashboard, run_ids, max_risk="0.06")
    shown = texts(app)
    assert ANSWER not in shown
    assert "These three settings are kept with it: setting 0, setting 1, setting 2." in shown
    assert number(app, "At most wrong of what passes, %").value == 6.0  # type: ignore[attr-defined]
    assert dashboard.store.read("SELECT count(*) FROM question") == [(0,)]

    app.button(key="choose-ask").click().run()
    request = ChooseRequest(tuple(run_ids), Question(max_risk=0.06))
    choice = known_choice(dashboard, request)
    assert choice.is_answered and choice.sentence in texts(app) and ANSWER in choice.sentence
    (table,) = [one.value for one in app.dataframe if "promise" in one.value]
    assert list(table["setting"]) == ["setting 0", "setting 1", "setting 2"]
    assert list(table["taken"]).index("✓") == choice.taken
    assert "price per 1,000" not in table
    assert texts(app).count("Right and wrong are told by the labels of a file.") >= 1
    assert "best_set" not in texts(app)

    # Another tab without a target in its address shows what was asked; a link to another target does not.
    assert choice.sentence in texts(opened(open_app, dashboard, run_ids))
    other = opened(open_app, dashboard, run_ids, max_risk="0.1")
    assert choice.sentence not in texts(other)
    assert "6% with 95% confidence was asked of these labels first" in texts(other)
    # A run of the choice has its share on its own page too.
    decide = open_app(dashboard, "decide", run=run_ids[1])
    assert "Allowing for three settings tried on this data" in texts(decide)
    assert known(dashboard, run_ids[1], Question(max_risk=0.06)).is_first


def test_a_choice_is_saved_as_a_decision(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_ids = make_settings(dashboard, 400)
    app = opened(open_app, dashboard, run_ids)
    app.button(key="choose-ask").click().run()
    app.button(key="save-choice").click().run()
    app.text_input(key="decision-name").set_value("Ada")
    app.text_area(key="decision-reason").set_value("Reads least.")
    app.button(key="decision-save").click().run()
    assert not app.exception
    (saved,) = decision_records.listed(dashboard, run_ids[2])
    assert saved.kind == "choice" and ANSWER in saved.verdict
    record = open_app(dashboard, "compare", record=saved.decision_id)
    assert saved.verdict in texts(record)
    record.button(key="record-check").click().run()
    assert "It holds: the same rows and labels give the same figures." in texts(record)


def test_a_run_added_later_gets_no_promise(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_ids = make_settings(dashboard, 400, k=4)
    app = opened(open_app, dashboard, run_ids[:3])
    app.button(key="choose-ask").click().run()
    wider = opened(open_app, dashboard, run_ids)
    (table,) = [one.value for one in wider.dataframe if "promise" in one.value]
    assert table["promise"].iloc[3] == "no" and "why not" not in table
    assert "setting 3, no promise: it was not among the three settings" in texts(wider)


def test_what_reading_costs_is_part_of_the_price(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_ids = make_settings(dashboard, 400)
    app = opened(open_app, dashboard, run_ids, minutes_per_row="3", price_per_hour="30")
    app.button(key="choose-ask").click().run()
    assert "The price of requests is not known for every setting" in texts(app)
    number(app, "Minutes to read a row").set_value(4.0).run()  # type: ignore[attr-defined]
    value = app.query_params["minutes_per_row"]
    assert value in ("4.0", ["4.0"]) and ANSWER in texts(app)


def test_settings_without_labels_and_of_several_datasets(dashboard: Dashboard, open_app: OpenApp) -> None:
    bare = make_settings(dashboard, 40, k=2, labelled=False)
    assert "None of two settings can be promised" in texts(opened(open_app, dashboard, bare))
    first, _ = two_models(dashboard, (10, 2, 2, 2))
    elsewhere = make_run(dashboard.store, make_dataset(dashboard.store, 16), ["a"] * 16, name="elsewhere")
    app = opened(open_app, dashboard, [first, elsewhere])
    assert not [one for one in app.subheader if one.value == "Choose one of these"]
