"""Saving a decision: whose it is and why, then its record opens."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.services import decision_records
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decision_records import Record
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import visible

RECORD_KEY = "record"
"""Key of the address that opens a saved decision."""


def draw(running: Dashboard, draft: Callable[[], Record]) -> None:
    """Draw the button; `draft` computes the record of what is on the page, when it is wanted."""
    if st.button("Save decision", type="primary", icon=":material/gavel:", key="save-decision"):
        _ask(running, draft)


@st.dialog("Save this decision")
def _ask(running: Dashboard, draft: Callable[[], Record]) -> None:
    record = draft()
    st.text(visible(record["question"]))
    st.text(visible(record["answer"]))
    st.caption(
        "Figures, counts, settings and versions are kept with it, and can be checked again later. "
        "No prompt and no response is in the record."
    )
    name = st.text_input("Your name", value=st.query_params.get("reviewer", ""), key="decision-name")
    reason = st.text_area(
        "Why", placeholder="For example: good enough for the help desk; two people can read the rest.",
        max_chars=decision_records.LONGEST_REASON, key="decision-reason",
    )  # fmt: skip
    if not st.button("Save", type="primary", key="decision-save"):
        return
    try:
        saved = decision_records.save(running, record, decided_by=name, reason=reason)
    except InvalidInputError as error:
        failure(error.message, error.hint, label="Not saved")
        return
    st.query_params[RECORD_KEY] = saved
    st.rerun()
