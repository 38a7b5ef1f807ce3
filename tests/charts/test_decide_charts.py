"""The charts of the Decide page: what is drawn where, and what is said instead of it."""

from __future__ import annotations

from tlm_dash.charts.reliability import ReliabilityBin, reliability, reliability_text
from tlm_dash.charts.risk_coverage import CurvePoint, risk_coverage, risk_coverage_text

POINTS = [
    CurvePoint(0.9, 0.1, 0.0, None, None, 10),
    CurvePoint(0.7, 0.4, 0.025, 0.01, 0.08, 40),
    CurvePoint(0.5, 0.8, 0.05, 0.02, 0.1, 80),
]


def test_the_band_begins_where_it_says_something_and_the_curve_before() -> None:
    low, high, curve = risk_coverage(POINTS, model="m", max_risk=0.05, chosen=0.4).data
    assert (list(low.x), list(low.y), list(high.y)) == ([40, 80], [1, 2], [8, 10])
    assert (list(curve.x), list(curve.y)) == ([10, 40, 80], [0, 2.5, 5])
    assert {trace.line.shape for trace in (low, high, curve)} == {"hv"}
    assert high.fill == "tonexty"
    assert tuple(curve.customdata[0]) == ("0.9", "0%", "—", "—", "10", "10%")


def test_target_and_chosen_threshold_are_lines() -> None:
    figure = risk_coverage(POINTS, model="m", max_risk=0.05, chosen=0.4)
    across, up = figure.layout.shapes
    assert (across.y0, across.y1, up.x0, up.x1) == (5.0, 5.0, 40.0, 40.0)
    assert figure.layout.yaxis.range[1] >= 10
    assert not risk_coverage(POINTS, model="m", max_risk=None, chosen=None).layout.shapes


def test_words_for_those_who_do_not_see_them() -> None:
    said = risk_coverage_text(POINTS, 0.95)
    assert "95% band" in said and "at 40% passing 2.5% wrong, band 1% to 8%" in said
    assert "too few labelled rows" in risk_coverage_text(POINTS[:1], 0.95)
    said = risk_coverage_text(POINTS, 0.95, max_risk=0.05, chosen=0.4)
    assert said.endswith("Target 5%; a line where 40% pass.")
    bins = [ReliabilityBin(0.8, 0.9, 40, 0.85, 0.75, 0.6, 0.87)]
    assert "scores 0.8 to 0.9: 75% right of 40 (60% to 87%)" in reliability_text(bins, 0.95)
    assert "no labelled row" in reliability_text([], 0.95)


def test_reliability_draws_a_point_with_its_interval_for_each_bin() -> None:
    bins = [
        ReliabilityBin(0.8, 0.9, 40, 0.85, 0.75, 0.6, 0.87),
        ReliabilityBin(0.9, 1.0, 10, 0.95, 1, 0.7, 1),
    ]
    diagonal, points = reliability(bins, model="m").data
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 1], [0, 100])
    assert (list(points.x), list(points.y)) == ([0.85, 0.95], [75, 100])
    assert [round(up, 9) for up in points.error_y.array] == [12, 0]
    assert [round(down, 9) for down in points.error_y.arrayminus] == [15, 30]
    assert points.marker.size[0] > points.marker.size[1]
