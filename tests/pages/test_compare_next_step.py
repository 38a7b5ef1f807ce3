"""Where the Compare page leads when its verdict is none, or prices are missing."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.pages.runs_page import links, questions, save_dataset
from tests.services.compared import make_labelled_run
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.services import labels as label_service
from tlm_dash.services import runs
from tlm_dash.services.run_request import RunRequest


@pytest.mark.parametrize(
    ("labels", "leads_to"),
    [([1, 0] * 20, "Next step: run more rows"), ([1, 0] * 19 + [None, None], "Next step: label more rows")],
)
def test_more_labels_are_asked_for_only_where_a_row_waits_for_one(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp,
    labels: list[int | None], leads_to: str,
) -> None:  # fmt: skip
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    for name in ("one", "other"):
        make_labelled_run(dashboard, dataset_id, labels, name=name)
    app = open_app(dashboard, "compare")
    assert not app.exception
    words = [str(getattr(link, "label", "")) for link in app.get("page_link")]
    links = [word for word in words if word.startswith("Next step")]
    assert links == [leads_to]


def test_labels_are_asked_for_of_the_run_whose_rows_wait_for_them(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    labelled = make_labelled_run(dashboard, dataset_id, [1, 0] * 20, name="one")
    bare = make_labelled_run(dashboard, dataset_id, [None] * 40, name="other")
    app = open_app(dashboard, "compare", baseline=labelled, candidate=bare)
    assert not app.exception
    step = links(app)["Next step: label more rows"]
    assert f"run={bare}" in step.query_string


def test_missing_prices_can_be_entered_and_leave_no_hole(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(6), "Sums")
    run_ids = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("base", "low")))
    wait_for(dashboard, run_ids)
    answers = dashboard.store.read(
        "SELECT item_no, response_hash FROM run_item WHERE run_id = ? AND status = 'done'", [run_ids[0]]
    )
    for item_no, response_hash in answers:
        label_service.annotate(
            dashboard, dataset_id=dataset_id, item_no=item_no, response_hash=response_hash,
            verdict="correct" if item_no % 2 else "incorrect", annotator="Ada", score_visible=False,
        )  # fmt: skip
    app = open_app(dashboard, "compare")
    assert not app.exception
    assert "Cost of 1,000 rows: there are no prices." in texts(app)
    assert links(app)["Enter prices"].page == "settings"
