"""Differences to the baseline as dots with whiskers, one line per figure, on one axis with a line at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlm_dash.charts.theme import NEUTRAL, base_layout, escaped
from tlm_dash.words.numbers import percent, points

if TYPE_CHECKING:
    import plotly.graph_objects as go

LINE_HEIGHT = 44
_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Whisker:
    """One difference in points; `low` and `high` are None where there is no interval. `note` follows them."""

    figure: str
    candidate: str
    value: float
    low: float | None
    high: float | None
    n: int
    note: str = ""


def whiskers(rows: Sequence[Whisker], colors: dict[str, str], confidence: float) -> go.Figure:
    """Draw differences, figures from top to bottom, candidates of one figure beside each other.

    `colors` gives each candidate its colour; its order is theirs.
    """
    import plotly.graph_objects as go

    figures = list(dict.fromkeys(row.figure for row in rows))
    candidates = [name for name in colors if any(row.candidate == name for row in rows)]
    figure = go.Figure(layout=base_layout(90 + LINE_HEIGHT * max(len(figures), 1)))
    for number, candidate in enumerate(candidates):
        mine = [row for row in rows if row.candidate == candidate]
        shift = _SPREAD * ((number + 0.5) / len(candidates) - 0.5)
        figure.add_trace(
            go.Scatter(
                x=[row.value for row in mine],
                y=[figures.index(row.figure) + shift for row in mine],
                mode="markers",
                name=escaped(candidate),
                marker={"color": colors[candidate], "size": 9},
                error_x={
                    "type": "data", "symmetric": False, "thickness": 2, "width": 0,
                    "color": colors[candidate],
                    "array": [0 if row.high is None else row.high - row.value for row in mine],
                    "arrayminus": [0 if row.low is None else row.value - row.low for row in mine],
                },
                customdata=[escaped(_words(row, confidence)) for row in mine],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5})
    figure.update_layout(
        margin={"l": 210, "r": 16, "t": 8, "b": 48}, showlegend=len(candidates) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(figures))), ticktext=[escaped(name) for name in figures],
        range=[len(figures) - 0.5, -0.5], showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_xaxes(title="candidate − baseline, points (right: the candidate is better)", zeroline=False)
    return figure


def whiskers_text(rows: Sequence[Whisker], confidence: float) -> str:
    """Say in words what the chart shows."""
    if not rows:
        return "No difference to the baseline can be drawn."
    told = "; ".join(f"{row.candidate}, {row.figure}: {_words(row, confidence)}" for row in rows)
    return f"Differences to the baseline in points. {told}."


def _words(row: Whisker, confidence: float) -> str:
    if row.low is None or row.high is None:
        return f"{points(row.value / 100)}, no interval (n = {row.n:,})"
    between = f"{points(row.low / 100)} to {points(row.high / 100)}"
    note = f"; {row.note}" if row.note else ""
    return f"{points(row.value / 100)} ({percent(confidence)}: {between}; n = {row.n:,}{note})"
