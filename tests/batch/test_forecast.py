"""Extrapolating a pilot: exact where all was seen, honest where it was not."""

from __future__ import annotations

import random

import pytest

from tlm_dash.batch.forecast import PilotRow, estimated_total, finished_in_all, forecast, student_quantile
from tlm_dash.batch.prices import ModelPrice, PriceTable

# Student's 0.975 quantiles from printed tables.
QUANTILES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 19: 2.093, 120: 1.980}


@pytest.mark.parametrize(("freedom", "expected"), QUANTILES.items())
def test_students_quantile(freedom: int, expected: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(expected, rel=0.003)


def test_a_total_of_all_is_exact_and_of_one_row_has_no_interval() -> None:
    whole = estimated_total([1.0, 2.0, 3.0], 3)
    assert (whole.value, whole.low, whole.high) == (6.0, 6.0, 6.0)
    alone = estimated_total([5.0], 10)
    assert (alone.value, alone.low, alone.high) == (50.0, None, None)


def test_the_interval_covers_as_often_as_it_says() -> None:
    chance, covered = random.Random(1), 0
    for _ in range(2000):
        items = [chance.gauss(100, 20) for _ in range(200)]
        found = estimated_total(chance.sample(items, 20), 200)
        assert found.low is not None and found.high is not None
        covered += found.low <= sum(items) <= found.high
    assert 0.935 <= covered / 2000 <= 0.965


def row(item_no: int, run_id: str = "a", **said: object) -> PilotRow:
    values = {
        "n_requests": 1, "busy_ms": 100.0, "input_tokens": 10, "output_tokens": 5, "cost": None,
        "failed": False,
    } | said  # fmt: skip
    return PilotRow(run_id, item_no, **values)  # type: ignore[arg-type]


def test_runs_of_one_item_count_together() -> None:
    rows = [row(n, run) for n in (1, 2) for run in ("a", "b")]
    found = forecast(rows, 100)
    assert found is not None and found.n_pilot == 2
    assert (found.requests.value, found.busy_ms.value) == (200.0, 20_000.0)
    assert found.cost is None and found.failed_share == 0.0
    assert found.duration_ms(10, None).value == 2000.0
    assert found.duration_ms(10, 0.5).value == 400_000.0
    assert forecast([], 100) is None


def test_no_run_is_over_before_its_first_request() -> None:
    found = forecast([row(1, busy_ms=900.0)], 2)
    assert found is not None
    assert found.duration_ms(16, None).value == 900.0
    assert found.duration_ms(1, None).value == 1800.0


def test_no_price_is_no_cost() -> None:
    prices = PriceTable({"m": ModelPrice(1.0, 2.0)}, {"low": 0.5})
    tokens = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    assert prices.cost("m", "low", **tokens, n_scored=2) == 3.0
    assert prices.cost("m", "base", **tokens, n_scored=2) == 2.0
    assert prices.cost("other", "low", **tokens, n_scored=2) is None
    nothing = {"input_tokens": None, "output_tokens": None}
    assert prices.cost("other", "low", **nothing, n_scored=2) == 1.0
    assert prices.cost("other", "base", **nothing, n_scored=2) is None
    assert PriceTable.from_mapping(prices.as_mapping()) == prices


def test_an_item_that_is_under_way_in_one_run_does_not_make_the_total_smaller() -> None:
    pair = [row(number, run_id, n_requests=n) for number in (1, 2, 3) for run_id, n in (("a", 2), ("b", 1))]
    half = [*pair, row(4, "a", n_requests=2), row(5, "b", n_requests=1)]
    assert finished_in_all(half, 2) == pair
    found = forecast(finished_in_all(half, 2), 100)
    assert found is not None and found.requests.value == found.requests.low == 300.0
