"""The histogram: bars as they were counted, boxes as intervals of scores, and words that say the same."""

from __future__ import annotations

import pytest

from tlm_dash.charts.distribution import FADED, distribution_chart, distribution_words, interval_of
from tlm_dash.charts.theme import COLORS, escaped, model_color, model_colors

EDGES = tuple(number / 10 for number in range(11))
COUNTS = (0, 0, 1, 0, 0, 4, 0, 0, 5, 10)


def test_bars_are_the_counts_with_their_intervals() -> None:
    figure = distribution_chart(EDGES, COUNTS, chosen=(0.5, 0.9))
    (bars,) = figure.data
    assert list(bars.y) == list(COUNTS)
    assert list(bars.customdata[8]) == ["from 0.8 to 0.9", "25%"]
    assert [round(opacity, 1) for opacity in bars.marker.opacity] == [FADED] * 5 + [1.0] * 4 + [FADED]
    assert figure.layout.dragmode == "select" and figure.layout.selectdirection == "h"
    assert "n = 20" in figure.layout.xaxis.title.text and figure.layout.yaxis.title.text == "Rows"
    assert figure.layout.yaxis.dtick is None
    assert distribution_chart(EDGES, [min(count, 2) for count in COUNTS]).layout.yaxis.dtick == 1


@pytest.mark.parametrize(
    ("box", "interval"),
    [
        ((3.1, 5.9), (0.3, 0.6)),
        ((5.9, 3.1), (0.3, 0.6)),
        ((2.6, 5.4), (0.3, 0.5)),
        ((-2.0, 2.9), (None, 0.3)),
        ((7.2, 99.0), (0.7, None)),
        ((-1.0, 11.0), (None, None)),
        ((4.1, 4.2), (0.4, 0.5)),
        ((0.0, 0.1), (None, 0.1)),
        ((12.0, 13.0), (0.9, None)),
    ],
)
def test_a_box_is_an_interval_of_whole_bins(
    box: tuple[float, float], interval: tuple[float | None, float | None]
) -> None:
    assert interval_of(EDGES, *box) == interval


def test_ticks_near_one_stand_between_their_bins() -> None:
    edges = tuple(1 / (1 + 10 ** -(-2 + 0.2 * step)) for step in range(41))
    figure = distribution_chart(edges, (1,) * 40, axis="logit")
    places = dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True))
    assert places["0.5"] == pytest.approx(10)
    assert places["0.999"] == pytest.approx(10 + 5 * 2.99957, abs=1e-3)
    assert list(figure.layout.xaxis.tickvals) == sorted(figure.layout.xaxis.tickvals)
    few = distribution_chart(edges, (1,) * 40, axis="logit", is_narrow=True)
    assert len(few.layout.xaxis.tickvals) < len(figure.layout.xaxis.tickvals)


def test_the_words_say_what_the_picture_shows() -> None:
    assert distribution_words(EDGES, COUNTS) == (
        "A histogram of the scores of 20 rows in 10 bins. Most, 10, are from 0.9 to 1; 1 are below 0.5."
    )
    assert "without any scored row" in distribution_words(EDGES, (0,) * 10)
    assert distribution_chart(EDGES, (0,) * 10).layout.yaxis.range == (0, 1)


def test_colours_stay_with_their_model() -> None:
    assert model_color("gpt-4.1-mini") == model_color("gpt-4.1-mini")
    names = [f"model {number}" for number in range(len(COLORS))]
    found = model_colors(names)
    assert len(set(found.values())) == len(COLORS)
    assert model_colors([*names, "one more"]).keys() == {*names, "one more"}
    assert model_colors(names[::-1]) == found
    assert len(COLORS) == 10, "with fewer, plotly drops the whole list"


def test_text_in_a_figure_is_escaped() -> None:
    assert escaped("<b>&lt;") == "&lt;b&gt;&amp;lt;"
