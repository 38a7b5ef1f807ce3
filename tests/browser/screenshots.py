"""Take the README's pictures: `python -m tests.browser.screenshots`.

The playground is taken over the embedded endpoint; Decide and Compare over a made-up task (invoices.py). Also
saves the playground dark, narrow and empty, and the settings page, when given a folder for them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.app_server import ROOT, AppServer
from tests.browser.conftest import CHROMIUM_FLAGS, answered, ask, label_by_the_reference, settled
from tests.browser.invoices import N_ROWS, PRICES, clerk, questions
from tests.fake_endpoint import FakeEndpoint
from tlm_dash.local_endpoint.model_file import ensure_model_file, model_path

PICTURES = Path(__file__).with_name("screenshots")
PROMPTS = ("Which planet is known as the Red Planet?", "What is the capital of France? Answer in one word.")
PRESETS = "?preset=base&preset=low&preset=medium"
HEIGHT = 860


def main() -> None:
    """Start the app twice, work with it, and save what it shows."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    PICTURES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium")
    assert chromium is not None, "no Chromium found"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        _take_decisions(browser, Path(temporary) / "decisions")
        _take_playground(browser, Path(temporary) / "playground", folder)


def _take_playground(browser: Browser, data_dir: Path, folder: Path | None) -> None:
    model_path(data_dir).parent.mkdir(parents=True)
    model_path(data_dir).symlink_to(ensure_model_file(ROOT / "data"))
    server = AppServer(data_dir, {})
    try:
        server.wait_until_up()
        _take(browser, server, folder)
    finally:
        server.stop()


def _take_decisions(browser: Browser, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "Invoices.csv").write_text(questions())
    (data_dir / "prices.json").write_text(PRICES)
    with FakeEndpoint() as endpoint:
        endpoint.behave(clerk())
        prices = {"TLM_DASH_PRICES": str(data_dir / "prices.json")}
        server = AppServer(data_dir, {"BASE_URL": endpoint.base_url, **prices})
        try:
            server.wait_until_up()
            page = browser.new_page(viewport={"width": 1280, "height": HEIGHT})
            _run_two_presets(page, server.url, data_dir / "Invoices.csv")
            label_by_the_reference(page, N_ROWS)
            page.get_by_role("link", name="Next step: decide on a threshold").click()
            page.get_by_role("button", name="Ask these labels").click()
            page.get_by_role("heading", name="Send everything below").wait_for()
            _save(page, "decide.png", last=".st-key-risk-curve")
            page.goto(f"{server.url}/compare?margin=0.03")
            _save(page, "compare.png", last=".st-key-compare-whiskers")
        finally:
            server.stop()


def _run_two_presets(page: Page, url: str, file: Path) -> None:
    """Upload the task, run it at low and medium, and open Review when both have ended."""
    page.goto(f"{url}/datasets")
    page.set_input_files("input[type=file]", file)
    page.wait_for_url("**upload=*")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**dataset=*")
    page.get_by_role("button", name="Run this dataset").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("low", exact=True).click()
    expect(drawer.get_by_text(f"2 runs over {N_ROWS:,} rows")).to_be_visible()
    settled(page)
    drawer.get_by_role("button", name="Start").click()
    expect(drawer).to_have_count(0)
    done = page.get_by_text(f"{N_ROWS:,} rows: {N_ROWS:,} done", exact=True)
    expect(done).to_have_count(2, timeout=300_000)
    page.get_by_test_id("stMain").get_by_role("link", name="Review").first.click()


def _save(page: Page, name: str, *, last: str) -> None:
    """Save the page from its top to the end of one element."""
    page.locator(f"{last} .js-plotly-plot").wait_for()
    settled(page)
    box = page.locator(last).bounding_box()
    assert box is not None
    height = round(box["y"] + box["height"] + 16)
    page.set_viewport_size({"width": 1280, "height": height})
    # The chart fades in.
    page.wait_for_timeout(1500)
    page.screenshot(path=PICTURES / name)


def _take(browser: Browser, server: AppServer, folder: Path | None) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": HEIGHT})
    page.goto(server.url)
    settled(page)
    if folder is not None:
        page.screenshot(path=folder / "empty.png")
    for prompt in PROMPTS:
        page.goto(server.url + PRESETS)
        ask(page, prompt)
        answered(page)
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "playground.png")
    if folder is None:
        return
    for width, scheme in ((1280, "dark"), (800, "light"), (800, "dark")):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 1500})
        page.wait_for_timeout(800)
        page.screenshot(path=folder / f"full-{width}-{scheme}.png")
        page.goto(f"{server.url}/settings")
        settled(page)
        page.wait_for_timeout(800)
        page.screenshot(path=folder / f"settings-{width}-{scheme}.png")
        page.go_back()
        answered(page)


if __name__ == "__main__":
    main()
