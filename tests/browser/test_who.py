"""Who a person is, in real browsers: one name a browser, in no link, and browsers that keep nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.review_queue import keys_work, make_plans
from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp, new_window, nothing_is_cut_off, settled
from tests.fake_endpoint import FakeEndpoint
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser

QUESTION = "Who is labelling?"

REFUSING = """
for (const name of ["getItem", "setItem", "removeItem"])
  Storage.prototype[name] = () => { throw new DOMException("refused", "SecurityError"); };
"""


def kept(name: str) -> str:
    """Write the script that leaves a name in the storage, once."""
    return f"localStorage.getItem('tlm-dash-name') ?? localStorage.setItem('tlm-dash-name', {name!r})"


@pytest.fixture
def queue(start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path) -> tuple[AppServer, str, str]:
    """Start the app with a plan of six rows; gives the server, the queue's address and the plan."""
    run_id, (plan_id,) = make_plans(tmp_path / "data", 12, 6, 1)
    server = start_app(fake_endpoint.base_url, data_dir=tmp_path / "data")
    return server, f"{server.url}/review?run={run_id}&view=queue&plan={plan_id}", plan_id


def say_name(page: Page, name: str) -> None:
    page.get_by_role("textbox", name=re.compile(QUESTION)).fill(name)
    page.get_by_role("button", name="Go on").click()


def test_a_shared_link_opens_the_queue_of_whoever_opens_it(
    browser: Browser, queue: tuple[AppServer, str, str], tmp_path: Path
) -> None:
    server, address, plan_id = queue
    ada, ben = new_window(browser), new_window(browser)
    ada.goto(address)
    say_name(ada, "Ada")
    keys_work(ada)
    expect(ada.get_by_text("as Ada", exact=True)).to_be_visible()
    ada.keyboard.press("c")
    expect(ada.get_by_text("Last: row 1, correct.")).to_be_visible()

    # As links were made once: the name of whoever made it goes, and does not become the other's.
    ben.goto(f"{ada.url}&reviewer=Ada")
    expect(ben.get_by_role("textbox", name=re.compile(QUESTION))).to_be_visible()
    ben.wait_for_function("!location.search.includes('reviewer')")
    say_name(ben, "Ben")
    keys_work(ben)
    ben.keyboard.press("x")
    expect(ben.get_by_text("as Ben", exact=True)).to_be_visible()
    assert "Ben" not in ben.url and "Ada" not in ada.url

    # It is there again after a reload, and in another tab of the same browser, without being asked.
    ada.reload()
    keys_work(ada)
    expect(ada.get_by_text("as Ada", exact=True)).to_be_visible()
    second = ada.context.new_page()
    second.goto(f"{server.url}/decide")
    settled(second)
    second.goto(address)
    keys_work(second)
    expect(second.get_by_text("as Ada", exact=True)).to_be_visible()

    # Changed where it is shown: in the browser too.
    second.get_by_role("button", name="change").click()
    expect(second.get_by_role("textbox", name="Your name")).to_have_value("Ada")
    second.get_by_role("textbox", name="Your name").fill("Ada Byron")
    second.get_by_role("button", name="That is me").click()
    expect(second.get_by_text("as Ada Byron", exact=True)).to_be_visible()
    second.reload()
    expect(second.get_by_text("as Ada Byron", exact=True)).to_be_visible()
    for page in (ada, ben):
        page.context.close()

    server.stop()
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(tmp_path / "data")})) as place:
        said = place.store.read(
            "SELECT annotator, verdict FROM annotation WHERE plan_id = ? ORDER BY created_at", [plan_id]
        )
    assert said == [("Ada", "correct"), ("Ben", "incorrect")]


def test_a_browser_that_refuses_its_storage(browser: Browser, queue: tuple[AppServer, str, str]) -> None:
    _, address, _ = queue
    page = new_window(browser, 390, 800)
    page.add_init_script(REFUSING)
    page.goto(address)
    expect(page.get_by_text("This browser keeps nothing for this page")).to_be_visible()
    nothing_is_cut_off(page)
    say_name(page, "Ada")
    keys_work(page)
    expect(page.get_by_text("as Ada (this tab only)")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_text("Last: row 1, correct.")).to_be_visible()
    # Another page of the same tab knows it still.
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("as Ada (this tab only)")).to_be_visible()
    page.reload()
    expect(page.get_by_role("textbox", name=re.compile(QUESTION))).to_be_visible()
    page.context.close()


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("x" * 500, "500 characters long"),
        ("Ada\u202e\u0007", "characters that nobody can see"),
        ("", "needs the name"),
    ],
)
def test_what_the_storage_holds_is_checked_like_what_is_typed(
    browser: Browser, queue: tuple[AppServer, str, str], stored: str, said: str
) -> None:
    _, address, _ = queue
    page = new_window(browser)
    page.add_init_script(kept(stored))
    page.goto(address)
    expect(page.get_by_text("The name that this browser keeps cannot be used.")).to_contain_text(said)
    say_name(page, "Ada")
    keys_work(page)
    page.reload()
    keys_work(page)
    expect(page.get_by_text("as Ada", exact=True)).to_be_visible()
    page.context.close()


def test_a_known_person_is_never_asked_who_they_are(
    browser: Browser, queue: tuple[AppServer, str, str]
) -> None:
    _, address, _ = queue
    page = new_window(browser)
    page.add_init_script(kept("Ada"))
    # What the browser says reaches the server late; notes whether the question was seen meanwhile.
    page.add_init_script("""
        const { send } = WebSocket.prototype;
        WebSocket.prototype.send = function (message) { setTimeout(() => send.call(this, message), 1500); };
        window.seenQuestion = 0;
        const look = () => {
          for (const it of document.querySelectorAll('[class*="st-key-who-"] input'))
            if (it.checkVisibility({ visibilityProperty: true })) window.seenQuestion++;
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    """)
    page.goto(address)
    keys_work(page)
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("heading", name="Datasets", exact=True)).to_be_visible()
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    page.get_by_role("button", name="Label queue").click()
    expect(page.get_by_text("as Ada", exact=True)).to_be_visible()
    assert page.evaluate("window.seenQuestion") == 0
    page.context.close()
