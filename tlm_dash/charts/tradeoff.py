"""Quality against what it takes: one point per run, its interval as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlm_dash.charts.theme import base_layout, escaped
from tlm_dash.words.numbers import decimal, percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 320

PERCENT = ", %"
"""Ends the name of a quality that is drawn in percent; others are decimals."""

# One after the other, so that the names of neighbours do not lie on each other.
_PLACES = ("top center", "bottom center", "middle right", "middle left")


@dataclass(frozen=True, slots=True)
class TradePoint:
    """A run: quality with its interval, and effort (cost or time) with one where it has one."""

    name: str
    color: str
    quality: float
    quality_low: float | None
    quality_high: float | None
    effort: float
    effort_low: float | None = None
    effort_high: float | None = None
    is_baseline: bool = False


def tradeoff(points: Sequence[TradePoint], *, quality: str, effort: str) -> go.Figure:
    """Draw quality (upwards) against effort (to the right), which name the axes with their units."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=base_layout(HEIGHT))
    for number, point in enumerate(points):
        figure.add_trace(
            go.Scatter(
                x=[point.effort], y=[point.quality], mode="markers+text", name=escaped(point.name),
                text=[escaped(_short(point.name))],
                textposition=_PLACES[number % len(_PLACES)], cliponaxis=False,
                marker={
                    "color": point.color, "size": 11,
                    "symbol": "diamond" if point.is_baseline else "circle",
                },
                error_y=_bar(point.quality, point.quality_low, point.quality_high, point.color),
                error_x=_bar(point.effort, point.effort_low, point.effort_high, point.color),
                customdata=[escaped(_words(point, quality, effort))],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    highest = max([0.0, *(point.effort_high or point.effort for point in points)])
    figure.update_xaxes(title=escaped(effort), range=[0, highest * 1.18 or 1], zeroline=False)
    figure.update_yaxes(title=escaped(quality), zeroline=False)
    figure.update_layout(margin={"t": 28})
    return figure


def tradeoff_text(points: Sequence[TradePoint], *, quality: str, effort: str) -> str:
    """Say in words what the chart shows."""
    if not points:
        return "No run has both figures."
    return "; ".join(_words(point, quality, effort) for point in points) + "."


def _bar(value: float, low: float | None, high: float | None, color: str) -> dict[str, object]:
    return {
        "type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": color,
        "array": [0 if high is None else high - value], "arrayminus": [0 if low is None else value - low],
    }  # fmt: skip


def _words(point: TradePoint, quality: str, effort: str) -> str:
    between = ""
    if point.quality_low is not None and point.quality_high is not None:
        between = f" ({_written(point.quality_low, quality)} to {_written(point.quality_high, quality)})"
    role = " (baseline)" if point.is_baseline else ""
    return (
        f"{point.name}{role}: {quality.removesuffix(PERCENT)} {_written(point.quality, quality)}{between}, "
        f"{effort} {point.effort:.3g}"
    )


def _written(value: float, quality: str) -> str:
    return percent(value / 100) if quality.endswith(PERCENT) else decimal(value)


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"
