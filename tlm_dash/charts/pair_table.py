"""The 2×2 table of right and wrong as a picture: four fields, each as dark as its share of the pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlm_dash.charts.theme import NEUTRAL, base_layout, escaped
from tlm_dash.words.numbers import percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 240
_FAINTEST, _DARKEST = 0.10, 0.40


def pair_picture(
    counts: tuple[int, int, int, int], *, name_a: str, name_b: str, color_a: str, color_b: str
) -> go.Figure:
    """Draw (both right, only a, only b, neither); where one alone is right the field has its colour."""
    import plotly.graph_objects as go

    both, only_a, only_b, neither = counts
    n = sum(counts)
    figure = go.Figure(layout=base_layout(HEIGHT))
    # The baseline is right above, wrong below; the candidate right at the left, wrong at the right.
    fields = (
        (0, 1, both, NEUTRAL),
        (1, 1, only_a, color_a),
        (0, 0, only_b, color_b),
        (1, 0, neither, NEUTRAL),
    )
    for x, y, count, color in fields:
        share = count / n if n else 0.0
        figure.add_shape(
            type="rect", x0=x + 0.02, x1=x + 0.98, y0=y + 0.03, y1=y + 0.97, fillcolor=color,
            opacity=_FAINTEST + (_DARKEST - _FAINTEST) * share, line={"width": 0}, layer="below",
        )  # fmt: skip
        figure.add_annotation(
            x=x + 0.5,
            y=y + 0.5,
            showarrow=False,
            text=f"<b>{count:,}</b><br>{percent(share)}",
            font={"size": 15},
        )
    figure.update_layout(margin={"l": 130, "r": 8, "t": 44, "b": 8}, hovermode=False)
    figure.update_xaxes(
        range=[0, 2], tickvals=[0.5, 1.5], side="top", fixedrange=True, showgrid=False, zeroline=False,
        tickangle=0, ticktext=[f"{_short(name_b)}<br>right", f"{_short(name_b)}<br>wrong"],
    )  # fmt: skip
    figure.update_yaxes(
        range=[0, 2], tickvals=[1.5, 0.5], fixedrange=True, showgrid=False, zeroline=False,
        ticktext=[f"{_short(name_a)}<br>right", f"{_short(name_a)}<br>wrong"],
    )  # fmt: skip
    return figure


def pair_picture_text(counts: tuple[int, int, int, int], *, name_a: str, name_b: str) -> str:
    """Say in words what the picture shows."""
    both, only_a, only_b, neither = counts
    return (
        f"Of {sum(counts):,} labelled pairs both are right in {both:,}, only {name_a} in {only_a:,}, only "
        f"{name_b} in {only_b:,}, neither in {neither:,}."
    )


def _short(name: str) -> str:
    return escaped(name if len(name) <= 18 else name[:17] + "…")
