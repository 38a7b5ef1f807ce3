"""Two texts in one: what only the first has is struck through, what only the second has is marked."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from tlm_dash.ui.text import visible

# Readable on the light and the dark background alike; told apart without colour too.
_STYLES = {
    "only_a": ("del", "background:rgb(209 56 61 / 0.16);text-decoration:line-through;"),
    "only_b": ("ins", "background:rgb(0 158 115 / 0.20);text-decoration:underline;"),
}


def difference(parts: Sequence[tuple[str, str]]) -> None:
    """Draw the parts that `word_difference` gives. Every text is escaped; nothing of it is interpreted."""
    pieces = []
    cut = False
    for kind, text in parts:
        shown = html.escape(visible(text))
        if kind in ("cut_a", "cut_b"):
            cut = cut or bool(text)
            continue
        tag, style = _STYLES.get(kind, ("span", ""))
        pieces.append(f'<{tag} style="{style}">{shown}</{tag}>' if style else shown)
    st.html(
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6">'
        + "".join(pieces)
        + "</div>"
    )
    if cut:
        st.caption("Only the beginnings are compared: the texts are longer.")
