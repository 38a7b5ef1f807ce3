"""The label of one row: what it is now, who said so, and the buttons that say something else."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.models import utc_now
from tlm_dash.services import labels
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.labels import Annotation
from tlm_dash.services.review import RowDetail
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.parts import who_line
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.parts.row_words import LABEL_WORDS, SOURCE_WORDS, label_words
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import ago, one_line, visible

BUTTONS = (
    ("correct", "Correct", ":material/check:"),
    ("incorrect", "Incorrect", ":material/close:"),
    ("unsure", "Unsure", ":material/help:"),
)
LONGEST_NOTE = 2_000
SHORT_NOTE = 300
"""Characters of a note that are shown in its line; a longer one is folded away under it."""


def draw(running: Dashboard, view: RunView, row: RowDetail) -> None:
    """Draw the label of a row and what changes it; a row without a response cannot be labelled."""
    if row.response_hash is None:
        return
    said = labels.annotations_of(running, row.response_hash)
    standing = labels.standing(running, row.response_hash)
    with st.container(border=True, key="row-label"):
        st.text(visible(_now(row)))
        for number, one in enumerate(said):
            st.text(_line(one))
            _long_note(one, f"{number}-row-{row.item_no}")
        name = who_line.draw("row", "Your name, kept with your verdicts")
        if name is None:
            return
        note = st.text_input(
            "Note", key=f"note-{row.item_no}-{len(said)}", max_chars=LONGEST_NOTE, placeholder="optional"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            for verdict, label, icon in BUTTONS:
                if st.button(label, icon=icon, key=f"label-{verdict}"):
                    _say(lambda verdict=verdict: _annotate(running, view, row, name, verdict, note))  # type: ignore[misc]
            mine = bool(labels.of_person(standing, name))
            if st.button("Undo", icon=":material/undo:", key="label-undo", disabled=not mine):
                _say(lambda: _retract(running, view, row, name))


def _now(row: RowDetail) -> str:
    told = label_words(row.label, row.label_state) or LABEL_WORDS["none"]
    source = f" ({SOURCE_WORDS[row.label_source]})" if row.label_source else ""
    return f"Label: {told}{source}"


def _long_note(one: Annotation, key: str) -> None:
    if one.note and len(one.note) > SHORT_NOTE:
        with st.expander(f"The whole note, {len(one.note):,} characters"):
            whole_text(one.note, what="note", key=key, border=False)


def _line(one: Annotation) -> str:
    what = one.verdict or {"retraction": "took it back", "skip": "skipped"}.get(one.kind, one.kind)
    if one.kind == "resolution":
        what = f"settled as {one.verdict}"
    note = (
        f", “{one.note if len(one.note) <= SHORT_NOTE else one_line(one.note, SHORT_NOTE)}”"
        if one.note
        else ""
    )
    blind = "" if one.score_visible or one.kind in ("retraction", "note") else ", without seeing the score"
    return visible(f"{one.annotator}: {what}{note}, {ago(one.created_at, utc_now())}{blind}")


def _annotate(running: Dashboard, view: RunView, row: RowDetail, name: str, verdict: str, note: str) -> None:
    assert row.response_hash is not None
    labels.annotate(
        running, dataset_id=view.record.dataset_id, item_no=row.item_no, response_hash=row.response_hash,
        verdict=verdict, annotator=name, note=note or None, run_id=view.record.run_id,
        score_visible=True,
    )  # fmt: skip


def _retract(running: Dashboard, view: RunView, row: RowDetail, name: str) -> None:
    assert row.response_hash is not None
    labels.retract(
        running, dataset_id=view.record.dataset_id, item_no=row.item_no, response_hash=row.response_hash,
        annotator=name, run_id=view.record.run_id, score_visible=True,
    )  # fmt: skip


def _say(what: Callable[[], object]) -> None:
    """Write something that was said, and draw all of the page anew: the table shows labels too."""
    try:
        what()
    except TlmDashError as error:
        failure(error.message, error.hint)
        return
    st.rerun()
