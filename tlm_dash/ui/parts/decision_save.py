"""Saving a decision: whose it is and why, then its record opens."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.services import decision_records
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decision_records import Record
from tlm_dash.services.labels import LONGEST_NAME
from tlm_dash.ui import who
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.parts import who_line
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import visible

RECORD_KEY = "record"
"""Key of the address that opens a saved decision."""

SAVING_KEY = "saving"
"""Key of the address while the dialog is open."""


def draw(
    running: Dashboard,
    draft: Callable[[], Record],
    *,
    leads: bool = True,
    what: str = "yes",
    label: str = "Save decision",
) -> None:
    """Draw the button; `draft` computes the record of what is on the page, when it is wanted.

    `leads`: nothing is missing that should come before it. `what` tells decisions of one page apart in the
    address while the dialog is open.
    """
    st.button(
        label, icon=":material/gavel:", key="save-decision" if what == "yes" else f"save-{what}",
        on_click=_open, args=(what,), type="primary" if leads else "secondary",
    )  # fmt: skip
    if st.query_params.get(SAVING_KEY) == what:
        _dialog(running, draft)


def _open(what: str) -> None:
    st.query_params[SAVING_KEY] = what


def _close() -> None:
    st.query_params.pop(SAVING_KEY, None)


@st.dialog("Save this decision", on_dismiss=_close)
def _dialog(running: Dashboard, draft: Callable[[], Record]) -> None:
    guarded(lambda: _ask(running, draft))


def _ask(running: Dashboard, draft: Callable[[], Record]) -> None:
    record = draft()
    st.text(visible(record["question"]))
    st.text(visible(record["answer"]))
    st.caption(
        "Figures, counts, settings and versions are kept with it, and can be checked again later. "
        "No prompt and no response is in the record."
    )
    mine = who.name()
    who_line.line("decision")
    with st.form("decision", border=False):
        # Where it is not known yet, one form is enough.
        name = mine or st.text_input("Your name", max_chars=LONGEST_NAME, key="decision-name")
        reason = st.text_area(
            "Why", placeholder="For example: good enough for the help desk; two people can read the rest.",
            max_chars=decision_records.LONGEST_REASON, key="decision-reason",
        )  # fmt: skip
        if not st.form_submit_button("Save", type="primary", key="decision-save"):
            return
    try:
        saved = decision_records.save(running, record, decided_by=name, reason=reason)
        if mine is None:
            who.say(name)
    except InvalidInputError as error:
        failure(error.message, error.hint, label="Not saved")
        return
    _close()
    st.query_params[RECORD_KEY] = saved
    st.rerun()
