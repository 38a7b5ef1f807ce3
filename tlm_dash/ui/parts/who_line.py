"""In whose name a page acts: asked for once, shown where it matters, changed where it is shown."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.labels import LONGEST_NAME
from tlm_dash.ui import who
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import one_line

NAME_CHARACTERS = 30
"""Of a name beside its button; all of it is in the field that opens."""

KEPT = "It stays in this browser and is part of no link."
NOT_KEPT = (
    "This browser keeps nothing for this page (a private window, or its storage is blocked): the name holds "
    "until this tab is closed or loaded again."
)


def draw(key: str, question: str) -> str | None:
    """Draw whose name it is, or (None) ask for it with `question`, our own words."""
    name = who.name()
    if name is None:
        ask(key, question)
    else:
        line(key)
    return name


def line(key: str) -> None:
    """Draw "as Ada" with what changes it, where a name is known."""
    me = who.me()
    if me.name is None:
        return
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", width="content", key=f"who-{key}"
    ):
        kept = "" if me.is_kept else " (this tab only)"
        st.text(f"as {one_line(me.name, NAME_CHARACTERS)}{kept}", width="content")
        # Another name makes another popover: a closed one.
        with st.popover("change", type="tertiary", key=f"who-change-{key}-{me.changes}"):
            _form("who", f"{key}-{me.changes}-anew", "Your name", me.name)
            st.caption(KEPT if me.is_kept else NOT_KEPT)


def ask(key: str, question: str) -> None:
    """Draw the question who it is; the page is drawn anew with the answer.

    While the browser has not told its name yet, the question has its place and is not seen.
    """
    me = who.me()
    # In the names of its parts too: a part may be on the screen for a moment longer than what is around it.
    state = "who" if me.has_answered else "who-wait"
    with st.container(key=f"{state}-ask-{key}"):
        if me.problem is not None:
            failure(me.problem, "Enter your name anew.", label="Name")
        _form(state, key, question, "")
        st.caption(KEPT if me.is_kept else NOT_KEPT)


def _form(state: str, key: str, label: str, value: str) -> None:
    # A form: one press of Enter is enough.
    with (
        st.form(f"{state}-form-{key}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        said = st.text_input(label, value=value, max_chars=LONGEST_NAME, key=f"{state}-name-{key}", width=320)
        pressed = st.form_submit_button(
            "That is me" if value else "Go on", type="primary", key=f"{state}-go-{key}"
        )
    if not pressed:
        return
    try:
        who.say(said)
    except InvalidInputError as error:
        failure(error.message, error.hint, label="Name")
        return
    st.rerun()
