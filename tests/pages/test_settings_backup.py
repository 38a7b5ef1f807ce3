"""The settings page's backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.stored import make_dataset
from tlm_dash.services import backups
from tlm_dash.store import Store


def test_the_button_makes_a_backup_and_says_where_it_is(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dashboard = make_dashboard(fake_endpoint.base_url)
    make_dataset(dashboard.store, 7)
    app = open_app(dashboard, "settings")
    assert f"There is no backup in {backups.folder(dashboard)} yet." in texts(app)
    app.button(key="back-up").click().run()
    assert not app.exception
    (made,) = backups.folder(dashboard).iterdir()
    assert str(made) in texts(app) and "made just now" in texts(app)
    copy = Store.open(f"duckdb:///{made}", temp_dir=tmp_path / "temporary")
    assert copy.read("SELECT count(*) FROM item") == [(7,)]
    copy.close()
    # What is told is what is there, also on a page that is opened later.
    assert str(made) in texts(open_app(dashboard, "settings"))
    monkeypatch.setattr(backups, "ROOM_FACTOR", 1e12)
    app.button(key="back-up").click().run()
    assert "A backup takes about" in texts(app) and str(made) in texts(app)
    assert [*backups.folder(dashboard).iterdir()] == [made]
