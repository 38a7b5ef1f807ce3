"""The dashboard where the home folder cannot be looked into: it is not needed, so everything works."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import StartApp
from tests.conftest import wait_until
from tests.fake_endpoint import FakeEndpoint

pytestmark = pytest.mark.browser


def test_pages_show_and_settings_work(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    # A file in its place stops those too whom no mode stops.
    home = tmp_path / "home"
    home.write_text("in the way")
    below = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), f"{home}/x")
    server = start_app(fake_endpoint.base_url, HOME=str(home), USERPROFILE=str(home), **below)
    page.goto(f"{server.url}/settings")
    page.get_by_role("button", name="Back up now").click()
    backups = tmp_path / "data" / "backups"
    wait_until(lambda: list(backups.glob("*.duckdb")), what="the backup")
    # What a page makes is its owner's only too.
    assert not [file for file in (backups, *backups.iterdir()) if file.stat().st_mode & 0o077]
    assert "Traceback" not in server.log.read_text()
