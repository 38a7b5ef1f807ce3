"""The runs that a tab has in hand: what was chosen last stays, when a page is opened from the menu.

An address that names runs says all; this is about one that names none. Each tab has its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

Note = Literal["", "newest", "gone", "unanswered"]
_STATE = "run-in-hand"

WORDS: dict[Note, str] = {
    "newest": "The newest run, since none was chosen in this tab.",
    "gone": "The run that was chosen in this tab is not here any more: this is the newest one.",
    "unanswered": "The run that was chosen in this tab has no answered row: this is the newest one that has.",
}


@dataclass(frozen=True)
class Hand:
    """Runs of a tab, the one that pages of a single run take first; `note` is why nobody chose it."""

    runs: tuple[str, ...] = ()
    note: Note = ""


def in_hand() -> Hand:
    """Give what this tab has in hand."""
    return st.session_state.get(_STATE, Hand())  # type: ignore[no-any-return]


def take(usable: Collection[str], newest: str, *, there: Collection[str], most: int = 1) -> tuple[str, ...]:
    """Give the runs, up to `most`, that a page takes which was opened without any: those in hand.

    Where the first of them is not `usable` on that page (or not `there` at all), or nothing was chosen, it is
    the newest one.
    """
    hand = in_hand()
    if hand.runs and not hand.note and hand.runs[0] in usable:
        return tuple(run for run in hand.runs if run in usable)[:most]
    if not hand.runs or hand.note:
        note: Note = "newest"
    else:
        note = "unanswered" if hand.runs[0] in there else "gone"
    st.session_state[_STATE] = Hand((newest,), note)
    return (newest,)


def keep(run: str, others: Sequence[str] | None = None) -> None:
    """Remember the run that a page is about, with those beside it.

    A page of a single run says nothing of others (None): they stay, where it was one of them.
    """
    hand = in_hand()
    if others is None:
        others = hand.runs if run in hand.runs else ()
    rest = tuple(other for other in dict.fromkeys(others) if other != run)
    note: Note = hand.note if hand.runs[:1] == (run,) else ""
    st.session_state[_STATE] = Hand((run, *rest), note)


def note_on(run: str, newest: str | None) -> str:
    """Say why a page is about a run that nobody chose; "" where somebody did."""
    hand = in_hand()
    if hand.runs[:1] != (run,) or run != newest:
        return ""
    return WORDS.get(hand.note, "")
