"""Two texts in one: what only the first has is struck through, what only the second has is marked."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from tlm_dash.ui.parts.whole_text import whole, whole_text
from tlm_dash.ui.text import visible

# Readable on the light and the dark background alike; told apart without colour too.
_STYLES = {
    "only_a": ("del", "background:rgb(209 56 61 / 0.16);text-decoration:line-through;"),
    "only_b": ("ins", "background:rgb(0 158 115 / 0.20);text-decoration:underline;"),
}


def difference(parts: Sequence[tuple[str, str]], names: tuple[str, str], *, key: str) -> None:
    """Draw the parts that `word_difference` gives. Every text is escaped; nothing of it is interpreted.

    What lies beyond the compared words is shown after them, as it is, with the `names` of both texts: words
    for a sentence, as "the baseline". `key` is that of this pair of texts alone.
    """
    pieces = []
    for kind, text in parts:
        if kind in ("cut_a", "cut_b"):
            continue
        shown = html.escape(visible(text))
        tag, style = _STYLES.get(kind, ("span", ""))
        pieces.append(f'<{tag} style="{style}">{shown}</{tag}>' if style else shown)
    with whole("difference", key=key, border=False):
        st.html(
            '<div style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6">'
            + "".join(pieces)
            + "</div>"
        )
    rests = [("".join(text for kind, text in parts if kind == cut), cut) for cut in ("cut_a", "cut_b")]
    if any(rest for rest, _ in rests):
        st.caption("Only the beginnings are compared: the texts are longer.")
    for (rest, cut), name in zip(rests, names, strict=True):
        if rest:
            st.caption(f"The rest of {name}")
            whole_text(rest, what="rest", key=f"{cut}-{key}", border=False)
