"""Text that a person judges, seen whole: a box that grows with it, and never looks complete when it is not.

A box is as tall as its text, up to a screen. What is taller ends in a fade, with a button under it that says
how many lines are hidden and shows them. How many lines a text has depends on the window, so the browser
counts them (whole_text.js); how a box looks is in whole_text.css. Neither needs a trip to the server, and
without them every box is as tall as its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from tlm_dash.ui.text import SHOWN_AT_ONCE, visible

_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "whole_text",
    html="<span></span>",
    js=_HERE.with_name("whole_text.js").read_text(encoding="utf-8"),
)


def style() -> None:
    """Say how the boxes of all pages look; for the beginning of the script that draws the pages."""
    st.html(_HERE.with_name("whole_text.css"))


def start() -> None:
    """Watch the boxes of all pages; for the end of that script."""
    _COMPONENT(key="whole-texts", height=1)


@contextmanager
def whole(what: str, *, key: str, border: bool = True) -> Iterator[None]:
    """Make a box that shows its first element whole; what follows in it is never hidden.

    `what` is one word for what stands in it, read out with its button. `key` is that of this text alone:
    another text, as the next row's, needs another key, so that its box begins folded.
    """
    with st.container(border=border, key=f"whole-{what}-{key}", gap="xsmall"):
        yield


def whole_text(text: str, *, what: str, key: str, border: bool = True) -> None:
    """Draw a text, verbatim, in such a box; of a huge one the beginning, until the rest is asked for."""
    with whole(what, key=key, border=border):
        n_left = len(text) - SHOWN_AT_ONCE
        if n_left <= 0:
            st.text(visible(text) or "(empty)")
            return
        place = st.empty()
        label = f"Show the other {n_left:,} of {len(text):,} characters too"
        is_all = st.toggle(label, key=f"rest-{what}-{key}")
        place.text(visible(text if is_all else text[:SHOWN_AT_ONCE]))
