"""What else can be done with a card of the playground, and what is known of it: one popover."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services.playground_view import CellView, EntryView
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.text import visible


def draw(view: EntryView, cell: CellView) -> None:
    """Draw the popover; what needs a stored result is disabled until there is one."""
    stored = cell.cell
    with st.popover("More", type="tertiary"):
        st.page_link(
            "../../pages/review.py",
            label="Open in Review",
            icon=":material/rate_review:",
            query_params=ReviewParams((stored.run_id,), of=stored.run_id, row=view.entry.item_no).to_dict(),
            disabled=stored.status == "pending",
        )
        _details(cell)


def _details(cell: CellView) -> None:
    stored = cell.cell
    facts = {
        "Asked for": stored.model or "nothing: the response was given",
        "Answered as": stored.resolved_model or "—",
        "Scored by": stored.scorer_model or "—",
        "Finished because": stored.finish_reason or "—",
        "Run": stored.run_id,
    }
    st.text("\n".join(f"{name}: {visible(value)}" for name, value in facts.items()))
