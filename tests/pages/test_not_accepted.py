"""Answers that are never accepted, and labels set aside, are named with their count on every page."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.deciding import make_decidable_run
from tlm_dash.models import new_id, utc_now
from tlm_dash.services.dashboard import Dashboard

RESPONSES = ["", " ", *(f"Answer {n}." for n in range(38))]
NAMED = "2 answers are never accepted whatever the score (2 empty): people read them"


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


@pytest.fixture
def run_id(dashboard: Dashboard) -> str:
    scores = [round(0.99 - n / 100, 2) for n in range(len(RESPONSES))]
    return make_decidable_run(dashboard, scores, ["1"] * len(RESPONSES), responses=RESPONSES)


def test_decide(dashboard: Dashboard, open_app: OpenApp, run_id: str) -> None:
    app = open_app(dashboard, "decide", run=run_id)
    assert not app.exception
    assert NAMED in texts(app) and "have no score" not in texts(app)


def test_review(dashboard: Dashboard, open_app: OpenApp, run_id: str) -> None:
    app = open_app(dashboard, "review", run=run_id)
    assert not app.exception
    assert "2 empty and so never accepted" in texts(app)
    app = open_app(dashboard, "review", run=run_id, row="1")
    assert "Never accepted" in texts(app)


def test_the_runs_page(dashboard: Dashboard, open_app: OpenApp, run_id: str) -> None:
    app = open_app(dashboard, "runs", run=run_id)
    assert not app.exception
    assert "2 empty" in texts(app)


def test_compare(dashboard: Dashboard, open_app: OpenApp, run_id: str) -> None:
    other = make_decidable_run(dashboard, [0.5] * 40, ["1"] * 40, name="Other")
    app = open_app(dashboard, "compare", run=[run_id, other])
    assert not app.exception
    assert NAMED in texts(app)


def test_labels_that_are_set_aside(dashboard: Dashboard, open_app: OpenApp, run_id: str) -> None:
    ((dataset_id,),) = dashboard.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [run_id])
    app = open_app(dashboard, "review", run=run_id, view="labels")
    assert "set aside" not in texts(app)
    dashboard.store.append({"label_set_aside": [{
        "label_id": new_id(), "source": "person", "dataset_id": dataset_id, "item_no": 1,
        "response_hash": "shared", "content": {}, "set_aside_at": utc_now(),
    }]}).result(30)  # fmt: skip
    app = open_app(dashboard, "review", run=run_id, view="labels")
    assert "1 label is set aside and counted nowhere" in texts(app)
    assert "1 label is set aside" in texts(open_app(dashboard, "settings"))


def test_a_run_of_nothing_but_answers_that_never_pass(dashboard: Dashboard, open_app: OpenApp) -> None:
    empty = make_decidable_run(dashboard, [0.8] * 20, [None] * 20, responses=[" "] * 20, name="Empty")
    shown = texts(open_app(dashboard, "decide", run=empty))
    assert "Not without answers that may be accepted." in shown and "Not without scores" not in shown
    assert "No answer that may be accepted is labelled." in shown and "nowhere so low" not in shown
