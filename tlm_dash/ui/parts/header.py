"""The head of every page: its title, what it is for, and how the endpoint is."""

from __future__ import annotations

import re

import streamlit as st

from tlm_dash.ui.guard import guarded
from tlm_dash.ui.resources import dashboard

STATES = {
    "ready": ("ready", ":material/check_circle:"),
    "starting": ("starting", ":material/hourglass_top:"),
    "unreachable": ("not working", ":material/error:"),
}
LOOK_AGAIN_EVERY_S = 4
FETCHED = re.compile(r"(\d+) of (\d+) MB")


def page_header(title: str, sentence: str) -> None:
    """Draw the head of a page, with the status pill at the right of its first line."""
    left, right = st.columns(2, vertical_alignment="center", wrap=False)
    with left:
        st.title(title, anchor=False, width="content")
    with right:
        _status_pill()
    st.caption(sentence)


@st.fragment(run_every=LOOK_AGAIN_EVERY_S)
def _status_pill() -> None:
    guarded(_draw_status_pill)


def _draw_status_pill() -> None:
    running = dashboard()
    connection = running.monitor.current
    which = "Embedded endpoint" if connection.is_embedded else "TLM endpoint"
    state, icon = STATES[connection.state]
    under_way = len(running.board.entries_under_way())
    work = f" · {under_way} running" if under_way else ""
    fetched = FETCHED.search(connection.sentence)
    if connection.state == "starting" and fetched is not None:
        # Numbers only: a label is Markdown, and the sentence may quote another program.
        state = f"fetching the model, {fetched[1]} of {fetched[2]} MB"
    with st.container(key="status-pill", horizontal=True, horizontal_alignment="right"):
        st.page_link("../../pages/settings.py", label=f"{which}: {state}{work}", icon=icon, width="content")
