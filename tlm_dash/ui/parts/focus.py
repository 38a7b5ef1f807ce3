"""Put the cursor where a person starts to type."""

from __future__ import annotations

import streamlit as st

_COMPONENT = st.components.v2.component(
    "focus",
    html="<span></span>",
    js="""
    export default function ({ data }) {
      const target = document.querySelector(`.st-key-${CSS.escape(data.key)} textarea`);
      // Never steal the cursor from where a person already is.
      const busy = document.activeElement && document.activeElement.matches("input, textarea");
      if (target && !busy) target.focus({ preventScroll: true });
    }
    """,
)


def focus(widget_key: str) -> None:
    """Focus the text area with this key, once, unless something else is being typed into."""
    _COMPONENT(key=f"focus-{widget_key}", data={"key": widget_key}, height=1)
