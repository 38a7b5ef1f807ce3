"""The keys of the label queue: each press goes to the row that is on the screen, once.

A held key does not repeat. A press between two pictures of the page waits for the buttons of the row whose
texts are shown. Streamlit's own shortcuts give none of this, and do not allow C and R.
"""

from __future__ import annotations

import streamlit as st

_COMPONENT = st.components.v2.component(
    "queue_keys",
    html="<span></span>",
    js="""
    const VERDICTS = { c: "correct", x: "incorrect", u: "unsure", s: "skip" };
    const OTHERS = { arrowleft: "back", arrowright: "forward", z: "undo", r: "reveal" };
    const isTyping = (element) =>
      element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
    const shown = () => {
      const items = document.querySelectorAll('[class*="st-key-queue-item-"]');
      return items.length ? /st-key-queue-item-(\\S+)/.exec(items[items.length - 1].className)[1] : null;
    };
    function pressWhenThere(selector, looks) {
      const button = document.querySelector(selector);
      if (button) button.click();
      else if (looks > 0) setTimeout(() => pressWhenThere(selector, looks - 1), 5);
    }
    function onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.composedPath()[0];
      if (isTyping(target)) {
        // Enter stores the note; then the keys are for verdicts again.
        const inNote = target.closest('[class*="st-key-queue-note-"]');
        if (inNote && (event.key === "Enter" || event.key === "Escape")) setTimeout(() => target.blur());
        return;
      }
      const key = event.key.toLowerCase();
      const row = shown();
      const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
      if (key in VERDICTS && row !== null) {
        stop();
        if (!event.repeat) pressWhenThere(`.st-key-queue-${VERDICTS[key]}-${row} button`, 200);
      } else if (key === "n" && row !== null) {
        stop();
        document.querySelector('[class*="st-key-queue-note-"] input')?.focus();
      } else if (key in OTHERS) {
        const button = document.querySelector(`[class*="st-key-queue-${OTHERS[key]}-"] button`);
        if (button === null) return;
        stop();
        if (!event.repeat) button.click();
      }
    }
    export default function () {
      window.removeEventListener("keydown", window.tlmDashQueueKeys, true);
      window.tlmDashQueueKeys = onKey;
      window.addEventListener("keydown", onKey, true);
      return () => window.removeEventListener("keydown", onKey, true);
    }
    """,
)


def queue_keys() -> None:
    """Listen for the keys of the queue for as long as it is on the page."""
    _COMPONENT(key="queue-keys", height=1)
