"""Still charts: values stand where they belong, texts are escaped, nothing is loaded."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.charts.still import WIDTH, Frame, tick_text, ticks
from tlm_dash.charts.still_figures import differences, distribution, risk_curve

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "\"><script>alert(1)</script><img src='http://evil.example/x'>&"


def points(n: int) -> list[dict[str, float | None]]:
    return [
        {"coverage": k / n, "risk": 0.1 * k / n, "risk_low": 0.05 * k / n, "risk_high": 0.2 * k / n}
        for k in range(1, n + 1)
    ]


def test_values_stand_where_they_belong() -> None:
    frame = Frame(x=(0.0, 2.0), y=(0.0, 10.0), height=300)
    left, bottom = frame.at(0.0, 0.0)
    right, top = frame.at(2.0, 10.0)
    assert frame.at(1.0, 5.0) == pytest.approx(((left + right) / 2, (top + bottom) / 2))
    assert 0 < left < right < WIDTH
    assert 0 < top < bottom < 300
    assert frame.at(99.0, -1.0) == (right, bottom)


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e6), st.integers(2, 12))
def test_ticks_are_round_inside_and_not_too_many(low: float, width: float, most: int) -> None:
    high = low + width
    found = ticks(low, high, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * width <= value <= high + 1e-6 * width for value in found)
    gaps = {round((b - a) / width, 6) for a, b in zip(found, found[1:], strict=False)}
    assert len(gaps) <= 1


@pytest.mark.parametrize(
    ("value", "is_percent", "ends", "told"),
    [
        (0.2, True, (0.0, 1.0), "20%"),
        (0.025, True, (0.0, 0.15), "2.5%"),
        (0.6, False, (0.0, 1.0), "0.6"),
        (300.0, False, (0.0, 361.0), "300"),
    ],
)
def test_ticks_are_written_with_the_digits_they_need(
    value: float, is_percent: bool, ends: tuple[float, float], told: str
) -> None:
    assert tick_text(value, is_percent, ends) == told


def test_a_curve_shows_its_band_its_target_and_the_choice() -> None:
    figure = ElementTree.fromstring(
        risk_curve(points(50), max_risk=0.08, chosen=0.4, told="Risk by coverage")
    )
    assert figure.attrib["aria-label"] == "Risk by coverage"
    assert len(figure.findall(f"{SVG}polygon")) == 1
    assert len(figure.findall(f"{SVG}polyline")) == 3
    words = " ".join("".join(text.itertext()) for text in figure.findall(f"{SVG}text"))
    assert "target" in words
    assert "accepted at the threshold" in words
    assert "%" in words


def test_the_band_holds_each_value_until_the_next_threshold() -> None:
    figure = ElementTree.fromstring(risk_curve(points(2), max_risk=None, chosen=None, told=""))
    (band,) = figure.findall(f"{SVG}polygon")
    corners = [tuple(map(float, corner.split(","))) for corner in band.attrib["points"].split()]
    frame = Frame(x=(0.0, 1.0), y=(0.0, 0.2 * 1.05))
    highs = [frame.at(0.5, 0.1), frame.at(1.0, 0.1), frame.at(1.0, 0.2)]
    assert corners[:3] == [pytest.approx(corner, abs=0.06) for corner in highs]


def test_nothing_to_draw_gives_no_figure() -> None:
    silent = [{"coverage": 0.5, "risk": None, "risk_low": None, "risk_high": None}]
    assert risk_curve(silent, max_risk=0.05, chosen=None, told="") == ""
    assert differences([{"name": "AUROC", "value": None, "low": None, "high": None}], told="") == ""
    assert distribution([0.0, 0.5, 1.0], [0, 0], threshold=None, told="") == ""


def test_differences_stand_on_their_side_of_zero() -> None:
    figure = ElementTree.fromstring(
        differences(
            [
                {"name": "better", "value": 0.02, "low": 0.01, "high": 0.03},
                {"name": "worse, no interval", "value": -0.02, "low": None, "high": None},
            ],
            told="",
        )
    )
    better, worse = (float(dot.attrib["cx"]) for dot in figure.findall(f"{SVG}circle"))
    zero = float(figure.findall(f"{SVG}polyline")[0].attrib["points"].split(",")[0])
    assert worse < zero < better
    assert len(figure.findall(f"{SVG}polyline")) == 2  # zero, and the one interval there is


def test_a_histogram_has_a_bar_for_every_bin() -> None:
    figure = ElementTree.fromstring(distribution([0.0, 0.5, 1.0], [1, 3], threshold=0.7, told="Scores"))
    heights = []
    for bar in figure.findall(f"{SVG}polygon"):
        ys = [float(corner.split(",")[1]) for corner in bar.attrib["points"].split()]
        heights.append(max(ys) - min(ys))
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.01)


def test_texts_are_escaped_and_nothing_is_loaded() -> None:
    drawn = differences([{"name": HOSTILE, "value": 0.1, "low": 0.0, "high": 0.2}], told=HOSTILE)
    figure = ElementTree.fromstring(drawn)
    assert {element.tag.removeprefix(SVG) for element in figure.iter()} <= {
        "svg", "text", "line", "polyline", "polygon", "circle",
    }  # fmt: skip
    assert not re.search(r"\b(href|src|url)\s*[=(]", drawn.replace("src=&#x27;", ""))
