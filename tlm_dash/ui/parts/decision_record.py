"""A saved decision: what was decided, by whom and why, its files, and whether it still holds."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import NotFoundError
from tlm_dash.services import decision_records, record_files
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decision_records import SavedDecision
from tlm_dash.services.record_check import Outcome, RecordCheck, check_again
from tlm_dash.ui.parts.decision_save import RECORD_KEY
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import one_line, visible

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "same": ("holds", ":material/verified:"),
    "holds": ("holds", ":material/verified:"),
    "changed": ("does not hold", ":material/error:"),
    "unknown": ("cannot be checked", ":material/help:"),
}
QUESTION_CHARACTERS = 110


def opened(running: Dashboard) -> bool:
    """Draw the decision that the address names, if it names one; tells whether it does."""
    wanted = st.query_params.get(RECORD_KEY)
    if not wanted:
        return False
    if st.button("Back to the figures", icon=":material/arrow_back:", type="tertiary", key="record-back"):
        del st.query_params[RECORD_KEY]
        st.rerun()
    try:
        _draw(running, decision_records.show(running, wanted))
    except NotFoundError:
        failure(
            "There is no decision with this id.", "Choose one from the list of decisions.", label="Not found"
        )
    return True


def listed(running: Dashboard, run_ids: tuple[str, ...]) -> None:
    """List what was decided before about some runs; nothing where nothing was."""
    found = {d.decision_id: d for run_id in run_ids for d in decision_records.listed(running, run_id)}
    if not found:
        return
    with st.expander(f"Decisions about this ({len(found):,})", icon=":material/gavel:"):
        for decision in found.values():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(one_line(decision.verdict, QUESTION_CHARACTERS), width="stretch")
                st.text(one_line(decision.decided_by, 30), help=f"{decision.created_at:%Y-%m-%d %H:%M} UTC")
                if st.button("Open", key=f"record-{decision.decision_id}", type="tertiary"):
                    st.query_params[RECORD_KEY] = decision.decision_id
                    st.rerun()


def _draw(running: Dashboard, decision: SavedDecision) -> None:
    with st.container(border=True, key="record"):
        st.caption("Decision record")
        st.text(visible(decision.question))
        st.text(visible(decision.verdict))
        st.text(f"{visible(decision.decided_by)}, {decision.created_at:%Y-%m-%d %H:%M} UTC")
        st.text(visible(decision.reason))
        _downloads(decision)
    if st.button("Check again", icon=":material/fact_check:", key="record-check"):
        with st.spinner("Computing it anew from what is stored …"):
            _checked(check_again(running, decision.decision_id))
    for label in decision.record["labels"]:
        st.text(f"{one_line(label['run'], 80)}: {visible(label['sentence'])}")


def _downloads(decision: SavedDecision) -> None:
    stem = record_files.file_stem(decision.record)
    with st.container(horizontal=True):
        st.download_button(
            "Download as a page", record_files.as_html(decision.record), f"{stem}.html", "text/html",
            icon=":material/description:", on_click="ignore", key="record-html",
        )  # fmt: skip
        st.download_button(
            "Download as JSON", record_files.as_json(decision.record), f"{stem}.json", "application/json",
            icon=":material/data_object:", on_click="ignore", key="record-json",
        )  # fmt: skip


def _checked(check: RecordCheck) -> None:
    word, icon = OUTCOMES[check.outcome]
    color = "red" if check.outcome == "changed" else "gray"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=color)  # type: ignore[arg-type]
        st.text(visible(check.sentence))
    if check.today is not None:
        st.text(
            "It was made by an earlier method and checked by that one. Today's answer to the same question: "
            + visible(check.today)
        )
    if check.changes:
        names, then, now = zip(*check.changes, strict=True)
        st.dataframe({"figure": names, "recorded": then, "now": now}, hide_index=True)
