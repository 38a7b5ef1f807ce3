"""Saving a decision from a page, opening it again, and checking it against what is stored now."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.deciding import make_decidable_run, ranked_rows
from tests.services.labelled_runs import say
from tlm_dash.services import decision_records
from tlm_dash.services.dashboard import Dashboard


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


@pytest.fixture
def run_id(dashboard: Dashboard) -> str:
    return make_decidable_run(dashboard, *ranked_rows(300))


def asked(app: AppTest) -> AppTest:
    """Ask the target in the form: there is nothing to save before."""
    app.button(key="decide-ask").click().run()
    return app


def save(app: AppTest, *, name: str, reason: str) -> None:
    app.button(key="save-decision").click().run()
    app.text_input(key="decision-name").set_value(name)
    app.text_area(key="decision-reason").set_value(reason)
    app.button(key="decision-save").click().run()


def test_a_decision_is_saved_opened_and_checked_again(
    dashboard: Dashboard, run_id: str, open_app: OpenApp
) -> None:
    app = asked(open_app(dashboard, "decide", run=run_id))
    save(app, name="Ada <img src=x>", reason="Good enough for the help desk.")
    assert not app.exception
    (saved,) = decision_records.listed(dashboard, run_id)
    assert (saved.decided_by, saved.reason) == ("Ada <img src=x>", "Good enough for the help desk.")

    opened = open_app(dashboard, "decide", record=saved.decision_id)
    shown = texts(opened)
    assert saved.verdict in shown and saved.question in shown and saved.reason in shown
    assert len(opened.get("download_button")) == 2
    opened.button(key="record-check").click().run()
    assert "It holds: the same rows and labels give the same figures." in texts(opened)

    say(dashboard, run_id, dict.fromkeys(range(1, 301), "incorrect"))
    opened = open_app(dashboard, "decide", record=saved.decision_id)
    opened.button(key="record-check").click().run()
    assert "It does not follow any more" in texts(opened)
    assert len(opened.dataframe) == 1

    opened.button(key="record-back").click().run()
    assert "record" not in opened.query_params
    listed = open_app(dashboard, "decide", run=run_id)
    listed.button(key=f"record-{saved.decision_id}").click().run()
    assert listed.query_params["record"] in (saved.decision_id, [saved.decision_id])


def test_nothing_is_saved_without_a_name(dashboard: Dashboard, run_id: str, open_app: OpenApp) -> None:
    app = asked(open_app(dashboard, "decide", run=run_id))
    save(app, name=" ", reason="Because.")
    assert "A decision needs a name and a reason." in texts(app)
    assert decision_records.listed(dashboard) == []


def test_a_record_that_is_not_there_says_so(dashboard: Dashboard, run_id: str, open_app: OpenApp) -> None:
    app = open_app(dashboard, "decide", run=run_id, record="no-such-decision")
    assert "There is no decision with this id." in texts(app)
    assert not app.exception


def test_a_comparison_can_be_saved_too(dashboard: Dashboard, run_id: str, open_app: OpenApp) -> None:
    other = make_decidable_run(dashboard, *ranked_rows(300))
    app = open_app(dashboard, "compare", baseline=run_id, candidate=other)
    save(app, name="Ada", reason="No difference that matters.")
    (saved,) = decision_records.listed(dashboard, other)
    assert saved.kind == "comparison"
    opened = open_app(dashboard, "compare", record=saved.decision_id)
    assert saved.verdict in texts(opened)
