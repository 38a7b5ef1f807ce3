"""The playground in a real browser: typing, streaming, stopping, copying, coming back."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, answered, ask, nothing_is_cut_off, settled, steady_box
from tests.conftest import wait_until
from tests.fake_endpoint import Answer, Behaviour, FakeEndpoint, Held, fake_answer

pytestmark = pytest.mark.browser

NOTE_COPIED = """
button => new MutationObserver(() => { window.hasSaidCopied ||= button.textContent === "Copied"; })
  .observe(button, { childList: true })
"""


def test_a_prompt_in_a_scored_response_out_over_the_embedded_endpoint(
    page: Page, start_app: StartApp, data_dir_with_model: Path
) -> None:
    server = start_app(data_dir=data_dir_with_model)
    page.goto(server.url)
    # Asked before the model is loaded: the card says what it waits for, then answers.
    ask(page, "What is the capital of France? Answer in one word.")
    answered(page)
    score = page.get_by_test_id("stMetricValue")
    expect(score).to_have_text(re.compile(r"^(0\.\d{3,}|1\.000|0\.000)$"))
    shown = score.inner_text()
    address = page.url
    expect(page.locator("[class*='st-key-response-']")).to_have_text(re.compile(r"\S"))

    page.reload()
    expect(page.get_by_test_id("stMetricValue")).to_have_text(shown)

    endpoint = next(child for child in psutil.Process(server.process.pid).children() if child.is_running())
    server.stop()
    wait_until(lambda: not endpoint.is_running(), what="the endpoint leaving with the app")
    again = start_app(data_dir=data_dir_with_model)
    page.goto(address.replace(server.url, again.url))
    expect(page.get_by_test_id("stMetricValue")).to_have_text(shown)
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    expect(prompt).to_have_value(re.compile("capital of France"))
    expect(page.get_by_text("1 prompt", exact=True)).to_be_visible()


def test_the_answer_streams_in_and_stop_keeps_it(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    words = " ".join(f"word{number}" for number in range(5000))
    fake_endpoint.behave(Behaviour(Answer(text=words, word_delay_s=0.1)))
    page.goto(start_app(fake_endpoint.base_url).url)
    ask(page, "Tell me a long story")
    card = page.locator("[class*='st-key-response-']")
    expect(card).to_contain_text("word3 ")
    early = len(card.inner_text())
    wait_until(lambda: len(card.inner_text()) > early, what="more of the text")
    expect(card).to_contain_text("word12")
    page.locator(".st-key-stop button").click()
    expect(page.get_by_text("Stopped before it was complete.")).to_be_visible()
    expect(card).to_contain_text("word12")
    assert "word4999" not in card.inner_text()
    wait_until(lambda: fake_endpoint.requests_to("chat/completions")[0].disconnected)


def test_two_tabs_see_the_same_answer_arrive(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    fake_endpoint.behave(Behaviour(Answer(word_delay_s=0.2)))
    page.goto(start_app(fake_endpoint.base_url).url)
    ask(page, "Hello")
    second = page.context.new_page()
    second.goto(page.url)
    answered(second)
    text = fake_answer([{"role": "user", "content": "Hello"}], "gpt-4.1-mini")
    for tab in (page, second):
        expect(tab.locator("[class*='st-key-response-']")).to_contain_text(text)
        expect(tab.get_by_test_id("stMetricValue")).to_be_visible()


def test_copy_takes_the_text_exactly_as_it_came(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    text = "  two spaces\n\ttab **bold** \u202edetrever\u202c <b>html</b> end  "
    fake_endpoint.behave(Behaviour(Answer(text=text, streams=False)))
    page.goto(start_app(fake_endpoint.base_url).url)
    ask(page, "Copy me")
    answered(page)
    button = page.get_by_role("button", name="Copy")
    button.evaluate(NOTE_COPIED)
    button.click()
    # It says so for a moment only, which a look now and then may miss.
    page.wait_for_function("window.hasSaidCopied")
    assert page.evaluate("navigator.clipboard.readText()") == text


class _Beacon(BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self.hits.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_untrusted_text_stays_text_and_calls_nobody(page: Page, start_app: StartApp) -> None:
    beacon = ThreadingHTTPServer(("127.0.0.1", 0), _Beacon)
    threading.Thread(target=beacon.serve_forever).start()
    _Beacon.hits.clear()
    url = f"http://127.0.0.1:{beacon.server_port}/beacon"
    foreign: list[str] = []
    try:
        with FakeEndpoint("evil-text", beacon=url) as endpoint:
            server = start_app(endpoint.base_url)
            page.on("request", lambda request: _note_foreign(request.url, server.url, foreign))
            page.goto(server.url)
            ask(page, f"![x]({url}?prompt) <img src='{url}?prompt-html'> \u202eabc")
            answered(page)
            card = page.locator("[class*='st-key-response-']")
            expect(card).to_contain_text("![pixel](")
            expect(card).to_contain_text("<script>")
            expect(card).to_contain_text("⟨U+202E⟩")
            page.goto(f"{server.url}/settings")
            settled(page)
    finally:
        beacon.shutdown()
        beacon.server_close()
    assert page.evaluate("window.evil") is None
    assert not _Beacon.hits
    assert not foreign


def _note_foreign(url: str, own: str, foreign: list[str]) -> None:
    if not url.startswith((own, own.replace("http", "ws", 1), "data:", "blob:")):
        foreign.append(url)


def test_a_megabyte_of_prompt_is_sent_whole(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    page.goto(start_app(fake_endpoint.base_url).url)
    prompt = "word " * 200_000
    ask(page, prompt)
    answered(page)
    sent = fake_endpoint.requests_to("chat/completions")[0].body["messages"][-1]["content"]
    assert sent == prompt
    expect(page.get_by_test_id("stMetricValue")).to_be_visible()


def test_the_app_starts_while_a_command_holds_the_database_and_opens_it_when_it_is_free(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    held = duckdb.connect(
        str(data_dir / "tlm_dash.duckdb"), config={"storage_compatibility_version": "v1.5.0"}
    )
    try:
        page.goto(start_app(fake_endpoint.base_url, data_dir=data_dir).url)
        expect(page.get_by_text("is held by")).to_be_visible()
        expect(page.get_by_text(f"process {psutil.Process().pid}")).to_be_visible()
    finally:
        held.close()
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    ask(page, "Hello")
    answered(page)


def test_the_endpoint_dying_in_mid_stream_is_said_and_the_text_kept(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    fake_endpoint.behave("dies-mid-stream")
    page.goto(start_app(fake_endpoint.base_url).url)
    ask(page, "Hello")
    expect(page.locator(".stMarkdownBadge", has_text="Failed")).to_be_visible()
    expect(page.locator("[class*='st-key-response-']")).to_contain_text("one two three")
    fake_endpoint.behave("healthy")
    before = page.url
    page.get_by_role("button", name="Run").click()
    page.wait_for_url(lambda url: url != before)
    answered(page)
    expect(page.get_by_test_id("stMetricValue")).not_to_have_text("—")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_nothing_is_cut_off_and_nothing_moves_when_the_score_arrives(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, width: int, scheme: str
) -> None:
    held = Held()
    fake_endpoint.behave(Behaviour(Answer(word_delay_s=0.05), score=held))
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(start_app(fake_endpoint.base_url).url + "/?preset=base&preset=low&preset=medium")
    ask(page, "Hello")
    card = page.locator("[class*='st-key-response-']").first
    expect(card).to_contain_text(".")
    before = steady_box(card)
    held.released.set()
    answered(page)
    expect(page.get_by_test_id("stMetricValue")).to_have_count(3)
    assert steady_box(card) == before
    nothing_is_cut_off(page)
    assert not errors


def test_history_search_and_open(page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint) -> None:
    page.goto(start_app(fake_endpoint.base_url).url)
    for prompt in ("first question", "second question"):
        ask(page, prompt)
        answered(page)
    search = page.get_by_role("textbox", name="Search prompts and responses")
    search.fill("first")
    search.press("Enter")
    expect(page.get_by_text("1 prompt found")).to_be_visible()
    before = page.url
    row = page.locator("[class*='st-key-history-']").filter(has_text="first question")
    row.get_by_role("button", name="Open").click()
    expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("first question")
    expect(page).not_to_have_url(before)


def test_a_draft_is_there_after_a_look_at_another_page_and_an_example_takes_its_place(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    page.goto(start_app(fake_endpoint.base_url).url)
    box = page.get_by_role("textbox", name="Prompt", exact=True)
    box.wait_for()
    settled(page)
    draft = "Too long for an address. " * 100
    box.fill(draft)
    box.press("Tab")
    settled(page)
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_text("There is no dataset yet.")).to_be_visible()
    page.get_by_role("link", name="Playground").click()
    expect(box).to_have_value(draft)
    page.get_by_role("button", name="Who wrote the novel Middlemarch").click()
    expect(box).to_have_value(re.compile("^Who wrote the novel Middlemarch"))
    page.wait_for_url("**prompt=Who*")


def test_an_answer_is_added_to_a_dataset_and_opens_in_review_and_back(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint
) -> None:
    page.goto(start_app(fake_endpoint.base_url).url)
    ask(page, "Which planet is red?")
    answered(page)
    settled(page)
    more = page.get_by_role("button", name="More")
    more.click()
    page.get_by_label("Name of the new dataset").fill("Planets")
    page.get_by_role("button", name="Add to dataset").click()
    # The popover stays open, and says where the answer is now.
    expect(page.get_by_text("Added to “Planets”.")).to_be_visible()
    page.get_by_role("link", name="Open in Review").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("Row 1 of Playground · gpt-4.1-mini · medium")).to_be_visible()
    expect(drawer.get_by_text("Which planet is red?")).to_be_visible()
    drawer.get_by_role("link", name="Its card in the playground").click()
    page.wait_for_url("**entry=**")
    answered(page)
    more.click()
    expect(page.get_by_text("Added to “Planets”.")).to_be_visible()
