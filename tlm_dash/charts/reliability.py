"""The reliability diagram: how often rows of a score are right, against the score itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from tlm_dash.charts.theme import NEUTRAL, base_layout, model_color
from tlm_dash.words.numbers import percent, percent_range


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of a bin of scores: `n` of them, their mean score, and the share right with its interval."""

    low_edge: float
    high_edge: float
    n: int
    mean_score: float
    accuracy: float
    low: float
    high: float


def reliability(bins: Sequence[ReliabilityBin], *, model: str) -> go.Figure:
    """Draw a point for each bin that holds rows, with its interval; the diagonal is perfect calibration."""
    figure = go.Figure(layout=base_layout())
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 100], mode="lines", hoverinfo="skip",
            line={"color": NEUTRAL, "dash": "dash", "width": 1},
        )
    )  # fmt: skip
    most = max((one.n for one in bins), default=1)
    figure.add_trace(
        go.Scatter(
            x=[one.mean_score for one in bins],
            y=[100 * one.accuracy for one in bins],
            mode="markers",
            marker={
                "color": model_color(model),
                "size": [7 + 9 * (one.n / most) ** 0.5 for one in bins],
            },
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
                "color": model_color(model),
                "array": [100 * (one.high - one.accuracy) for one in bins],
                "arrayminus": [100 * (one.accuracy - one.low) for one in bins],
            },
            customdata=[
                (_edges(b), f"{b.n:,}", percent_range(b.low, b.high), percent(b.accuracy)) for b in bins
            ],
            hovertemplate=(
                "scores %{customdata[0]}, %{customdata[1]} rows<br>%{customdata[3]} right "
                "(%{customdata[2]})<extra></extra>"
            ),
        )
    )  # fmt: skip
    figure.update_xaxes(title="mean score of the bin", range=[-0.02, 1.02], zeroline=False, showgrid=False)
    figure.update_yaxes(title="right, %", range=[-4, 106], zeroline=False)
    return figure


def reliability_text(bins: Sequence[ReliabilityBin], confidence: float) -> str:
    """Say in words what the diagram shows."""
    if not bins:
        return "Reliability diagram: no labelled row has a score."
    said = [
        f"scores {_edges(b)}: {percent(b.accuracy)} right of {b.n:,} ({percent_range(b.low, b.high)})"
        for b in bins
    ]
    return f"Reliability diagram, {percent(confidence)} intervals. {'; '.join(said)}."


def _edges(one: ReliabilityBin) -> str:
    return f"{one.low_edge:.1f} to {one.high_edge:.1f}"
