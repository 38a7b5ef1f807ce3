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
    const isMove = (name) => Object.values(MOVES).includes(name);
    const isVerdict = (name) => Object.values(VERDICTS).includes(name);
    const AT_ONCE_MS = 200, LEAVING_MS = 30000, WAIT_MS = 10000;
    const now = () => performance.now();
    const isTyping = (element) =>
      element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
    const isDrawing = () =>
      document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState !== "notRunning";
    const screenNow = () => {
      const items = document.querySelectorAll('[class*="st-key-queue-item-"]');
      return items.length ? /st-key-queue-item-(\\S+)/.exec(items[items.length - 1].className)[1] : "end";
    };

    // The picture that was left last, by key or by mouse: its row, and how many presses the server had heard
    // when it was drawn. What follows is for the next picture. Where none comes, as after a verdict that was
    // refused, this one is drawn anew with a higher number, and what follows is for it. A picture's number is
    // the first thing of it that is in the page; `nDrawn` is that of the last one that is there as a whole.
    let nDrawn = 0;
    let left = { screen: null, number: 0, at: 0, byMove: false };
    const isLeaving = (screen) =>
      screen === left.screen && nDrawn <= left.number && now() < left.at + LEAVING_MS;
    const numberNow = () => {
      const all = [...document.querySelectorAll('[class*="st-key-queue-picture-"]')];
      return Math.max(0, ...all.map((it) => Number(/st-key-queue-picture-(\\d+)/.exec(it.className)[1])));
    };
    function onClick(event) {
      const part = event.target.closest('[class*="st-key-queue-"]');
      const name = part && /st-key-queue-(\\w+)-/.exec(part.className)?.[1];
      if (isMove(name) || isVerdict(name))
        left = { screen: screenNow(), number: numberNow(), at: now(), byMove: isMove(name) };
    }

    // The note field that Enter or Escape has ended. Enter is Streamlit's first, which stores the note; then
    // the field lets the cursor go, at the latest when the next key comes.
    let ended = null;
    function endNote(field) {
      ended = field;
      setTimeout(leaveNote);
    }
    function leaveNote() {
      ended?.blur();
      ended = null;
    }

    // Presses in their order, each until its part of the page is there. `screen` is the picture that a press
    // is for, null for the one that follows what was pressed before; `at` is when its turn came.
    const presses = [];
    function work() {
      const { name, screen, at } = presses[0];
      const seen = screenNow();
      const isEarly = screen === null && isLeaving(seen);
      const part = isEarly ? null : document.querySelector(`.st-key-queue-${name}-${seen}`);
      const target = part?.querySelector(name === "note" ? "input" : "button");
      const isVoid = !isEarly && !target && !isDrawing() && now() > at + AT_ONCE_MS;
      const isLate = now() > at + WAIT_MS || (screen !== null && screen !== seen);
      if (target || isVoid || isLate) {
        presses.shift();
        if (presses.length) presses[0].at = now();
      }
      if (presses.length) setTimeout(work, 5);
      if (target && !isLate) name === "note" ? target.focus() : target.click();
    }
    function press(name, screen) {
      presses.push({ name, screen, at: now() });
      if (presses.length === 1) work();
    }

    function onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.composedPath()[0];
      if (target === ended) leaveNote();
      else if (isTyping(target)) {
        const isNote = target.closest('[class*="st-key-queue-note-"]');
        if (isNote && (event.key === "Enter" || event.key === "Escape")) endNote(target);
        return;
      }
      const key = event.key.toLowerCase();
      const name = VERDICTS[key] ?? MOVES[key] ?? STAYS[key];
      // Letters that follow N before its field is there are the beginning of a note, no verdicts.
      const isNoteToCome = presses.some((it) => it.name === "note");
      if (!name && !(isNoteToCome && key.length === 1)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.repeat || isNoteToCome) return;
      // A verdict is for the row that is seen; after a move, for the one that the move leads to.
      const screen = screenNow();
      const isMoving = presses.some((it) => isMove(it.name)) || (left.byMove && isLeaving(screen));
      if (!isVerdict(name) || isMoving) press(name, null);
      else if (screen !== "end") press(name, screen);
    }
    // Another row begins at its beginning, wherever the one before it was scrolled to.
    let shown = null;
    function begin() {
      if (shown === screenNow()) return;
      shown = screenNow();
      const item = [...document.querySelectorAll('[class*="st-key-queue-item-"]')].pop();
      if (item?.getBoundingClientRect().top < 0) item.scrollIntoView({ block: "start" });
    }
    const HANDLERS = [["keydown", onKey], ["click", onClick]];
    export default function ({ data }) {
      nDrawn = data.number;
      begin();
      window.tlmDashQueueKeys?.();
      for (const [name, handler] of HANDLERS) window.addEventListener(name, handler, true);
      window.tlmDashQueueKeys = () => {
        for (const [name, handler] of HANDLERS) window.removeEventListener(name, handler, true);
      };
      return window.tlmDashQueueKeys;
    }
    """,
)


def queue_keys(number: int) -> None:
    """Listen for the keys of the queue for as long as it is on the page.

    To be drawn as the last thing of a picture, with its number: how many presses had been heard before it.
    """
    _COMPONENT(key="queue-keys", data={"number": number}, height=1)
