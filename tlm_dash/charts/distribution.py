"""How scores lie: one bar per bin, counted before, so that a million rows are forty numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tlm_dash.charts.theme import CHART_HEIGHT, COLORS, base_layout
from tlm_dash.words.numbers import percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
_FEW_TICKS = (0.01, 0.5, 0.99, 0.9999)
FADED = 0.3
FEW_ROWS = 5


def distribution_chart(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    axis: Literal["linear", "logit"] = "linear",
    chosen: tuple[float | None, float | None] | None = None,
    color: str = COLORS[0],
    is_narrow: bool = False,
    height: int = CHART_HEIGHT,
) -> go.Figure:
    """Draw n counts between n + 1 edges, which are scores. Bars stand at their bin's number, from 0 upwards.

    `chosen` is the interval of scores that is filtered by: bars outside it fade. Dragging selects along the
    axis; `interval_of` gives the scores of what was dragged over. `is_narrow` leaves most ticks out.
    """
    import plotly.graph_objects as go

    n = sum(counts)
    odds = ", log odds" if axis == "logit" and not is_narrow else ""
    places, labels = _ticks(edges, axis, _FEW_TICKS if is_narrow else _TICKS)
    figure = go.Figure(_bars(edges, counts, chosen, color, open_ended=axis == "logit"))
    figure.update_layout(
        **base_layout(height),
        dragmode="select",
        selectdirection="h",
        xaxis={
            "title": {"text": f"Score{odds} (n = {n:,})"},
            "range": [0, len(counts)],
            "tickvals": places,
            "ticktext": labels,
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"title": {"text": "Rows"}, "rangemode": "tozero", "fixedrange": True, "tickformat": ",d"},
    )
    if not n:
        figure.update_yaxes(range=[0, 1], tickvals=[0])
    elif max(counts) < FEW_ROWS:
        # Ticks between whole numbers would be rounded, and each number be there several times.
        figure.update_yaxes(dtick=1)
    return figure


def _bars(
    edges: Sequence[float],
    counts: Sequence[int],
    chosen: tuple[float | None, float | None] | None,
    color: str,
    *,
    open_ended: bool,
) -> go.Bar:
    import plotly.graph_objects as go

    n = max(1, sum(counts))
    numbers = range(len(counts))
    return go.Bar(
        x=[number + 0.5 for number in numbers],
        y=list(counts),
        width=1.0,
        marker={
            "color": color,
            "opacity": [1.0 if _is_inside(edges, number, chosen) else FADED for number in numbers],
            "line": {"width": 0},
        },
        customdata=[
            [_interval_words(edges, number, open_ended=open_ended), percent(counts[number] / n)]
            for number in numbers
        ],
        hovertemplate="%{customdata[0]}<br>%{y:,} rows, %{customdata[1]}<extra></extra>",
        # A box that a person drags fades nothing by itself: the page says what is chosen.
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": FADED}},
    )


def interval_of(edges: Sequence[float], low: float, high: float) -> tuple[float | None, float | None]:
    """Give the scores of a box between two places of the axis: whole bins, at least one.

    The lower end is within, the upper one is not; None where there is no end, at the outermost bins.
    """
    n = len(edges) - 1
    low, high = min(low, high), max(low, high)
    # A bin counts where its middle is within the box.
    inside = [number for number in range(n) if low <= number + 0.5 <= high]
    if not inside:
        middle = min(n - 1, max(0, int((low + high) / 2)))
        inside = [middle]
    return (
        edges[inside[0]] if inside[0] > 0 else None,
        edges[inside[-1] + 1] if inside[-1] < n - 1 else None,
    )


def distribution_words(
    edges: Sequence[float], counts: Sequence[int], chosen: tuple[float | None, float | None] | None = None
) -> str:
    """Say what the chart shows: how many rows, where most of them are, and how many bars are chosen."""
    n = sum(counts)
    if not n:
        return "A histogram of scores, without any scored row."
    fullest = max(range(len(counts)), key=lambda number: counts[number])
    below_half = sum(count for edge, count in zip(edges[1:], counts, strict=True) if edge <= 0.5)
    marked = ""
    if chosen is not None:
        inside = [number for number in range(len(counts)) if _is_inside(edges, number, chosen)]
        told = f"{len(inside)} bars with {sum(counts[number] for number in inside):,} rows"
        marked = f" Chosen are {told}; the others are faded."
    return (
        f"A histogram of the scores of {n:,} rows in {len(counts)} bins. Most, {counts[fullest]:,}, are "
        f"{_interval_words(edges, fullest, open_ended=False)}; {below_half:,} are below 0.5.{marked}"
    )


def _is_inside(edges: Sequence[float], number: int, chosen: tuple[float | None, float | None] | None) -> bool:
    if chosen is None:
        return True
    low, high = chosen
    return (low is None or edges[number + 1] > low) and (high is None or edges[number] < high)


def _interval_words(edges: Sequence[float], number: int, *, open_ended: bool) -> str:
    if open_ended and number == 0:
        return f"below {_short(edges[1])}"
    if open_ended and number == len(edges) - 2:
        return f"from {_short(edges[-2])}"
    return f"from {_short(edges[number])} to {_short(edges[number + 1])}"


def _short(score: float) -> str:
    """Write a score near 1 by as many nines as it has, others by two digits."""
    if score < 0.99 or score == 1:
        return f"{score:.3g}"
    nines = 0
    while 1 - score < 10 ** -(nines + 1):
        nines += 1
    return f"{score:.{nines + 1}f}".rstrip("0")


def _ticks(edges: Sequence[float], axis: str, wanted: Sequence[float]) -> tuple[list[float], list[str]]:
    if axis == "linear":
        step = max(1, (len(edges) - 1) // 5)
        numbers = range(0, len(edges), step)
        return [float(number) for number in numbers], [f"{edges[number]:.2g}" for number in numbers]
    places = []
    for tick in wanted:
        above = next((number for number, edge in enumerate(edges) if edge >= tick), len(edges) - 1)
        low, high = edges[max(above - 1, 0)], edges[above]
        part = 1.0 if high <= low else (_odds(tick) - _odds(low)) / (_odds(high) - _odds(low))
        places.append(max(0.0, above - 1 + part))
    return places, [f"{tick:g}" for tick in wanted]


def _odds(score: float) -> float:
    from math import log10

    return log10(score / (1 - score))
