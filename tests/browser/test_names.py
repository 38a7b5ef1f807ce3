"""Names are text: whatever they hold, a person reads them exactly, and the browser asks nobody for more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp, answered, settled, steady_box
from tests.browser.hostile_data import hostile, linked, make
from tests.browser.hostile_names import FIRST, NAMES
from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint
from tlm_dash.ui.text import visible

pytestmark = pytest.mark.browser

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

    # By the keyboard, once all stands still: a menu that is moved from under the mouse closes.
    box = page.locator(".st-key-kind-selectbox-0").get_by_role("combobox")
    steady_box(box)
    box.press("ArrowDown")
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


@pytest.fixture
def hostile_endpoint() -> Iterator[FakeEndpoint]:
    """Start an endpoint that lists hostile models and refuses everything in hostile words."""
    with FakeEndpoint(Behaviour(ApiError(403, hostile("refused")), facts=Answer())) as endpoint:
        endpoint.models = (hostile("listed"), hostile("listed-too"))
        yield endpoint


FOREIGN = """url => [...document.querySelectorAll('a, img, image, iframe, object, embed, source, script')]
.map(one => [one, one.getAttribute('href') ?? one.getAttribute('xlink:href') ?? one.src ?? ''])
.filter(([one, to]) => to && !/^(data:|blob:)/.test(to) && new URL(to, url).origin !== new URL(url).origin)
.map(([one]) => one.outerHTML)"""
MADE_OF_MARKDOWN = """() => [...document.querySelectorAll('[data-testid=stMarkdownContainer]')]
.flatMap(text => [...text.querySelectorAll('a, img, code, em, .katex, .stMarkdownColoredText')]
.map(one => one.outerHTML)).filter(found => !/role="img"/.test(found))"""


class Crawl(Watched):
    """A walk through all pages, which looks at everything that can be opened on each."""

    def open(self, path: str, *names: str) -> None:
        """Open a page, unfold what is folded, and read the names that must be there."""
        self.page.goto(f"{self.url}/{path}")
        settled(self.page)
        for name in names:
            expect(self.page.get_by_text(linked(name)).first, f"{name} on {path}").to_be_attached(
                timeout=8_000
            )
        self.look(path)
        # By script, which reaches what lies under a dialog too.
        closed = self.page.locator("[data-testid=stExpander] details:not([open]) summary")
        closed.evaluate_all("all => all.forEach(one => one.click())")
        settled(self.page)
        self.look(f"{path}, unfolded")
        for button in self.page.locator("[data-testid=stPopover] button:enabled").all():
            button.evaluate("button => button.click()")
            self.page.get_by_test_id("stPopoverBody").first.wait_for()
            self.look(f"{path}, a popover of it")
            self.page.keyboard.press("Escape")

    def look(self, where: str) -> None:
        """Assert that nothing that is there now leads, or looks, elsewhere."""
        assert not self.page.evaluate(FOREIGN, self.url), where
        assert not self.page.evaluate(MADE_OF_MARKDOWN), where
        assert not self.page.get_by_test_id("stException").count(), where
        assert not self.gone, where


def test_no_name_is_more_than_text_on_any_page(
    hostile_endpoint: FakeEndpoint, start_app: StartApp, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / f"{hostile('file').replace('/', '_')}.csv"
    data = make(tmp_path / "data", file)
    server = start_app(hostile_endpoint.base_url, data_dir=tmp_path / "data")
    walk = Crawl(page, server.url)
    page.add_init_script(f"localStorage.setItem('tlm-dash-name', {hostile('person')!r})")
    first, second = data.run_ids
    review, pair = f"review?run={first}&run={second}", f"baseline={first}&candidate={second}"

    walk.open("datasets", "dataset")
    walk.open(f"datasets?dataset={data.dataset_id}", "dataset")
    walk.open("datasets")
    page.set_input_files("input[type=file]", file)
    page.wait_for_url("**upload=*")
    walk.open(page.url.partition(f"{server.url}/")[2], "response-a", "tag")
    walk.open("")
    page.get_by_role("textbox", name="Prompt", exact=True).fill(hostile("asked"))
    page.get_by_role("textbox", name="Prompt", exact=True).press("Control+Enter")
    page.wait_for_url("**entry=*")
    answered(page)
    walk.open(page.url.partition(f"{server.url}/")[2], "refused", "listed")
    walk.open(f"runs?new=yes&new_dataset={data.dataset_id}", "listed")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text(linked("refused")).first).to_be_attached()
    walk.look("a run that was refused")
    walk.open(f"runs?run={first}", "dataset")
    walk.open(review, "model-a")
    walk.open(f"review?run={first}&row=2", "tag", "value-1", "beside", "note", "person")
    walk.open(f"review?run={first}&view=labels", "person")
    walk.open(f"review?run={first}&view=queue")
    walk.open(f"review?run={first}&view=queue&plan={data.plan_id}", "prompt")
    walk.open(f"decide?run={first}")
    walk.open(f"decide?run={first}&saving=yes")
    walk.open(f"decide?run={first}&record={data.record_id}", "decider", "reason")
    walk.open(f"compare?{pair}", "model-b")
    walk.open(f"compare?{pair}&rows=all&row=2", "model-b")
    walk.open("settings", "listed")
    # What an address says is as foreign as a file.
    foreign = quote(hostile("address"))
    walk.open(f"review?run={first}&text={foreign}&tag={foreign}%3D{foreign}&annotator={foreign}", "address")
    for address in (f"datasets?dataset={foreign}", f"review?run={foreign}", f"compare?baseline={foreign}"):
        walk.open(address)

    # A record that is sent to somebody: a page without any server.
    page.set_content(data.record_page)
    expect(page.get_by_text(linked("reason")).first).to_be_attached()
    assert not page.locator("a, img, image, iframe, script").count()
    assert not walk.gone
