"""The risk-coverage curve on a page: figure, text alternative, and what is drawn."""

from __future__ import annotations

import streamlit as st

from tlm_dash.charts.risk_coverage import CurvePoint, risk_coverage, risk_coverage_text
from tlm_dash.services.decide import Decision
from tlm_dash.services.operating_point import OperatingPoint
from tlm_dash.ui.text import visible


def draw(decision: Decision, point: OperatingPoint) -> None:
    """Draw the curve with its band, the target, and a line at the threshold that is looked at."""
    if not decision.n_labelled:
        return
    points = [
        CurvePoint(p.threshold, p.coverage, p.risk, p.risk_low, p.risk_high, p.n_accepted_labelled)
        for p in decision.points
    ]
    model = decision.record.model or decision.record.name
    question = decision.question
    figure = risk_coverage(points, model=model, max_risk=question.max_risk, chosen=point.coverage)
    st.plotly_chart(
        figure, width="stretch", key="risk-curve", config={"displayModeBar": False},
        alt=visible(risk_coverage_text(
            points, question.confidence, max_risk=question.max_risk, chosen=point.coverage
        )),
    )  # fmt: skip
