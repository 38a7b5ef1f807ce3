"""The settings page: what is connected, why not, and where each setting came from."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import ApiError, Behaviour, FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tlm_dash.services import prices
from tlm_dash.services.prices import ModelPrice, PriceTable


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


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("html", "Not a TLM endpoint"), ("not-found", "Not a TLM endpoint"), ("starting", "Starting"),
        ("unauthorized", "Refuses the key"), ("server-error", "Works"), ("broken", "Answers with errors"),
    ],
)  # fmt: skip
def test_it_says_why_an_endpoint_does_not_work(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, behaviour: str, told: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fails = ApiError(500, "Out of order")
    fake_endpoint.behave(Behaviour(fails, fails) if behaviour == "broken" else behaviour)
    app = open_app(dashboard, "settings")
    badges = "\n".join(str(element.value) for element in app.markdown)
    assert told in badges
    assert "<html" not in texts(app)
    # Asking now is what every page knows from now on.
    assert (dashboard.monitor.current.state == "ready") == (told == "Works")


def test_a_database_that_another_process_holds_is_named(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    make_dashboard(fake_endpoint.base_url)
    second = make_dashboard(fake_endpoint.base_url, wait=False)
    app = open_app(second)
    assert "held by" in texts(app) or "being opened" in texts(app)
    settings = texts(open_app(second, "settings"))
    assert "held by" in settings or "being opened" in settings


def edit(app: AppTest, beginning: str, **changes: object) -> None:
    """Change an editable table as its grid does: rows by number, added rows, deleted rows."""
    keys = [str(table.proto.id).split("-", 2)[2] for table in app.dataframe]
    (key,) = [key for key in keys if key.startswith(beginning)]
    app.session_state[key] = {"edited_rows": {}, "added_rows": [], "deleted_rows": []} | changes


def test_prices_are_entered_changed_and_taken_away(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, "settings")
    assert "They stay estimates" in texts(app)
    assert list(app.dataframe[0].value["model"])[:2] == ["gpt-4.1-mini", "gpt-4.1-nano"]
    own = {"model": "own-model", "input": 0, "output": 0}
    edit(app, "model-prices", edited_rows={0: {"input": 0.4, "output": 1.6}}, added_rows=[own])
    edit(app, "preset-prices", edited_rows={1: {"a request": 0.002}})
    app.button(key="save-prices").click().run()
    assert not app.exception
    table = prices.price_table(dashboard)
    assert table == PriceTable(
        {"gpt-4.1-mini": ModelPrice(0.4, 1.6), "own-model": ModelPrice(0.0, 0.0)}, {"low": 0.002}
    )
    edit(app, "model-prices", deleted_rows=[1])
    edit(app, "preset-prices", edited_rows={1: {"a request": None}})
    app.button(key="save-prices").click().run()
    assert prices.price_table(dashboard) == PriceTable({"gpt-4.1-mini": ModelPrice(0.4, 1.6)})


def test_half_a_price_is_refused_beside_the_button(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, "settings")
    edit(app, "model-prices", edited_rows={0: {"input": 0.4}})
    app.button(key="save-prices").click().run()
    assert "The price of “gpt-4.1-mini” is not whole." in texts(app)
    assert prices.listed(dashboard) == []
    gone = make_dashboard(
        fake_endpoint.base_url, data_dir=dashboard.settings.data_dir / "other", TLM_DASH_PRICES="gone.csv"
    )
    assert "The price file gone.csv cannot be read" in texts(open_app(gone, "settings"))
