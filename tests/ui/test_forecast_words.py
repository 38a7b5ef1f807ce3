"""How a forecast is written."""

from __future__ import annotations

import pytest

from tlm_dash.ui.parts.run_pilot import figures

NOTHING = {"requests": None, "input_tokens": None, "output_tokens": None, "cost": None}


@pytest.mark.parametrize(
    ("estimate", "low", "high", "said"),
    [
        (1_200, 1_100, 1_400, "time 1.2 (1.1 to 1.4) s"),
        (65_000, 55_800, 75_000, "time 1 min 5 s (55.8 s to 1 min 15 s)"),
        (65_000, 61_000, 75_000, "time 1 min 5 s (1 min 1 s to 1 min 15 s)"),
        (900, 800, 1_100, "time 900 ms (800 ms to 1.1 s)"),
        (1_200, None, None, "time 1.2 s"),
    ],
)
def test_a_time_keeps_its_units(estimate: float, low: float | None, high: float | None, said: str) -> None:
    duration = {"estimate": estimate, "low": low, "high": high}
    assert figures({**NOTHING, "duration_ms": duration}) == said
