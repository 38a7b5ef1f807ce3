"""An export in a real browser: prepared, downloaded, and imported again by dropping it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, settled
from tests.fake_endpoint import FakeEndpoint
from tests.services.exported import make
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser

TEXTS: list[tuple[str, str | None]] = [(f"Question {n}?", f"=Answer {n}") for n in range(9)]


def test_an_export_comes_back(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    environment = {"TLM_DASH_DATA_DIR": str(data_dir)}
    with OpenStore(load_settings(environment, env_file=tmp_path / "no.env")) as place:
        made = make(place.store, TEXTS)
    server = start_app(fake_endpoint.base_url, data_dir=data_dir)
    page.goto(f"{server.url}/review?run={made.run_ids[0]}")
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Safe for spreadsheets").click()
    settled(page)
    page.get_by_role("button", name="Prepare the file").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    expect(page.get_by_text("9 rows, as they were when it was prepared.")).to_be_visible()
    with page.expect_download() as started:
        link.click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    assert path.name == "Mine-low.spreadsheet-safe.csv"
    assert '"\'=Answer 0"' in path.read_text(encoding="utf-8-sig")

    page.goto(f"{server.url}/datasets")
    page.set_input_files("input[type=file]", path)
    page.wait_for_url("**upload=*")
    expect(page.get_by_text("The file says itself what its columns mean")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("9")
    settled(page)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**dataset=*")
    expect(page.get_by_text("9 items", exact=True)).to_be_visible()
    settled(page)
