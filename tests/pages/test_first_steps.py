"""Pages that need a run, before there is anything: each leads to one."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp
from tests.pages.runs_page import questions, save_dataset
from tlm_dash.services import datasets


@pytest.mark.parametrize("page", ["review", "decide", "compare"])
def test_the_sample_is_offered_where_there_is_no_dataset(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, page: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, page)
    app.button(key=f"{page}-sample").click().run()
    assert not app.exception
    assert app.title[0].value == "Runs" and app.button(key="start-run")
    assert [dataset.name for dataset in datasets.listed(dashboard)] == ["Sample questions"]


def test_it_is_not_offered_beside_a_dataset(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    save_dataset(dashboard, questions(3), "Sums")
    for page in ("review", "decide", "compare"):
        app = open_app(dashboard, page)
        assert f"{page}-sample" not in [button.key for button in app.button]
