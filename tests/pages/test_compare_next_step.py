"""Where the Compare page leads when its verdict is none."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp
from tests.services.compared import make_labelled_run
from tests.services.stored import make_dataset


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
