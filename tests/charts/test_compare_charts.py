"""The charts of a comparison: what is drawn, what is said, and that names are never interpreted."""

from __future__ import annotations

from tlm_dash.charts.pair_table import pair_picture, pair_picture_text
from tlm_dash.charts.theme import model_colors
from tlm_dash.charts.tradeoff import TradePoint, tradeoff, tradeoff_text
from tlm_dash.charts.whiskers import Whisker, whiskers, whiskers_text

EVIL = '<a href="https://x.example">low</a>'


def test_whiskers_have_a_line_for_each_figure_and_a_colour_for_each_candidate() -> None:
    rows = [
        Whisker("AUROC", "low", 1.0, -0.5, 2.5, 400), Whisker("PRR", "low", 3.0, None, None, 400),
        Whisker("AUROC", EVIL, -2.0, -3.0, -1.0, 390),
    ]  # fmt: skip
    figure = whiskers(rows, model_colors(["low", EVIL]), 0.975)
    assert len(figure.data) == 2
    low = next(trace for trace in figure.data if trace.name == "low")
    assert list(low.error_x.array) == [1.5, 0] and list(low.error_x.arrayminus) == [1.5, 0]
    assert list(figure.layout.yaxis.ticktext) == ["AUROC", "PRR"]
    assert "<a" not in figure.to_json()
    told = whiskers_text(rows, 0.975)
    assert "97.5%: −0.5 to +2.5; n = 400" in told and "no interval" in told
    assert "No difference" in whiskers_text([], 0.95)


def test_the_trade_off_has_bars_and_words() -> None:
    points = [
        TradePoint("medium", "#000000", 0.86, 0.82, 0.9, 5.0, is_baseline=True),
        TradePoint(EVIL, "#111111", 0.85, None, None, 2.0, 1.8, 2.2),
    ]
    figure = tradeoff(points, quality="AUROC", effort="cost of 1,000 rows")
    assert [trace.marker.symbol for trace in figure.data] == ["diamond", "circle"]
    assert figure.layout.yaxis.title.text == "AUROC" and "<a" not in figure.to_json()
    told = tradeoff_text(points, quality="AUROC", effort="cost of 1,000 rows")
    assert "medium (baseline): AUROC 0.860 (0.820 to 0.900), cost of 1,000 rows 5" in told


def test_the_table_shows_its_four_counts() -> None:
    counts = (33, 2, 1, 13)
    figure = pair_picture(counts, name_a="first", name_b=EVIL, color_a="#000000", color_b="#111111")
    written = [annotation.text for annotation in figure.layout.annotations]
    assert [text.partition("</b>")[0].removeprefix("<b>") for text in written] == ["33", "2", "1", "13"]
    assert "<a" not in figure.to_json()
    assert "both are right in 33, only first in 2" in pair_picture_text(
        counts, name_a="first", name_b="second"
    )
    assert len(pair_picture((0, 0, 0, 0), name_a="a", name_b="b", color_a="#000", color_b="#111").data) == 0
