"""The Decide page in a real browser: the target typed, the threshold moved, the address that keeps it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, settled, steady_box
from tests.fake_endpoint import FakeEndpoint
from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser


def test_from_a_target_to_a_threshold(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    scores, labels = ranked_rows(500)
    with OpenStore(
        load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=tmp_path / "no.env")
    ) as place:
        run_id = make_decidable_run(place, scores, labels)
    app = start_app(fake_endpoint.base_url, data_dir=data_dir)
    page.goto(f"{app.url}/decide?run={run_id}")
    settled(page)
    answer = page.get_by_role("heading", name=re.compile("Send everything below"))
    ask = page.get_by_role("button", name="Ask these labels")
    expect(ask).to_be_visible()
    expect(answer).to_have_count(0)
    ask.click()
    expect(answer).to_be_visible()
    first = answer.inner_text()
    expect(page.locator(".st-key-risk-curve .js-plotly-plot")).to_be_visible()
    # What is chosen is written like any text: the accent is too dark for it in the dark theme.
    chosen = page.get_by_role("radio", name="a target")
    expect(chosen).to_have_css(
        "color", page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).color")
    )
    assert steady_box(page.locator(".st-key-decision"))["height"] < 260

    # The slider stands under the axis of the curve, and moving it is kept in the address.
    plot = steady_box(page.locator(".st-key-risk-curve .nsewdrag").first)
    track = steady_box(page.locator(".st-key-decide-slider"))
    assert abs(plot["x"] - track["x"]) < 30
    assert abs(plot["x"] + plot["width"] - track["x"] - track["width"]) < 30
    page.get_by_role("slider").press("ArrowRight")
    page.wait_for_url(re.compile("threshold="))
    expect(
        page.get_by_text("of those are wrong, with 95% confidence at all thresholds at once")
    ).to_be_visible()
    settled(page)
    expect(answer).to_have_text(first)

    risk = page.get_by_label("Most wrong among the accepted, percent")
    risk.fill("10")
    risk.press("Enter")
    page.wait_for_url(re.compile("max_risk=0.1"))
    expect(page.get_by_text("was asked of these labels first")).to_be_visible()
    expect(answer).to_have_count(0)
    page.get_by_role("button", name="Read it from the band").click()
    expect(answer).not_to_have_text(first)
    settled(page)
    second = answer.inner_text()
    page.reload()
    settled(page)
    # A whole page anew: on a busy machine it takes its time.
    expect(answer).to_have_text(second, timeout=120_000)
    expect(risk).to_have_value("10")
    page.get_by_text("Ranking quality.").click()
    expect(page.get_by_text("ties count half")).to_be_visible()
