"""Other responses to the same prompt, of whichever run, each with what differs from the one that is open."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import review
from tlm_dash.services.review import OtherResponse, RowDetail
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts.difference import difference
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import one_line, score_text

NAME_CHARACTERS = 80


def draw(row: RowDetail) -> None:
    """Draw them folded; nothing where there are none."""
    if not row.others:
        return
    n = len(row.others)
    with st.expander(f"Other responses to this prompt ({n})"):
        st.caption("Struck through: only in the response above. Underlined: only in the other one.")
        for number, other in enumerate(row.others):
            _other(row, other, number)


def _other(row: RowDetail, other: OtherResponse, number: int) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{one_line(other.name, NAME_CHARACTERS)}, row {other.item_no:,}", width="stretch")
            if st.button("Open", key=f"other-{number}", type="tertiary", icon=":material/open_in_new:"):
                there = ReviewParams(runs=(other.run_id,), of=other.run_id, row=other.item_no)
                st.query_params.from_dict(there.to_dict())
                st.rerun()
        st.text(_told(other))
        key = f"{number}-other-{row.item_no}"
        if row.response is None:
            whole_text(other.response, what="response", key=key, border=False)
        elif other.response == row.response:
            st.text("The same response.")
        else:
            parts = review.difference(row.response, other.response)
            difference(parts, ("the response above", "the other one"), key=key)


def _told(other: OtherResponse) -> str:
    scorer = other.scorer_model or other.model
    by = "" if other.quality_preset == "imported" else f" at {other.quality_preset}"
    by += f" by {scorer}" if scorer and scorer != "imported" else ""
    score = other.trustworthiness_score
    told = "not scored" if score is None else f"scored {score_text(score)}{by}"
    return one_line(told, 2 * NAME_CHARACTERS)
