"""Notices: what happened and what to do next, as plain text because messages may quote a server."""

from __future__ import annotations

import streamlit as st

from tlm_dash.ui.text import visible


def failure(message: str, hint: str = "", *, label: str = "Not done") -> None:
    """Show a failure with its next step."""
    _notice(message, hint, label, "red", ":material/error:")


def waiting(message: str, hint: str = "") -> None:
    """Show what is being waited for."""
    _notice(message, hint, "Waiting", "gray", ":material/hourglass_top:")


def empty(message: str, hint: str = "", *, label: str = "Nothing here yet") -> None:
    """Show that there is nothing here, and what to do about it."""
    _notice(message, hint, label, "gray", ":material/inbox:")


def _notice(message: str, hint: str, label: str, color: str, icon: str) -> None:
    with st.container(border=True, gap="xsmall"):
        st.badge(label, color=color, icon=icon)  # type: ignore[arg-type]
        st.text(visible(message))
        if hint:
            st.text(visible(hint))
