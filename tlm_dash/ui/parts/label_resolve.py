"""What people disagree about or are unsure of, one response at a time, for somebody to settle."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.services import labels
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_agreement import Remark, Unsettled, n_unsettled, unsettled
from tlm_dash.ui.params import Address
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import visible

VERDICTS = {
    "correct": ("Correct", ":material/check:"),
    "incorrect": ("Incorrect", ":material/close:"),
    "unsure": ("Leave open", ":material/question_mark:"),
}


def draw(running: Dashboard, run_ids: Sequence[str], name: str | None) -> None:
    """Draw the response in turn with who said what, and the buttons that settle it."""
    waiting = n_unsettled(running, run_ids)
    _undo(running, name)
    if not waiting:
        return
    st.header("To be settled", anchor=False)
    place = min(_place(), waiting)
    wait = "1 response waits" if waiting == 1 else f"{waiting:,} responses wait"
    st.text(
        f"{wait}: people disagree, or are unsure. Until it is settled, such a row is left out of estimates "
        "and counted as open."
    )
    for row in unsettled(running, run_ids, offset=place - 1):
        _response(row)
        _settle(running, row, name)
    if waiting > 1:
        st.pagination(waiting, default=place, key=f"resolve-page-{waiting}", on_change=_turn, args=(waiting,))


def _place() -> int:
    return Address(st.query_params).whole("resolve") or 1


def _turn(waiting: int) -> None:
    st.query_params["resolve"] = str(st.session_state[f"resolve-page-{waiting}"])


def _response(row: Unsettled) -> None:
    place = f"resolve-{row.response_hash[:16]}"
    prompt, response = st.columns(2, gap="medium")
    with prompt:
        st.caption("Prompt")
        whole_text(row.prompt, what="prompt", key=place)
        if row.reference is not None:
            st.caption("Reference")
            whole_text(row.reference, what="reference", key=place)
    with response:
        st.caption("Response")
        whole_text(row.response, what="response", key=place)
    for number, remark in enumerate(row.said):
        whole_text(_said(remark), what="verdict", key=f"{number}-{place}", border=False)


def _said(remark: Remark) -> str:
    who = remark.annotator + (" (imported)" if remark.source == "imported" else "")
    note = f": {remark.note}" if remark.note else ""
    return f"{who}: {remark.verdict or remark.kind}{note}"


def _settle(running: Dashboard, row: Unsettled, name: str | None) -> None:
    note = st.text_input("Note", key=f"resolve-note-{row.response_hash[:16]}", max_chars=2000)
    with st.container(horizontal=True):
        for verdict, (title, icon) in VERDICTS.items():
            if st.button(title, icon=icon, key=f"resolve-{verdict}", disabled=name is None):
                change(lambda v=verdict: _resolve(running, row, v, name or "", note))  # type: ignore[misc]


def _resolve(running: Dashboard, row: Unsettled, verdict: str, name: str, note: str) -> None:
    labels.annotate(
        running, dataset_id=row.dataset_id, item_no=row.item_no, response_hash=row.response_hash,
        verdict=verdict, annotator=name, note=note, run_id=row.run_id, score_visible=False, kind="resolution",
    )  # fmt: skip
    st.query_params["resolved"] = row.response_hash


def _undo(running: Dashboard, name: str | None) -> None:
    """Offer to take the last resolution of this person back, while the address remembers it."""
    hashed = (st.query_params.get_all("resolved") or [""])[-1]
    if not hashed or name is None:
        return
    mine = labels.of_person(labels.standing(running, hashed), name)
    if not mine or mine[-1].kind != "resolution":
        return
    last = mine[-1]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"You settled the response of item {last.item_no:,}: {visible(last.verdict or last.kind)}.")
        if st.button("Undo", icon=":material/undo:", key="resolve-undo"):
            change(
                lambda: labels.retract(
                    running, dataset_id=last.dataset_id, item_no=last.item_no, response_hash=hashed,
                    annotator=name, run_id=last.run_id,
                )
            )  # fmt: skip
