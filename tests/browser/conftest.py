"""A real browser on the real app."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    FloatRect,
    Locator,
    Page,
    TimeoutError,
    expect,
    sync_playwright,
)

from tests.browser.app_server import AppServer
from tests.conftest import wait_until
from tlm_dash.local_endpoint.model_file import model_path

CHROMIUM_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# A name that somebody else owns and has made to lead to this machine.
FOREIGN_NAMES = "--host-resolver-rules=MAP rebound.example 127.0.0.1"

# Other tests' processes may keep both cores busy for a while; a page that never comes still fails.
expect.set_options(timeout=60_000)
PATIENCE_MS = 120_000

StartApp = Callable[..., AppServer]


# For a module, not the session: while it is open, Playwright's loop runs in this thread, and a test that
# calls asyncio.run would fail.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without one the test is skipped and says so."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium found: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, FOREIGN_NAMES])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window with a clipboard."""
    opened = new_window(browser)
    yield opened
    opened.context.close()


def new_window(browser: Browser, width: int = 1280, height: int = 900) -> Page:
    """Open the window of one more person, who is as patient as the first one."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[StartApp]:
    """Start the app over an endpoint (or, without one, over the embedded endpoint)."""
    servers: list[AppServer] = []

    def start(base_url: str | None = None, *, data_dir: Path = tmp_path / "data", **env: str) -> AppServer:
        server = AppServer(data_dir, env if base_url is None else {"BASE_URL": base_url, **env})
        servers.append(server)
        server.wait_until_up()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def data_dir_with_model(tmp_path: Path, model_file: Path) -> Path:
    """A data folder that has the model file already."""
    path = model_path(tmp_path / "data")
    path.parent.mkdir(parents=True)
    path.symlink_to(model_file)
    return tmp_path / "data"


def settled(page: Page) -> None:
    """Wait until the script has ended."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def ask(page: Page, prompt: str) -> None:
    """Type a prompt and run it, as a person with a keyboard does."""
    box = page.get_by_role("textbox", name="Prompt", exact=True)
    # The cursor is put there when the whole page is: before that, the shortcut has no button yet.
    box.wait_for()
    page.wait_for_function("document.activeElement?.tagName === 'TEXTAREA'")
    box.fill(prompt)
    before = page.url
    box.press("Control+Enter")
    page.wait_for_url(lambda url: "entry=" in url and url != before)


def answered(page: Page, *, timeout_s: float = 240.0) -> None:
    """Wait until every card of the entry that the address names has ended."""
    entry = re.search(r"entry=(\w+)", page.url)
    assert entry is not None, page.url
    # The cards of the entry that was looked at before stay until the new ones are there.
    page.locator(f".st-key-stop, [class*=st-key-again-{entry[1]}-]").first.wait_for()
    page.locator(".st-key-stop").wait_for(state="detached", timeout=timeout_s * 1000)
    settled(page)


def steady_box(locator: Locator) -> FloatRect:
    """Give where something is drawn, once that has stayed the same for half a second."""
    locator.wait_for()
    boxes: list[FloatRect | None] = [None] * 5

    def is_steady() -> bool:
        locator.page.wait_for_timeout(100)
        boxes.append(locator.bounding_box())
        return boxes[-1] is not None and all(box == boxes[-1] for box in boxes[-5:])

    wait_until(is_steady, what=f"{locator} standing still")
    assert boxes[-1] is not None
    return boxes[-1]


def nothing_is_cut_off(page: Page) -> None:
    """Wait until the page is as it stays, and nothing of it is wider than the window."""
    settled(page)
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
    # The page scrolls in a part of its own, which can be too wide where the document is not.
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stMain]')].every(e => e.scrollWidth <= e.clientWidth)"
    )


def choose_contains(page: Page) -> None:
    """Choose a matcher, and see what it finds.

    By the keyboard, since what is drawn above it moves the menu from under the mouse; and once more where
    that came late and closed the menu, as a person does.
    """
    settled(page)
    matcher = page.get_by_role("combobox", name="Matcher")
    found = page.get_by_text("compared rows agree")
    for _ in range(5):
        matcher.fill("Contains")
        with suppress(TimeoutError):
            page.get_by_role("option", name="Contains: the response").wait_for(timeout=3000)
            matcher.press("Enter")
            found.wait_for(timeout=10_000)
            return
        matcher.fill("")
    expect(found).to_be_visible()


def label_by_the_reference(page: Page, n_rows: int) -> None:
    """Apply a matcher to the run that Review shows, after a look at what it would find."""
    page.get_by_role("button", name="Where labels come from").click()
    name = page.get_by_role("textbox", name="Your name, kept with what you decide here")
    name.fill("Ada")
    page.get_by_role("button", name="Go on").click()
    expect(name).to_have_count(0)
    settled(page)
    choose_contains(page)
    expect(page.get_by_text(re.compile(rf"^[\d,]+ of {n_rows:,} compared rows agree"))).to_be_visible()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Contains is applied by Ada: ")).to_be_visible()
