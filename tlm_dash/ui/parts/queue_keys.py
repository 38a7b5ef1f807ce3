"""The keys of the label queue: each press goes to the row that is on the screen, once.

A held key does not repeat. A verdict that is pressed between two pictures of the page waits for the buttons
of the row whose texts are shown; what is no verdict waits for the picture that follows the press before it,
so that C, Z takes back what C said. Streamlit's own shortcuts give none of this, and do not allow C and R.
"""

from __future__ import annotations

import streamlit as st

_COMPONENT = st.components.v2.component(
    "queue_keys",
    html="<span></span>",
    js="""
    const VERDICTS = { c: "correct", x: "incorrect", u: "unsure", s: "skip" };
    const MOVES = { arrowleft: "back", arrowright: "forward", z: "undo" };
    const STAYS = { n: "note", r: "reveal" };
    const LEAVING_MS = 1000, WAIT_MS = 2000;
    const isTyping = (element) =>
      element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
    const screenNow = () => {
      const items = document.querySelectorAll('[class*="st-key-queue-item-"]');
      return items.length ? /st-key-queue-item-(\\S+)/.exec(items[items.length - 1].className)[1] : "end";
    };

    // The picture that was left last, by key or by mouse. What follows is for the next one.
    let left = { screen: null, until: 0, byMove: false };
    const isLeaving = (screen) => screen === left.screen && performance.now() < left.until;
    function onClick(event) {
      const part = event.target.closest('[class*="st-key-queue-"]');
      const name = part && /st-key-queue-(\\w+)-/.exec(part.className)?.[1];
      const byMove = Object.values(MOVES).includes(name);
      if (byMove || Object.values(VERDICTS).includes(name)) {
        left = { screen: screenNow(), until: performance.now() + LEAVING_MS, byMove };
      }
    }

    // Presses in their order, each until its part of the page is there. `screen` is the picture that a press
    // is for, null for the one that follows what was pressed before.
    const presses = [];
    function work() {
      const { name, screen, until } = presses[0];
      const now = screenNow();
      const isEarly = screen === null && isLeaving(now);
      const part = isEarly ? null : document.querySelector(`.st-key-queue-${name}-${now}`);
      const isLate = performance.now() > until || (screen !== null && screen !== now);
      if (part && !isLate) {
        if (name === "note") part.querySelector("input").focus();
        else part.querySelector("button").click();
      }
      if (part || isLate) presses.shift();
      if (presses.length) setTimeout(work, 5);
    }
    function press(name, screen) {
      presses.push({ name, screen, until: performance.now() + WAIT_MS });
      if (presses.length === 1) work();
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
      const name = VERDICTS[key] ?? MOVES[key] ?? STAYS[key];
      if (!name) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.repeat) return;
      // A verdict is for the row that is seen; after a move, for the one that the move leads to.
      const screen = screenNow();
      const isMoving = presses.some((it) => it.screen === null) || (left.byMove && isLeaving(screen));
      press(name, key in VERDICTS && !isMoving ? screen : null);
    }
    const HANDLERS = [["keydown", onKey], ["click", onClick]];
    export default function () {
      window.tlmDashQueueKeys?.();
      for (const [name, handler] of HANDLERS) window.addEventListener(name, handler, true);
      window.tlmDashQueueKeys = () => {
        for (const [name, handler] of HANDLERS) window.removeEventListener(name, handler, true);
      };
      return window.tlmDashQueueKeys;
    }
    """,
)


def queue_keys() -> None:
    """Listen for the keys of the queue for as long as it is on the page."""
    _COMPONENT(key="queue-keys", height=1)
