"""The whole way of a newcomer: sample, two presets, a matcher's labels, a saved decision, a verdict."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, label_by_the_reference, settled

pytestmark = pytest.mark.browser

N_ROWS = 40
MOST = r"(3\d|40)"
"""Of the answers some may reach their limit of tokens: their labels feed no threshold."""

REASON = "Tried on the sample: people read everything."


def test_from_forty_sample_rows_to_a_saved_record(
    page: Page, start_app: StartApp, data_dir_with_model: Path, tmp_path: Path
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    server = start_app(data_dir=data_dir_with_model)
    _run_the_sample_at_two_presets(page, f"{server.url}/runs")
    page.get_by_test_id("stMain").get_by_role("link", name="Review").first.click()
    label_by_the_reference(page, N_ROWS)
    page.get_by_role("link", name="Next step: decide on a threshold").click()
    page.get_by_role("button", name="Ask these labels").click()
    answer = page.get_by_role(
        "heading", name=re.compile(rf"^(Send everything below|Not with these {MOST} labels)")
    )
    expect(answer).to_be_visible()
    feeding = re.compile(rf"^{MOST} labels feed this: all {N_ROWS} answered rows\. {MOST} from a matcher\.")
    expect(page.get_by_text(feeding)).to_be_visible()
    record = _save_the_decision(page)
    _the_page_stands_alone(page, record, tmp_path)
    page.get_by_role("button", name="Check again").click()
    expect(page.locator(".stMarkdownBadge", has_text="holds")).to_have_text(re.compile("holds$"))

    page.get_by_test_id("stHeader").get_by_role("link", name="Compare").click()
    verdict = page.locator(".st-key-verdict-0")
    expect(verdict).to_contain_text("base instead of low: ")
    expect(verdict).to_contain_text(re.compile(rf"; {MOST} labelled rows\)|too few labels"))
    assert not errors


def _run_the_sample_at_two_presets(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Use the sample dataset").click()
    drawer = page.get_by_role("dialog")
    for preset in ("base", "low", "medium"):  # the last is ticked at first
        drawer.get_by_text(preset, exact=True).click()
    drawer.get_by_text("The first", exact=True).click()
    rows = drawer.get_by_role("spinbutton", name="How many")
    rows.fill(str(N_ROWS))
    rows.press("Tab")
    expect(drawer.get_by_text(f"2 runs over {N_ROWS} rows · {3 * N_ROWS} requests")).to_be_visible()
    drawer.get_by_text("Options", exact=True).click()
    longest = drawer.get_by_role("spinbutton", name="Longest answer, tokens")
    longest.fill("96")
    longest.press("Tab")
    page.wait_for_url("**max_tokens=96*")
    settled(page)
    drawer.get_by_role("button", name="Start").click()
    expect(drawer).to_have_count(0)
    done = page.get_by_text(f"{N_ROWS} rows: {N_ROWS} done", exact=True)
    # Whenever the model is loaded, and whatever else the machine does meanwhile.
    expect(done).to_have_count(2, timeout=900_000)


def _save_the_decision(page: Page) -> str:
    """Save it and give the verdict that its record shows."""
    page.get_by_role("button", name="Save decision").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("as Ada", exact=True)).to_be_visible()
    dialog.get_by_role("textbox", name="Why").fill(REASON)
    dialog.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**record=*")
    record = page.locator(".st-key-record")
    expect(record.get_by_text(REASON)).to_be_visible()
    expect(record.get_by_text(re.compile(r"^Ada, "))).to_be_visible()
    verdict = record.get_by_test_id("stText").nth(1)
    expect(verdict).to_contain_text(re.compile(rf"{MOST} labels|below"))
    return verdict.inner_text()


def _the_page_stands_alone(page: Page, verdict: str, folder: Path) -> None:
    """Download the record and open the file by itself: it says the answer and asks for nothing else."""
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as a page").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    assert path.suffix == ".html"
    written = html.unescape(path.read_text(encoding="utf-8"))
    assert verdict in written and REASON in written
    asked: list[str] = []
    alone = page.context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(path.as_uri(), wait_until="networkidle")
    expect(alone.get_by_text(verdict).first).to_be_visible()
    expect(alone.locator("svg").first).to_be_visible()
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    alone.close()
