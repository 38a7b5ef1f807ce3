"""How far the people who label agree: Cohen's kappa of every two, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_agreement import PairAgreement, agreements
from tlm_dash.ui.parts import people_here
from tlm_dash.ui.text import visible
from tlm_dash.words.numbers import decimal

SHOWN = 50


def draw(running: Dashboard, run_ids: Sequence[str], name: str | None) -> None:
    """Draw a line for every two people who judged the same rows, and who counts as one."""
    _pairs(running, run_ids)
    people_here.draw(running, run_ids, name)


def _pairs(running: Dashboard, run_ids: Sequence[str]) -> None:
    pairs = agreements(running, run_ids)
    if not pairs:
        return
    st.header("Agreement", anchor=False)
    st.caption(
        "Cohen's kappa: 1 is full agreement, 0 what chance alone would give; with its 95% interval, over the "
        "rows that both called correct or incorrect."
    )
    shown = pairs[:SHOWN]
    st.dataframe(
        {
            "one": [visible(pair.first) for pair in shown],
            "other": [visible(pair.second) for pair in shown],
            "rows": [pair.agreement.n for pair in shown],
            "alike": [pair.agreement.n_agreed for pair in shown],
            "unsure, left out": [pair.n_left_out for pair in shown],
            "kappa": [_kappa(pair) for pair in shown],
        },
        hide_index=True,
        key="label-agreement",
    )


def _kappa(pair: PairAgreement) -> str:
    found = pair.agreement
    if found.kappa is None:
        return f"— ({found.reason})"
    if found.low is None or found.high is None:
        return f"{decimal(found.kappa)} ({found.reason})"
    return f"{decimal(found.kappa)} ({decimal(found.low)} to {decimal(found.high)})"
