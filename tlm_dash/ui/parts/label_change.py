"""Doing what a person decided about labels: done and drawn anew, or why not."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.ui.parts.notice import failure


def change(work: Callable[[], object]) -> None:
    """Do it and draw the page with it done; an expected failure is told in its place."""
    try:
        with st.spinner("Saving …"):
            work()
    except TlmDashError as error:
        failure(error.message, error.hint)
        return
    st.rerun()
