"""The head of every page: its title, what it is for, and how the endpoint is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import streamlit as st

from tlm_dash.models import EndpointState
from tlm_dash.services.connection import Connection
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import under_way
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.resources import dashboard
from tlm_dash.ui.text import roughly

STATES: Mapping[EndpointState, tuple[str, str]] = {
    "working": ("ready", ":material/check_circle:"),
    "starting": ("starting", ":material/hourglass_top:"),
    "no_scores": ("gives no scores", ":material/error:"),
    "access_denied": ("refuses the key", ":material/key_off:"),
    "not_tlm": ("not a TLM endpoint", ":material/error:"),
    "failing": ("answers with errors", ":material/error:"),
    "unreachable": ("not reachable", ":material/error:"),
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
    state, icon = state_words(connection)
    work, is_run = _work(running)
    # What is under way is looked at on Runs; an endpoint in trouble is explained on Settings.
    page = "runs" if is_run and connection.state == "ready" else "settings"
    with st.container(key="status-pill", horizontal=True, horizontal_alignment="right"):
        st.page_link(f"../../pages/{page}.py", label=f"{which}: {state}{work}", icon=icon, width="content")


def state_words(connection: Connection) -> tuple[str, str]:
    """Give the pill's word and icon: our own only, for a label is Markdown and servers say anything."""
    state, icon = STATES[connection.endpoint_state]
    fetched = FETCHED.search(connection.sentence)
    if connection.endpoint_state == "starting" and fetched is not None:
        state = f"fetching the model, {int(fetched[1])} of {int(fetched[2])} MB"
    elif connection.endpoint_state == "unreachable" and connection.is_embedded:
        # A process that has an address is there, and hangs or is busy.
        state = "not running" if connection.base_url is None else "does not answer"
    return state, icon


def _work(running: Dashboard) -> tuple[str, bool]:
    """Say what is under way, and whether runs are."""
    runs, prompts = under_way(running), len(running.board.entries_under_way())
    said = ""
    if runs.n_runs:
        left = "" if runs.time_left_s is None else f", {roughly(runs.time_left_s)} left"
        said += f" · {runs.n_runs:,} {'run' if runs.n_runs == 1 else 'runs'}{left}"
    if prompts:
        said += f" · {prompts:,} {'prompt' if prompts == 1 else 'prompts'}"
    return said, bool(runs.n_runs)
