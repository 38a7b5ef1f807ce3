"""The run in hand in a real browser: the menu's pages take it, the address says it, a tab has its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, nothing_is_cut_off, settled
from tests.fake_endpoint import FakeEndpoint
from tests.services.stored import make_scored_run
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_the_menu_takes_the_run_that_was_chosen_in_this_tab(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path, width: int
) -> None:
    data_dir = tmp_path / "data"
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=tmp_path / "no")) as place:
        older = make_scored_run(
            place.store, [0.2, 0.5, 0.9], name="invoices · a model with a long name · low"
        )
        newer = make_scored_run(place.store, [0.2, 0.5, 0.9], name="invoices · medium")
    app = start_app(fake_endpoint.base_url, data_dir=data_dir)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{app.url}/review?run={older}")
    expect(page.get_by_text("Run: invoices · a model with a long name · low")).to_be_visible()
    for name in ("Decide", "Compare", "Review"):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile(f"(run|baseline)={older}"))
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        settled(page)
        assert page.get_by_text("The newest run").count() == 0
        page.set_viewport_size({"width": width, "height": 900})
        nothing_is_cut_off(page)
        page.set_viewport_size({"width": 1280, "height": 900})

    other = page.context.new_page()
    other.set_viewport_size({"width": width, "height": 900})
    other.goto(f"{app.url}/decide")
    other.wait_for_url(f"**run={newer}**")
    expect(other.get_by_text("The newest run, since none was chosen in this tab.")).to_be_visible()
    nothing_is_cut_off(other)
