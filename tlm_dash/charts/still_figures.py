"""The figures of a record: risk against coverage, differences with their intervals, the distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.charts.still import WIDTH, Frame
from tlm_dash.charts.theme import BAND_OPACITY, COLORS, NEUTRAL

LINE, CHOSEN = COLORS[0], COLORS[1]
ROW_HEIGHT = 34
NAME_WIDTH = 250
NAME_CHARACTERS = 36


def risk_curve(
    points: Sequence[Mapping[str, Any]], *, max_risk: float | None, chosen: float | None, told: str
) -> str:
    """Draw the share of wrong answers among the accepted against the share accepted, with its band.

    `points` have coverage, risk, risk_low and risk_high as fractions, risks None where too few labels stand
    behind them. `chosen` is the coverage of the threshold in force.
    """
    drawn = [point for point in points if point["risk_high"] is not None]
    if not drawn:
        return ""
    drawn = sorted(drawn, key=lambda point: float(point["coverage"]))
    top = max([float(point["risk_high"]) for point in drawn] + [(max_risk or 0.0) * 1.2])
    frame = Frame(x=(0.0, 1.0), y=(0.0, min(1.0, top * 1.05)))
    frame.axes("share of rows accepted", "wrong among the accepted")
    highs = _steps([(p["coverage"], p["risk_high"]) for p in drawn])
    lows = _steps([(p["coverage"], p["risk_low"]) for p in drawn])
    frame.area([*highs, *reversed(lows)], color=LINE, opacity=BAND_OPACITY)
    frame.line([(p["coverage"], p["risk"]) for p in drawn], color=LINE)
    if max_risk is not None:
        frame.line([(0.0, max_risk), (1.0, max_risk)], color=NEUTRAL, dash="6 4")
        frame.text(1.0, max_risk, "target", anchor="end")
    if chosen is not None:
        frame.line([(chosen, 0.0), (chosen, frame.y[1])], color=CHOSEN, dash="3 3")
        frame.text(chosen, frame.y[1], " accepted at the threshold", anchor=_side(chosen), up=-12)
    return frame.svg(told)


def differences(rows: Sequence[Mapping[str, Any]], *, told: str) -> str:
    """Draw one line per difference to the baseline: name, value, low and high, with a line at zero.

    All are in the same unit, as fractions; a row whose interval is None shows its value alone.
    """
    ends = [float(row[key]) for row in rows for key in ("value", "low", "high") if row.get(key) is not None]
    if not ends:
        return ""
    reach = max(0.01, *(abs(end) for end in ends)) * 1.1
    frame = Frame(
        x=(-reach, reach), y=(0.0, float(len(rows))), height=58 + ROW_HEIGHT * len(rows), left=NAME_WIDTH
    )
    frame.axes("difference to the baseline (0.03 of accuracy or AUROC is shown as 3%)", None)
    frame.line([(0.0, 0.0), (0.0, float(len(rows)))], color=NEUTRAL, dash="4 4")
    for number, row in enumerate(rows):
        place = len(rows) - number - 0.5
        frame.text(-reach, place, _cut(str(row["name"])) + "  ", anchor="end", up=-4)
        if row.get("value") is None:
            continue
        if row.get("low") is not None and row.get("high") is not None:
            frame.line([(row["low"], place), (row["high"], place)], color=LINE)
        frame.dot(row["value"], place, color=LINE)
    return frame.svg(told)


def distribution(edges: Sequence[float], counts: Sequence[int], *, threshold: float | None, told: str) -> str:
    """Draw a histogram of scores: `edges` is one longer than `counts`."""
    if not sum(counts):
        return ""
    frame = Frame(x=(float(edges[0]), float(edges[-1])), y=(0.0, float(max(counts)) * 1.05), height=220)
    frame.axes("trustworthiness score", "rows", percent=(False, False))
    gap = (float(edges[-1]) - float(edges[0])) / (WIDTH - NAME_WIDTH)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        corners = [(left + gap, 0.0), (left + gap, count), (right - gap, count), (right - gap, 0.0)]
        frame.area([(float(x), float(y)) for x, y in corners], color=LINE, opacity=0.75)
    if threshold is not None:
        frame.line([(threshold, 0.0), (threshold, frame.y[1])], color=CHOSEN, dash="3 3")
        frame.text(threshold, frame.y[1], " threshold", anchor=_side(threshold), up=-12)
    return frame.svg(told)


def _steps(points: Sequence[tuple[Any, Any]]) -> list[tuple[float, float]]:
    """Hold every value until the next one: between two thresholds the band is not known better."""
    steps: list[tuple[float, float]] = []
    for x, y in points:
        if steps:
            steps.append((float(x), steps[-1][1]))
        steps.append((float(x), float(y)))
    return steps


def _side(share: float) -> str:
    return "end" if share > 0.6 else "start"


def _cut(text: str) -> str:
    return text if len(text) <= NAME_CHARACTERS else text[: NAME_CHARACTERS - 1] + "…"
