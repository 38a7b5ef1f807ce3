"""Datasets in a real browser: a file dropped, understood, saved, found again, and nothing of it run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import StartApp, settled
from tests.fake_endpoint import FakeEndpoint, evil_text

pytestmark = pytest.mark.browser

ROWS = "prompt,response,trustworthiness_score\n" + "".join(
    f"What is {n} + {n}?,{2 * n},0.{n:03}\n" for n in range(1, 61)
)


def test_a_file_becomes_a_dataset_that_is_still_there_after_a_restart(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    (tmp_path / "sums.csv").write_text(ROWS)
    server = start_app(fake_endpoint.base_url)
    page.goto(f"{server.url}/datasets")
    expect(page.get_by_text("There is no dataset yet.")).to_be_visible()
    page.set_input_files("input[type=file]", tmp_path / "sums.csv")
    page.wait_for_url("**upload=*")
    expect(page.get_by_text("3 Check")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("60")

    page.get_by_role("combobox", name="Role of column 2").click()
    page.get_by_role("option", name="Reference answer").click()
    expect(page.get_by_text("no column is a response")).to_be_visible()
    page.reload()
    # What was said about the columns is not lost with the tab.
    expect(page.get_by_text("no column is a response")).to_be_visible()
    page.get_by_role("combobox", name="Role of column 3").click()
    page.get_by_role("option", name="Tag").click()
    expect(page.get_by_text("no column is a response")).to_be_hidden()
    settled(page)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**dataset=*")
    expect(page.get_by_text("Has references")).to_be_visible()
    page.get_by_role("button", name="Page 3").click()
    page.wait_for_url("**page=3*")

    address = page.url
    server.stop()
    again = start_app(fake_endpoint.base_url)
    page.goto(address.replace(server.url, again.url))
    expect(page.get_by_text("60 items")).to_be_visible()
    page.get_by_role("link", name="All datasets").click()
    expect(page.get_by_text("sums", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/datasets$"))
    page.get_by_role("link", name="Open").click()
    page.wait_for_url("**dataset=*")


def test_nothing_of_a_hostile_file_is_fetched_or_run(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    evil = evil_text("http://leak.invalid")
    cell = '"' + evil.replace('"', '""') + '"'
    file = tmp_path / "![x](http:leak.invalid) <b>.csv"
    file.write_text(f"prompt,![x](http://leak.invalid/name.png)\n{cell},{cell}\n")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    server = start_app(fake_endpoint.base_url)
    page.goto(f"{server.url}/datasets")
    page.set_input_files("input[type=file]", file)
    page.wait_for_url("**upload=*")
    expect(page.get_by_text("3 Check")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**dataset=*")
    expect(page.get_by_text("1 item", exact=True)).to_be_visible()
    page.get_by_role("link", name="All datasets").click()
    expect(page.get_by_text("1 dataset", exact=True)).to_be_visible()
    settled(page)
    assert not [url for url in asked if "leak.invalid" in url and not url.startswith(server.url)]
