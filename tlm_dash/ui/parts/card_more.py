"""What else can be done with a card of the playground, and what is known of it: one popover."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import collection
from tlm_dash.services.collection import Kept
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_view import CellView, EntryView
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.text import one_line, visible

NAME_CHARACTERS = 60
NEW_DATASET = "New dataset"


def draw(running: Dashboard, view: EntryView, cell: CellView, kept: Kept) -> None:
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
        for dataset in kept.holders.get(stored.run_id, ()):
            st.page_link(
                "../../pages/datasets.py",
                label="Open its dataset",
                icon=":material/database:",
                query_params=DatasetsParams(dataset=dataset.dataset_id).to_dict(),
            )
            st.text(f"Added to “{one_line(dataset.name, NAME_CHARACTERS)}”.")
        _add(running, view, cell, kept)
        _details(cell)


def _add(running: Dashboard, view: EntryView, cell: CellView, kept: Kept) -> None:
    """Ask for a dataset, and add the answer to it."""
    entry_id, run_id = view.entry.entry_id, cell.cell.run_id
    names = [dataset.name for dataset in kept.datasets]
    chosen: str | None = None
    if names:
        chosen = st.selectbox(
            "Dataset", [*names, None], format_func=_named, key=f"dataset-{entry_id}-{run_id}"
        )
    if chosen is None:
        chosen = st.text_input(
            "Name of the new dataset", max_chars=collection.LONGEST_NAME, key=f"new-{entry_id}-{run_id}"
        )
    pressed = st.button(
        "Add to dataset",
        icon=":material/playlist_add:",
        key=f"add-{entry_id}-{run_id}",
        disabled=cell.status != "done",
    )
    if not pressed:
        return
    try:
        added = collection.add(running, entry_id, run_id, chosen)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not added")
        return
    if added.is_new:
        st.rerun()
    empty(
        f"This answer is in “{one_line(added.name, NAME_CHARACTERS)}” already, as item {added.item_no:,}.",
        "It keeps the score that it was added with.", label="Already there",
    )  # fmt: skip


def _named(name: str | None) -> str:
    return NEW_DATASET if name is None else one_line(name, NAME_CHARACTERS)


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
