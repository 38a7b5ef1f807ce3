"""A person says whether the labels of a source are a uniform sample: only then do estimates stand on them."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import label_sources
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_sources import STATED, SourceCounts
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.text import visible

NAMES = {
    "imported": "The imported verdicts",
    "column": "The labels of the file's column",
    "matcher": "The rows that the matcher could compare",
}


def draw(running: Dashboard, run_id: str, counts: SourceCounts, name: str | None) -> None:
    """Draw the statement for each source that covers some answered rows, but not all."""
    partial = [source for source in STATED if 0 < counts.speaks[source] < counts.n_answered]
    if not partial:
        return
    st.header("Are these labels a fair sample?", anchor=False)
    said = label_sources.statements_of(running, run_id)
    for source in partial:
        with st.container(border=True):
            st.text(
                f"{NAMES[source]} cover {counts.speaks[source]:,} of {counts.n_answered:,} answered rows."
            )
            now = said.get(source)
            if now is not None and now.is_uniform:
                by = visible(now.decided_by or "somebody")
                note = f": {visible(now.note)}" if now.note else ""
                st.text(f"{by} says that every row had the same chance of a label{note}.")
                if st.button("Take that back", key=f"statement-back-{source}", disabled=name is None):
                    change(lambda s=source: _state(running, run_id, s, False, name, ""))  # type: ignore[misc]
                continue
            st.caption("If they were picked by hand or by score, estimates would be biased, so none is made.")
            with st.form(f"statement-{source}", border=False):
                reason = st.text_input(
                    "How do you know? (kept with the statement)", key=f"statement-note-{source}"
                )
                pressed = st.form_submit_button(
                    "Every row had the same chance of a label", disabled=name is None
                )
            if pressed:
                change(lambda s=source, n=reason: _state(running, run_id, s, True, name, n))  # type: ignore[misc]


def _state(
    running: Dashboard,
    run_id: str,
    source: str,
    is_uniform: bool,
    name: str | None,
    note: str,  # noqa: FBT001
) -> None:
    label_sources.state_uniform(
        running, run_id, source, is_uniform=is_uniform, decided_by=name or "", note=note
    )
