"""How runs are named in menus, which cut a long name at its end."""

from __future__ import annotations

from dataclasses import replace

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp
from tests.pages.runs_page import questions, save_dataset
from tests.services.running import MODEL, wait_for
from tlm_dash.services import runs
from tlm_dash.services.run_request import RunRequest
from tlm_dash.ui.parts.review_runs import menu_name


def test_what_tells_runs_apart_comes_first(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(3), "Sums of the first quarter")
    wait_for(dashboard, runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("base", "low"))))
    told = [f"{preset} · {MODEL} · Sums of the first quarter" for preset in ("base", "low")]
    (first, second) = runs.list_runs(dashboard)
    assert sorted(map(menu_name, (first, second))) == told
    named = replace(first, record=replace(first.record, name="Chosen by hand · 2"))
    assert menu_name(named) == "Chosen by hand · 2"
    review = open_app(dashboard, "review")
    assert sorted(review.multiselect[0].options) == told
    assert sorted(open_app(dashboard, "compare").selectbox[0].options) == told
    assert sorted(open_app(dashboard, "decide").selectbox(key="decide-run").options) == told
