"""The settings page: what is connected, why not, and where each setting came from."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts


def test_it_says_what_works(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, "settings")
    shown = texts(app)
    assert fake_endpoint.base_url in shown
    assert "gpt-4.1-mini, gpt-4.1-nano" in shown
    assert str(dashboard.store.path) in shown
    lines = [str(element.value) for column in app.columns for element in (*column.text, *column.caption)]
    assert lines[lines.index("BASE_URL") + 1].startswith("Base URL of the TLM endpoint")
    assert lines[lines.index("BASE_URL") + 2 : lines.index("BASE_URL") + 4] == [
        fake_endpoint.base_url,
        "From the environment",
    ]
    assert lines[lines.index("TLM_DASH_TIMEOUT_S") + 2 :][:2] == ["120", "The default"]


@pytest.mark.parametrize("behaviour", ["html", "not-found", "unauthorized", "starting", "server-error"])
def test_it_says_why_an_endpoint_does_not_work(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, behaviour: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(behaviour)
    app = open_app(dashboard, "settings")
    badges = "\n".join(str(element.value) for element in app.markdown)
    assert ("Does not work" in badges) != (behaviour == "server-error")
    assert "<html" not in texts(app)


def test_a_database_that_another_process_holds_is_named(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    make_dashboard(fake_endpoint.base_url)
    second = make_dashboard(fake_endpoint.base_url, wait=False)
    app = open_app(second)
    assert "held by" in texts(app) or "being opened" in texts(app)
    settings = texts(open_app(second, "settings"))
    assert "held by" in settings or "being opened" in settings
