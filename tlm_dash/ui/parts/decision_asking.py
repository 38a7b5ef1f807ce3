"""Asking a target on Decide: nothing is answered before it is confirmed, and the first one is kept."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.services import decision_records
from tlm_dash.services.asking import AskedDecision, ask
from tlm_dash.services.asking_words import day, decided_before, second_target
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui import who
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.text import visible


def draw(running: Dashboard, asked: AskedDecision, params: DecideParams) -> None:
    """Offer to ask the target that is written in the form, saying what asking it does."""
    st.text(visible(before_asking(asked)))
    first = asked.first
    if first is None:
        decisions = decision_records.listed(running, asked.decision.record.run_id)
        if (told := decided_before(decisions)) is not None:
            st.text(visible(told))
    are_requests = first is None and _rows_are_requests(asked)
    with st.container(horizontal=True):
        label = "Ask these labels" if first is None else "Read it from the band"
        if st.button(label, key="decide-ask", type="primary" if first is None else "secondary"):
            question = asked.decision.question
            run_id = asked.decision.record.run_id
            plain = replace(
                question, from_band=False, asked_of=None, n_settings=1, rows_are_requests=are_requests
            )
            ask(running, run_id, plain, asked_by=who.name())
            st.query_params.from_dict(params.to_dict())
            st.rerun()
        if first is not None:
            back_to_first(asked, params)


def _rows_are_requests(asked: AskedDecision) -> bool:
    """Let somebody who knows it say, before asking, that repeated prompts are requests of their own."""
    decision = asked.decision
    if decision.n_prompts >= decision.n_labelled or decision.basis.kind == "stratified":
        return False
    return st.checkbox(
        "Rows with the same prompt are separate requests, as in a log",
        key="decide-requests",
        help="Then rows alone are tested. Otherwise a second test takes prompts as its units, because "
        "answers to one prompt tend to be right or wrong together. It cannot be said after asking.",
    )


def before_asking(asked: AskedDecision) -> str:
    """Say what asking does: it settles the labels, and the first target alone has a test of its own."""
    if asked.first is not None:
        return second_target(asked.first, shares_labels=asked.standing.state == "spent")
    n = asked.standing.n_fresh
    labels = "the one label that is" if n == 1 else f"the {n:,} labels that are"
    said = (
        "Nothing has been asked of these labels yet. The first target is answered by a test made for it "
        "alone and is kept, for everybody; any later one gets less. Asking settles it at "
        f"{labels} there now: labels added later do not count for it, and need a new plan."
    )
    if asked.standing.n_taken_out:
        said += f" {asked.standing.n_taken_out:,} more of this plan were asked before and are left out."
    return said


def first_line(asked: AskedDecision) -> str | None:
    """Say when and by whom the target that is answered was asked; None where it is not the first."""
    first = asked.first
    if first is None or not asked.is_first:
        return None
    by = f" by {first.asked_by}" if first.asked_by else ""
    return f"The first target of these labels, asked{by} on {day(first)} on {first.n_labelled:,} labels."


def back_to_first(asked: AskedDecision, params: DecideParams) -> None:
    """Offer the way back to the first target."""
    first = asked.first
    if first is not None and st.button("Back to the first", key="decide-first", type="tertiary"):
        back = replace(params, max_risk=None, confidence=None, threshold=None)
        st.query_params.from_dict(back.to_dict())
        st.rerun()
