"""A button that copies a text exactly as it is, without a trip to the server."""

from __future__ import annotations

import streamlit as st

_COMPONENT = st.components.v2.component(
    "copy_button",
    html="<button type='button' part='copy'></button>",
    css="""
    button {
      font: inherit; font-size: 0.875rem; line-height: 1.6; padding: 0.36rem 0.75rem; cursor: pointer;
      color: var(--st-text-color); background: var(--st-background-color);
      border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
    }
    button:disabled { opacity: 0.4; cursor: not-allowed; }
    button:hover:enabled, button:focus-visible { border-color: var(--st-primary-color); }
    button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
    """,
    js="""
    async function copy(text) {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        // Without HTTPS there is no clipboard interface; a hidden text area still copies.
        const area = document.createElement("textarea");
        area.value = text;
        area.style.position = "fixed";
        area.style.opacity = "0";
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        if (!done) throw new Error("copying is not allowed here");
      }
    }
    export default function ({ data, parentElement }) {
      const button = parentElement.querySelector("button");
      button.textContent = data.label;
      button.setAttribute("aria-label", data.label);
      button.disabled = data.text === null;
      button.onclick = async () => {
        try {
          await copy(data.text);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Copying is not allowed";
        }
        setTimeout(() => { button.textContent = data.label; }, 1500);
      };
    }
    """,
)


def copy_button(label: str, text: str | None, *, key: str) -> None:
    """Draw the button; `text` goes to the clipboard unchanged. Without a text it is disabled."""
    # Half characters cannot be sent to a browser; everything else arrives as it is stored.
    sendable = text.encode("utf-8", errors="replace").decode("utf-8") if text else None
    _COMPONENT(key=key, data={"label": label, "text": sendable}, width="content", height="content")
