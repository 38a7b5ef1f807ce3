"""The curve with a threshold to move along it, and what that threshold means for a day's work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tlm_dash.services.decide import Decision
from tlm_dash.services.operating_point import OperatingPoint, Workload, workload
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params import MOST_ROWS
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.parts import risk_curve
from tlm_dash.ui.text import visible
from tlm_dash.words.numbers import bounds, percent, threshold_text

AXIS_LEFT, AXIS_RIGHT = 48, 4
"""Pixels beside the slider, so that it lies under the axis of the curve."""


def draw(decision: Decision) -> None:
    """Draw the curve, the slider under it and the counts; moving the slider draws only these again."""

    @st.fragment
    def moving() -> None:
        guarded(lambda: _draw(decision))

    moving()


def _draw(decision: Decision) -> None:
    params = DecideParams.from_query(st.query_params)
    point = _looked_at(decision, params)
    if point is None:
        return
    st.header("Risk and coverage", anchor=False)
    risk_curve.draw(decision, point)
    _slider(decision.points, point)
    st.text(visible(_sentence(decision, point)))
    _day(decision, point, params)


def _looked_at(decision: Decision, params: DecideParams) -> OperatingPoint | None:
    """Give the threshold that the address names, else the answer, else the best one, else the loosest."""
    if params.threshold is not None:
        return decision.point_at(params.threshold)
    point = decision.answer.point or decision.best
    return point or (decision.points[-1] if decision.points else None)


def _slider(points: Sequence[OperatingPoint], point: OperatingPoint) -> None:
    """Draw the slider under the axis of the curve: it goes from strict to loose as the axis does."""
    if len(points) < 2:
        return
    shown = {one.threshold: threshold_text(one.threshold) for one in points}
    with st.container(horizontal=True, gap=None):
        st.space(AXIS_LEFT)
        st.session_state["decide-slider"] = point.threshold
        st.select_slider(
            "Threshold, strict to loose", list(shown), format_func=shown.__getitem__, key="decide-slider",
            on_change=_move, args=("decide-slider",), width="stretch",
        )  # fmt: skip
        st.space(AXIS_RIGHT)


def _sentence(decision: Decision, point: OperatingPoint) -> str:
    """Say what the band tells of the threshold that is looked at."""
    passing = f"At {threshold_text(point.threshold)}, {point.n_accepted:,} of {decision.n_rows:,} rows pass. "
    if point.risk_low is None or point.risk_high is None:
        return passing + (
            f"Of them {point.n_accepted_labelled:,} are labelled: fewer than 30 say nothing about the rest."
        )
    confidence = percent(decision.question.confidence)
    said = passing + (
        f"{bounds(point.risk_low, point.risk_high)} of those are wrong, with "
        f"{confidence} confidence at all thresholds at once ({decision.band_method}; "
        f"{point.n_accepted_labelled:,} of them labelled). So the threshold may be moved freely here."
    )
    question = decision.question
    if decision.answer.point == point and question.max_risk is not None and not question.from_band:
        said += (
            f" Its upper end is the {percent(question.max_risk)} of the answer, from a test made for one "
            "target named beforehand, which holds together with the rest of the band."
        )
    return said


def _day(decision: Decision, point: OperatingPoint, params: DecideParams) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.session_state["decide-threshold"] = point.threshold
        st.number_input(
            "Threshold", step=0.01, format="%.6g", key="decide-threshold", width=150, on_change=_move,
            args=("decide-threshold",),
            help="The next threshold of the curve that is as strict or stricter is taken.",
        )  # fmt: skip
        volume = params.daily_volume or max(1, decision.n_rows)
        st.session_state["decide-day"] = volume
        st.number_input(
            "Rows a day", 1, MOST_ROWS, key="decide-day", width=150, on_change=_take,
            args=("daily_volume", "decide-day"),
        )  # fmt: skip
        st.session_state["decide-pace"] = params.seconds_per_row
        st.number_input(
            "Seconds to read one", 1, MOST_ROWS, key="decide-pace", width=150, on_change=_take,
            args=("seconds_per_row", "decide-pace"),
        )  # fmt: skip
    _counts(workload(point, volume, params.seconds_per_row))


def _counts(day: Workload) -> None:
    low, high = day.wrong_accepted_low, day.wrong_accepted_high
    wrong = "not known" if low is None or high is None else f"{_count(low)} to {_count_at_most(high)}"
    with st.container(horizontal=True, gap="medium", key="workload"):
        st.metric("Pass a day", _count(day.accepted))
        st.metric("Go to people a day", _count(day.to_review))
        hours = day.review_hours
        st.metric("Reading a day", f"{hours:,.1f} h" if hours >= 1 else f"{60 * hours:,.0f} min")
        st.metric("Wrong among those that pass a day", wrong)


def _count(rows: float) -> str:
    return f"{rows:,.0f}" if rows >= 10 else f"{rows:.1f}".removesuffix(".0")


def _count_at_most(rows: float) -> str:
    """Write rows up to a bound: rounded up, as the bound itself is written."""
    step = 1 if rows >= 10 else 10
    return _count(math.ceil(round(rows * step, 9)) / step)


def _move(key: str) -> None:
    params = DecideParams.from_query(st.query_params)
    moved = replace(params, threshold=float(st.session_state[key]))
    st.query_params.from_dict(moved.to_dict())


def _take(name: str, key: str) -> None:
    params = DecideParams.from_query(st.query_params)
    st.query_params.from_dict(replace(params, **{name: st.session_state[key]}).to_dict())
