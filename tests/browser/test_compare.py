"""Two models compared in a real browser: the verdict, the charts, a pair opened word by word, the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, nothing_is_cut_off, settled, steady_box
from tests.fake_endpoint import FakeEndpoint
from tests.services.compared import two_models
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser


def test_from_the_verdict_to_the_words_that_differ(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    settings = load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=tmp_path / "no.env")
    with OpenStore(settings) as place:
        two_models(place, (60, 5, 20, 15))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    server = start_app(fake_endpoint.base_url, data_dir=data_dir)
    page.goto(f"{server.url}/compare")
    expect(page.get_by_text("15 points of accuracy")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.get_by_text("only the candidate right (").click()
    page.wait_for_url("**rows=only_b*")
    settled(page)
    table = page.get_by_test_id("stDataFrame").last
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    box = steady_box(table)
    # The grid is a canvas: the first row's button is under its header.
    page.mouse.click(box["x"] + 30, box["y"] + 55)
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("del")).to_have_count(1)
    expect(drawer.locator("ins")).to_have_count(1)
    page.wait_for_url("**row=*")
    page.set_viewport_size({"width": 800, "height": 1000})
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()
    nothing_is_cut_off(page)
    assert not errors
