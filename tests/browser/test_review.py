"""Review in a real browser: a drag over the chart is a filter, a row opens beside it, text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app_server import AppServer
from tests.browser.conftest import nothing_is_cut_off, settled, steady_box
from tests.fake_endpoint import FakeEndpoint, evil_text
from tests.services.stored import make_scored_run
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser

BEACON = "http://leak.invalid/beacon"


@pytest.fixture(scope="module")
def review_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app over two runs of forty rows; gives the address of the page with the first one."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    settings = load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=data_dir / "no.env")
    evil = evil_text(BEACON)
    with OpenStore(settings) as place:
        scores = [number / 40 for number in range(40)]
        run_id = make_scored_run(place.store, scores, name=evil[:120], responses=[evil] * 40)
        dataset_id = place.store.read("SELECT dataset_id FROM run")[0][0]
        make_scored_run(
            place.store, scores, dataset_id=dataset_id, name="other", responses=[f"not {evil}"] * 40
        )
    with FakeEndpoint() as endpoint:
        server = AppServer(data_dir, {"BASE_URL": endpoint.base_url})
        server.wait_until_up()
        yield f"{server.url}/review?run={run_id}"
        server.stop()


def _opened(page: Page, address: str) -> None:
    page.goto(address)
    # The part of the page that draws charts is large: a busy machine takes its time with it.
    page.locator(".js-plotly-plot .nsewdrag").first.wait_for()
    settled(page)


def _found(page: Page, words: str) -> None:
    expect(page.locator(".st-key-rows-head").get_by_text(words, exact=True)).to_be_visible()


def _drag(page: Page, low: float, high: float) -> None:
    """Drag over the chart, from one share of its width to another."""
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = steady_box(plot)
    page.mouse.move(box["x"] + low * box["width"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + high * box["width"], box["y"] + 90, steps=6)
    page.mouse.up()


def test_a_drag_over_the_chart_filters_the_rows_and_stays_in_the_address(page: Page, review_of: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    _opened(page, review_of)
    _found(page, "All 40 rows")
    _drag(page, 0.26, 0.49)
    page.wait_for_url(re.compile("score_from=0.25&score_below=0.5"))
    _found(page, "10 of 40 rows")
    page.reload()
    _found(page, "10 of 40 rows")
    page.get_by_role("button", name="Scores from 0.25 to 0.5: show all scores").click()
    _found(page, "All 40 rows")
    page.wait_for_url(lambda url: "score_" not in url)
    # The other axis, whose ends are open.
    page.get_by_text("near 1, spread out", exact=True).click()
    page.wait_for_url(re.compile("axis=logit"))
    expect(page.locator(".js-plotly-plot .xtitle").first).to_contain_text("log odds")
    settled(page)
    _drag(page, 0.26, 0.98)
    page.wait_for_url(re.compile("score_from=0.5"))
    _found(page, "20 of 40 rows")
    assert not errors


def test_a_row_opens_beside_the_table_and_closes(page: Page, review_of: str) -> None:
    _opened(page, review_of)
    table = page.get_by_test_id("stDataFrame").first
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    box = steady_box(table)
    # The second line's first cell; the head is one line too.
    page.mouse.click(box["x"] + 30, box["y"] + 37 + 35 + 17)
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("What is 2 + 2?")).to_be_visible()
    page.wait_for_url(re.compile("row=2"))
    drawer.get_by_role("button", name="Next").click()
    expect(drawer.get_by_text("What is 3 + 3?")).to_be_visible()
    drawer.get_by_role("textbox", name="Your name").fill("Kim")
    drawer.get_by_role("textbox", name="Your name").press("Enter")
    expect(drawer.get_by_text("as Kim", exact=True)).to_be_visible()
    drawer.get_by_role("button", name="Incorrect").click()
    expect(drawer.get_by_text("Label: incorrect (by people)")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    page.wait_for_url(lambda url: "row=" not in url and "Kim" not in url)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_text_is_shown_as_text_and_nothing_is_cut_off(
    page: Page, review_of: str, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _opened(page, f"{review_of}&row=7")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("![pixel]").first).to_be_visible()
    drawer.get_by_text("Other responses to this prompt (1)").click()
    expect(drawer.locator("ins").first).to_be_visible()
    expect(drawer).to_contain_text("⟨U+202E⟩")
    drawer.get_by_text("Raw JSON").click()
    expect(drawer.get_by_text('"response_hash"').first).to_be_visible()
    page.keyboard.press("Escape")
    settled(page)
    assert page.evaluate("window.evil") is None
    assert not [url for url in asked if "leak.invalid" in url]
    assert page.locator("img[src*='leak'], iframe[src*='leak'], h1:has-text('Not a heading')").count() == 0
    nothing_is_cut_off(page)
