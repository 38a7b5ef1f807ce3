"""Runs in a real browser: started, left alone, found again; watched, paused and gone on with."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import StartApp, new_window, nothing_is_cut_off, settled
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint, Held

pytestmark = pytest.mark.browser


def _open_drawer_with_the_sample(page: Page, url: str) -> None:
    page.goto(f"{url}/runs")
    page.get_by_role("button", name="Use the sample dataset").click()
    page.get_by_role("button", name="Start").wait_for()
    settled(page)


def test_a_run_goes_on_without_its_tab_and_is_found_finished(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    held = Held()
    fake_endpoint.behave(Behaviour(held, score=held))
    server = start_app(fake_endpoint.base_url)
    _open_drawer_with_the_sample(page, server.url)
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("base", exact=True).click()
    expect(drawer.get_by_text("2 runs over 60 rows · 180 requests")).to_be_visible()
    drawer.get_by_role("button", name="Start").click()
    expect(drawer).to_have_count(0)
    expect(page.locator(".stMarkdownBadge", has_text="running").first).to_be_visible()
    address, context = page.url, page.context
    page.close()
    held.released.set()

    again = context.new_page()
    again.goto(address)
    # Nobody presses anything: the page sees by itself that the runs have ended.
    expect(again.get_by_text("60 rows: 60 done", exact=True)).to_have_count(2, timeout=180_000)
    expect(again.get_by_text("finished just now").first).to_be_visible()
    assert len(fake_endpoint.requests_to("chat/completions")) == 60
    assert len(fake_endpoint.requests_to("chat/score")) == 120


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_what_is_typed_stays_while_runs_go_on_and_nothing_is_cut_off(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, width: int, scheme: str
) -> None:
    fake_endpoint.behave(Behaviour(Answer(delay_s=0.2), score=Answer(delay_s=0.2)))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    _open_drawer_with_the_sample(page, start_app(fake_endpoint.base_url).url)
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="New run").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("Options", exact=True).click()
    system = drawer.get_by_role("textbox", name="System prompt")
    system.fill("Be brief.")
    drawer.get_by_text("low", exact=True).click()
    # The list under the open drawer goes on, and leaves the drawer alone.
    expect(page.get_by_text("60 rows: 60 done", exact=True)).to_have_count(1, timeout=180_000)
    expect(page.get_by_text("finished just now").first).to_be_visible()
    page.wait_for_timeout(2500)
    expect(system).to_have_value("Be brief.")
    expect(drawer.get_by_text("2 runs over 60 rows")).to_be_visible()
    nothing_is_cut_off(page)
    assert not errors


def test_a_narrow_window_cuts_neither_the_links_of_a_run_nor_the_status(
    browser: Browser, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    server = start_app(fake_endpoint.base_url)
    page = new_window(browser, 390, 844)
    _open_drawer_with_the_sample(page, server.url)
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Export").first.wait_for()
    nothing_is_cut_off(page)
    for part in ("[class*=st-key-links-]", ".st-key-status-pill p"):
        page.wait_for_function(
            """part => [...document.querySelectorAll(part)].every(
                e => e.scrollHeight <= e.clientHeight + 1 && e.scrollWidth <= e.clientWidth + 1)""",
            arg=part,
        )
    page.context.close()


def test_a_closed_drawer_loses_nothing_and_a_reload_neither(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    _open_drawer_with_the_sample(page, start_app(fake_endpoint.base_url).url)
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("low", exact=True).click()
    drawer.get_by_text("Options", exact=True).click()
    template = drawer.get_by_role("textbox", name="Prompt template")
    template.fill("In one word: {prompt}")
    template.press("Tab")
    expect(drawer.get_by_text("In one word: Which city is the capital of Denmark?")).to_be_visible()
    page.wait_for_url("**template=*")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    page.get_by_role("button", name="New run").click()
    for _ in range(2):
        # Options are open where something was chosen in them.
        expect(template).to_have_value("In one word: {prompt}")
        expect(drawer.get_by_text("2 runs over 60 rows")).to_be_visible()
        page.reload()
