"""Put the cursor where a person starts to type."""

from __future__ import annotations

import streamlit as st

_COMPONENT = st.components.v2.component(
    "focus",
    html="<span></span>",
    js="""
    export default function ({ data }) {
      const selector = `.st-key-${CSS.escape(data.key)} textarea`;
      // Text areas of this name for other entries: the one that is replaced may have the cursor till it goes.
      const siblings = `[class*="st-key-${CSS.escape(data.key.split("-")[0])}-"] textarea`;
      let looks = 100;
      function look() {
        // Not before the page is there, with the button that the keyboard presses from the text.
        const app = document.querySelector('[data-testid="stApp"]');
        const isDrawn = app?.dataset.testScriptState === "notRunning"
          && document.querySelector(`.st-key-${CSS.escape(data.button)} button`);
        const target = isDrawn ? document.querySelector(selector) : null;
        const active = document.activeElement;
        // Never take the cursor from where a person is typing already.
        const isBusy = active && active !== target && active.matches("input, textarea");
        if (isBusy && !active.matches(siblings)) looks = Math.min(looks, 3);
        else if (target && !isBusy) { target.focus({ preventScroll: true }); return; }
        // The part may be drawn before the text area.
        if (looks-- > 0) setTimeout(look, 100);
      }
      look();
    }
    """,
)


def focus(widget_key: str, button_key: str) -> None:
    """Focus the text area with this key, once its button is there, unless something else is typed into."""
    _COMPONENT(key=f"focus-{widget_key}", data={"key": widget_key, "button": button_key}, height=1)
