"""How runs are named in menus, which cut a long name at its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp
from tests.pages.runs_page import questions, save_dataset
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset, make_run
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


@pytest.mark.parametrize(
    ("dataset", "column", "told"),
    [
        ("Sums · 2026", "answer", "answer · Sums · 2026"),
        ("Sums", "first · second", "first · second · Sums"),
        ("a · b", "a · b", "a · b · a · b"),
    ],
)
def test_a_name_with_the_sign_between_parts_in_it_is_not_turned_around(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, dataset: str, column: str, told: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 2, name=dataset)
    given = make_run(dashboard.store, dataset_id, ["yes"] * 2, name=f"{dataset} · {column}")
    assert menu_name(runs.show(dashboard, given)) == told
    (made,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",)), begin=False)
    assert menu_name(runs.show(dashboard, made)) == f"low · {MODEL} · {dataset}"
    request = RunRequest(dataset_id, quality_presets=("low",), mode="score")
    (scored,) = runs.start(dashboard, request, begin=False)
    assert menu_name(runs.show(dashboard, scored)) == f"low · {told}"
