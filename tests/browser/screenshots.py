"""Take the README's picture: `python -m tests.browser.screenshots`, over the embedded endpoint.

Also saves the page dark, narrow, empty and the settings page beside it when given a folder for them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.app_server import ROOT, AppServer
from tests.browser.conftest import CHROMIUM_FLAGS, answered, ask, settled
from tlm_dash.local_endpoint.model_file import ensure_model_file, model_path

PICTURE = Path(__file__).with_name("screenshots") / "playground.png"
PROMPTS = ("Which planet is known as the Red Planet?", "What is the capital of France? Answer in one word.")
PRESETS = "?preset=base&preset=low&preset=medium"
HEIGHT = 860


def main() -> None:
    """Start the app, ask, and save what it shows."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as temporary:
        data_dir = Path(temporary)
        model_path(data_dir).parent.mkdir()
        model_path(data_dir).symlink_to(ensure_model_file(ROOT / "data"))
        server = AppServer(data_dir, {})
        try:
            server.wait_until_up()
            with sync_playwright() as playwright:
                chromium = shutil.which("chromium")
                assert chromium is not None, "no Chromium found"
                browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
                _take(browser, server, folder)
        finally:
            server.stop()


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
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
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
