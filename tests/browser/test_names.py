"""Names are text: whatever they hold, a person reads them exactly, and the browser asks nobody for more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app_server import AppServer
from tests.browser.hostile_names import FIRST, NAMES
from tlm_dash.ui.text import visible

LIVE = "a, img, strong, em, del, code, pre, ul, ol, blockquote, table, hr, .katex, sup, input, [role=img]"
"""What Markdown makes of text."""


def shown(name: str) -> str:
    """Give a name as a person reads it: with spaces as a browser draws them."""
    return " ".join(visible(name).split())


class Watched:
    """A page of which every request is noted that leaves for another place than its server."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.gone = page, url, list[str]()
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url.replace("ws:", "http:", 1)))

    def _note(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.gone.append(url)


@pytest.fixture
def kinds_of_places(tmp_path: Path) -> Iterator[AppServer]:
    server = AppServer(tmp_path, {}, "tests/browser/kinds_of_places.py")
    server.wait_until_up()
    yield server
    server.stop()


def test_names_are_read_exactly_in_every_kind_of_place(kinds_of_places: AppServer, page: Page) -> None:
    watched = Watched(page, kinds_of_places.url)
    page.set_default_timeout(15_000)
    page.goto(kinds_of_places.url)
    page.locator(".st-key-the-end").get_by_text("the end").wait_for()
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    # Emojis and formulas would be loaded late, and a place is a grey bar until then.
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")

    read = page.evaluate(
        """live => Object.fromEntries([
            ...document.querySelectorAll('[class*=st-key-place-], [class*=st-key-kind-]')
        ].map(place => {
            const key = [...place.classList].find(name => /^st-key-(place|kind)-/.test(name)).slice(7);
            const told = [place.innerText, ...[...place.querySelectorAll('input, textarea')]
                .flatMap(field => [field.value, field.placeholder])];
            const found = [...place.querySelectorAll('[data-testid=stMarkdownContainer]')]
                .flatMap(text => [...text.querySelectorAll(live)].map(one => one.outerHTML));
            return [key, {told: told.map(text => text.replace(/\\s+/g, ' ').trim()), found}];
        }))""",
        LIVE,
    )
    wrong = []
    for place, seen in read.items():
        where, _, number = place.rpartition("-")
        name = shown(NAMES[int(number)])
        is_read = (
            name in seen["told"] if where.startswith("place-") else any(name in told for told in seen["told"])
        )
        if not is_read or seen["found"]:
            wrong.append((where, name, seen))
    assert not wrong, wrong[:5]
    assert len(read) == 3 * len(NAMES) + 28 * FIRST

    page.locator(".st-key-kind-selectbox-0").get_by_role("combobox").click()
    expect(page.locator("[role=listbox] [role=option]")).to_have_text([shown(NAMES[0])])
    page.keyboard.press("Escape")
    page.locator(".st-key-help button").first.hover()
    tooltip = page.get_by_role("tooltip").or_(page.get_by_test_id("stTooltipContent")).first
    tooltip.wait_for()
    assert tooltip.inner_text().strip() == shown(NAMES[0])
    assert not tooltip.locator("a, img, strong").count()
    # Cells are painted; names of columns are elements in the menu that hides them.
    page.locator(".st-key-table").hover()
    page.get_by_role("button", name="Show/hide columns").click()
    page.get_by_text(shown(NAMES[0]), exact=True).last.wait_for()
    menu = page.locator("[data-testid=stDataFrameColumnVisibilityMenu]")
    assert menu.inner_text().strip().endswith(shown(NAMES[0])) and not menu.locator("a, img, strong").count()
    assert not watched.gone
