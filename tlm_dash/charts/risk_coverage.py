"""The risk-coverage curve: wrong answers among the accepted against the share accepted, with its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from tlm_dash.charts.theme import BAND_OPACITY, NEUTRAL, base_layout, model_color
from tlm_dash.words.numbers import at_most, bounds, percent, threshold_text

HEIGHT = 340
_WIDEST_RISK = 1.0


@dataclass(frozen=True)
class CurvePoint:
    """One threshold of the curve, as fractions; None where the sample says nothing."""

    threshold: float
    coverage: float
    risk: float | None
    low: float | None
    high: float | None
    n_labelled: int


def risk_coverage(
    points: Sequence[CurvePoint], *, model: str, max_risk: float | None, chosen: float | None
) -> go.Figure:
    """Draw the curve with its band as steps; a line for the target and one for the chosen threshold.

    `points` go from the strictest threshold on. `chosen` is the coverage of the chosen threshold.
    """
    color = model_color(model)
    figure = go.Figure(layout=base_layout(HEIGHT))
    drawn = [point for point in points if point.high is not None]
    for trace in _band(drawn, color):
        figure.add_trace(trace)
    figure.add_trace(_curve([point for point in points if point.risk is not None], color))
    figure.update_xaxes(
        title="share of all rows that pass, %", range=[0, 101], showgrid=False, zeroline=False
    )
    figure.update_yaxes(
        title="wrong among those that pass, %", range=[0, 100 * _top(drawn, points, max_risk)], zeroline=False
    )
    if max_risk is not None:
        figure.add_hline(
            y=100 * max_risk, line={"color": NEUTRAL, "dash": "dash", "width": 1},
            annotation={"text": f"target {percent(max_risk)}", "font": {"color": NEUTRAL}},
            annotation_position="top left",
        )  # fmt: skip
    if chosen is not None:
        figure.add_vline(x=100 * chosen, line={"color": NEUTRAL, "width": 1.5})
    return figure


def risk_coverage_text(
    points: Sequence[CurvePoint],
    confidence: float,
    *,
    max_risk: float | None = None,
    chosen: float | None = None,
) -> str:
    """Say in words what the curve shows, with the target and the share that passes where it has lines."""
    drawn = [point for point in points if point.risk is not None and point.high is not None]
    lines = [] if max_risk is None else [f"target {percent(max_risk)}"]
    lines += [] if chosen is None else [f"a line where {percent(chosen)} pass"]
    also = f" {'; '.join(lines).capitalize()}." if lines else ""
    if not drawn:
        return f"Risk-coverage curve: too few labelled rows for a band at any threshold.{also}"
    said = [
        f"at {percent(point.coverage)} passing {percent(point.risk)} wrong, "
        f"band {bounds(point.low, point.high)}"
        for point in (drawn[0], drawn[len(drawn) // 2], drawn[-1])
    ]
    return f"Risk-coverage curve with its {percent(confidence)} band: {'; '.join(said)}.{also}"


def _band(drawn: Sequence[CurvePoint], color: str) -> list[go.Scatter]:
    covered = [100 * point.coverage for point in drawn]
    lower, upper = ([100 * (getattr(p, name) or 0.0) for p in drawn] for name in ("low", "high"))
    line = {"shape": "hv", "width": 0, "color": color}
    plain = {"x": covered, "mode": "lines", "hoverinfo": "skip", "line": line}
    return [
        go.Scatter(y=lower, **plain),
        go.Scatter(y=upper, fill="tonexty", fillcolor=_transparent(color), **plain),
    ]


def _curve(seen: Sequence[CurvePoint], color: str) -> go.Scatter:
    return go.Scatter(
        x=[100 * point.coverage for point in seen],
        y=[100 * (point.risk or 0.0) for point in seen],
        mode="lines+markers" if len(seen) < 3 else "lines",
        line={"color": color, "width": 2, "shape": "hv"},
        customdata=[
            (
                threshold_text(p.threshold),
                percent(p.risk),
                percent(p.low),
                at_most(p.high),
                f"{p.n_labelled:,}",
                percent(p.coverage),
            )
            for p in seen
        ],
        hovertemplate=(
            "threshold %{customdata[0]}: %{customdata[5]} pass<br>"
            "%{customdata[1]} wrong of %{customdata[4]} labelled"
            "<br>band %{customdata[2]} to %{customdata[3]}<extra></extra>"
        ),
    )


def _top(drawn: Sequence[CurvePoint], points: Sequence[CurvePoint], max_risk: float | None) -> float:
    """Give the risk at which the axis ends: the whole band unless a few wide steps would flatten the rest."""
    highs = sorted(point.high for point in drawn if point.high is not None)
    observed = [point.risk for point in points if point.risk is not None and point.n_labelled >= 10]
    typical = highs[round(0.9 * (len(highs) - 1))] if highs else 0.0
    top = max([typical, 1.6 * (max_risk or 0.0), *observed, 0.02])
    return min(1.15 * top, _WIDEST_RISK)


def _transparent(color: str) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{BAND_OPACITY})"
