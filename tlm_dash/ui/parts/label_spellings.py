"""What the spellings in a label column mean: each with its count and a menu, saved by a person."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import label_spellings
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_spellings import MEANINGS, LabelColumn, Spelling
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.text import one_line, visible

SHOWN = 40
"""Spellings with a menu; a column with more holds something else than verdicts."""

SPELLING_CHARACTERS = 120
UNDECIDED = ""
NAMES = {
    UNDECIDED: "Not decided",
    "correct": "Correct",
    "incorrect": "Incorrect",
    "unsure": "Unsure: stays open",
    "ignored": "No label",
}


def draw(running: Dashboard, dataset_id: str, name: str | None, *, first: str | None) -> None:
    """Draw a table of spellings for each label column of the dataset, `first` the one of the run in view."""
    columns = label_spellings.label_columns(running, dataset_id)
    if not columns:
        return
    st.header("What the file's labels mean", anchor=False)
    for number, column in sorted(enumerate(columns), key=lambda listed: listed[1].name != first):
        alike = [other.name for other in columns if other != column and other.waits_like(column)]
        _column(running, dataset_id, number, column, alike, name)


def _column(
    running: Dashboard, dataset_id: str, number: int, column: LabelColumn, alike: list[str], name: str | None
) -> None:
    with st.form(f"spellings-{dataset_id}-{number}"):
        st.text(f"Column {one_line(column.name, SPELLING_CHARACTERS)}")
        if column.n_undecided:
            st.badge(f"{column.n_undecided:,} not decided", color="orange", icon=":material/help:")
            if column.suggested:
                st.caption("What is chosen below is a suggestion: it counts once you save it.")
        said = {
            spelling.spelling: _spelling(dataset_id, f"{number}-{row}", spelling, column)
            for row, spelling in enumerate(column.spellings[:SHOWN])
        }
        if len(column.spellings) > SHOWN:
            more = len(column.spellings) - SHOWN
            st.caption(f"{more:,} more spellings; the command labels map decides those.")
        with st.container(horizontal=True):
            pressed = st.form_submit_button("Save what they mean", type="primary", disabled=name is None)
            together = bool(alike) and st.form_submit_button(_for_all(len(alike)), disabled=name is None)
    fresh = {spelling: meaning for spelling, meaning in said.items() if meaning in MEANINGS}
    if (pressed or together) and fresh:
        who, wanted = name or "", [column.name, *(alike if together else ())]
        change(lambda: [label_spellings.decide(running, dataset_id, it, fresh, who) for it in wanted])


def _for_all(n_alike: int) -> str:
    return f"Save, also for {n_alike} more {'column' if n_alike == 1 else 'columns'} spelled like this"


def _spelling(dataset_id: str, key: str, spelling: Spelling, column: LabelColumn) -> str:
    text, count, menu, who = st.columns([4, 2, 4, 4], vertical_alignment="center")
    with text:
        st.text(one_line(spelling.spelling, SPELLING_CHARACTERS))
    with count:
        st.text(f"{spelling.n:,} {'row' if spelling.n == 1 else 'rows'}")
    with menu:
        now = spelling.meaning or column.suggested.get(spelling.spelling, UNDECIDED)
        meaning: str = st.selectbox(
            f"Meaning of spelling {key}",
            options=list(NAMES) if spelling.meaning is None else list(MEANINGS),
            index=(list(NAMES) if spelling.meaning is None else list(MEANINGS)).index(now),
            format_func=NAMES.__getitem__,
            key=f"spelling-{dataset_id}-{key}-{spelling.meaning}",
            label_visibility="collapsed",
        )
    with who:
        st.text(_who(spelling))
    return meaning


def _who(spelling: Spelling) -> str:
    if spelling.meaning is None:
        return "nobody yet"
    if spelling.decided_by is None:
        return "at the import, by its role"
    return f"by {visible(spelling.decided_by)}"
