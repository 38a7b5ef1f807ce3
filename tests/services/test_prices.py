"""Prices: entered, changed, taken away, over a file's defaults; used by runs that keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.errors import InvalidInputError, SettingsError
from tlm_dash.services import prices, runs
from tlm_dash.services.place import OpenStore
from tlm_dash.services.prices import ModelPrice, Price, PriceTable
from tlm_dash.services.run_forecast import forecast_of
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

JSON_FILE = (
    '{"date": "2026-01-31", "models": {"small": [1, 2], "large": [10, 20]}, "per_request": {"low": 0.5}}'
)
CSV_FILE = (
    "\ufeffname,input_per_million,output_per_million,per_request,date\r\n"
    "small,1,2,,2026-01-31\r\nlarge,10,20,,2025-12-01\r\nlow,,,0.5,\r\n"
)


def place_of(tmp_path: Path, **settings: str) -> OpenStore:
    environment = {"TLM_DASH_DATA_DIR": str(tmp_path / "data"), **settings}
    (tmp_path / "data").mkdir(exist_ok=True)
    return OpenStore(load_settings(environment, env_file=tmp_path / "no.env"))


def test_what_is_entered_is_there_after_a_restart_and_only_changes_are_written(tmp_path: Path) -> None:
    wanted = [Price("model", " gpt ", 0.4, 1.6), Price("preset", "low", per_request=0.001)]
    with place_of(tmp_path) as place:
        assert prices.listed(place) == []
        assert prices.change_prices(place, wanted) == 2
        assert prices.change_prices(place, prices.listed(place)) == 0
    with place_of(tmp_path) as place:
        assert prices.price_table(place) == PriceTable({"gpt": ModelPrice(0.4, 1.6)}, {"low": 0.001})
        assert prices.change_prices(place, [Price("model", "gpt", 0.5, 1.6)]) == 2
        assert prices.price_table(place) == PriceTable({"gpt": ModelPrice(0.5, 1.6)})
        assert prices.change_prices(place, []) == 1
        assert prices.listed(place) == []


@pytest.mark.parametrize(("name", "text"), [("prices.json", JSON_FILE), ("prices.csv", CSV_FILE)])
def test_a_file_gives_defaults_that_can_be_changed_and_taken_away(
    tmp_path: Path, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with place_of(tmp_path, TLM_DASH_PRICES=str(file)) as place:
        found = {price.name: price for price in prices.listed(place)}
        assert found["large"].amounts == (10.0, 20.0, None) and found["low"].amounts == (None, None, 0.5)
        assert {price.from_file for price in found.values()} == {True}
        assert {str(price.since) for price in found.values()} == {"2026-01-31"}
        prices.change_prices(place, [Price("model", "small", 3.0, 2.0), found["low"]])
        assert prices.price_table(place) == PriceTable({"small": ModelPrice(3.0, 2.0)}, {"low": 0.5})
        assert [price.from_file for price in prices.listed(place)] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1]", '{"models": {"m": 3}}', '{"models": {"m": [1, -2]}}', '{"models": {"m": [1, "NaN"]}}',
        '{"per_request": {"huge": 1}}', '{"date": "soon"}', "model,price\nm,3\n",
        "name,input_per_million\nm,3\n", "name,per_request\nlow,cheap\n",
    ],
)  # fmt: skip
def test_a_price_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices"
    file.write_text(text, encoding="utf-8")
    with place_of(tmp_path, TLM_DASH_PRICES=str(file)) as place:
        with pytest.raises(SettingsError) as refused:
            prices.listed(place)
        assert str(file) in refused.value.message and refused.value.hint
    gone = str(tmp_path / "gone.csv")
    with place_of(tmp_path, TLM_DASH_PRICES=gone) as place, pytest.raises(SettingsError, match="be read"):
        prices.price_table(place)


@pytest.mark.parametrize(
    "wrong",
    [
        Price("model", " ", 1.0, 1.0), Price("model", "m", 1.0), Price("model", "m", -1.0, 1.0),
        Price("model", "m", 1.0, float("nan")), Price("preset", "best", per_request=1.0),
        Price("preset", "low"),
    ],
)  # fmt: skip
def test_a_price_that_cannot_be_is_refused_and_nothing_changes(tmp_path: Path, wrong: Price) -> None:
    with place_of(tmp_path) as place:
        with pytest.raises(InvalidInputError):
            prices.change_prices(place, [Price("model", "fine", 1.0, 1.0), wrong])
        with pytest.raises(InvalidInputError, match="two prices"):
            prices.change_prices(place, 2 * [Price("model", "fine", 1.0, 1.0)])
        assert prices.listed(place) == []


def test_runs_keep_the_prices_they_were_started_with(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 4)
    prices.change_prices(
        dashboard, [Price("model", MODEL, 1e6, 0.0), Price("preset", "low", per_request=2.0)]
    )
    request = RunRequest(dataset_id, (MODEL,), ("base", "low"))
    run_ids = runs.start(dashboard, request, begin=False)
    prices.change_prices(dashboard, [])
    runs.resume(dashboard, run_ids, Limits(max_in_flight=2))
    lead, low = wait_for(dashboard, run_ids)
    assert lead.limits.max_in_flight == 2 and lead.counts.input_tokens
    # The model's price for the tokens of its answers; the preset's for a score of each row, not for answers.
    assert lead.cost == pytest.approx(lead.counts.input_tokens)
    assert low.cost == pytest.approx(4 * 2.0)


def test_a_forecast_costs_only_what_has_a_price(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    request = RunRequest(dataset_id, (MODEL, "gpt-4.1-nano"), ("base", "low"))
    pilots = runs.start_pilot(dashboard, request, 5)
    wait_for(dashboard, pilots)
    without = forecast_of(dashboard, pilots)
    assert without.total is not None and without.total.cost is None
    assert any(note.startswith("There is no price") for note in without.notes)
    # A price for one of two models is no price for both.
    half = forecast_of(dashboard, pilots, PriceTable({MODEL: ModelPrice(1.0, 1.0)}))
    assert half.total is not None and half.total.cost is None
    assert any("Missing: gpt-4.1-nano" in note for note in half.notes)
    assert [cell.forecast.cost is not None for cell in half.cells if cell.forecast][0::2] == [True, False]
    both = {name: ModelPrice(0.0, 0.0) for name in (MODEL, "gpt-4.1-nano")}
    priced = forecast_of(dashboard, pilots, PriceTable(both, {"base": 0.25}))
    assert priced.total is not None and priced.total.cost is not None
    assert priced.total.cost.value == pytest.approx(2 * 40 * 0.25)
    assert any("scoring at low has no price" in note for note in priced.notes)
    assert not runs.show(dashboard, pilots[0]).limits.prices


def test_a_cap_on_the_cost_needs_prices_and_stops_at_them(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 60)
    request = RunRequest(
        dataset_id, (MODEL,), ("low",), mode="generate", limits=Limits(max_cost=10.0, max_in_flight=2)
    )
    with pytest.raises(InvalidInputError, match="no price"):
        runs.start(dashboard, request)
    prices.change_prices(
        dashboard, [Price("model", MODEL, 0.0, 0.0), Price("preset", "low", per_request=1.0)]
    )
    (view,) = wait_for(dashboard, runs.start(dashboard, request))
    assert view.status == "paused" and view.cost == pytest.approx(10.0)
    assert "cap of 10 on the cost" in (view.record.detail or "")
