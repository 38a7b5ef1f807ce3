"""All datasets, newest first, each a link that opens it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.models import utc_now
from tlm_dash.services import datasets
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.datasets import Dataset
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.parts.notice import empty
from tlm_dash.ui.text import ago, file_size, one_line

ROWS_A_PAGE = 20
NAME_CHARACTERS = 80
WIDTHS = (13, 32, 15, 28, 9, 11, 15)


def draw(running: Dashboard, params: DatasetsParams) -> None:
    """Draw one page of the datasets."""
    st.header("Your datasets", anchor=False)
    found = list(reversed(datasets.listed(running)))
    if not found:
        empty("There is no dataset yet.", "Drop a file above, paste prompts, or use the sample dataset.")
        return
    pages = -(-len(found) // ROWS_A_PAGE)
    page = min(params.page, pages)
    for dataset in found[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]:
        _row(dataset)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, default=page, key="datasets-page", on_change=_turn_page)
        st.caption(counted(len(found), "dataset"))


def counted(count: int, noun: str) -> str:
    """Write a count with its unit."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def contents(dataset: Dataset) -> str:
    """Tell in words what a dataset holds beside its prompts."""
    parts = {
        "responses": dataset.has_responses,
        "scores": dataset.has_scores,
        "labels": dataset.has_labels,
        "references": dataset.has_references,
    }
    return ", ".join(name for name, there in parts.items() if there) or "prompts only"


def _turn_page() -> None:
    params = DatasetsParams.from_query(st.query_params)
    changed = replace(params, page=st.session_state["datasets-page"])
    st.query_params.from_dict(changed.to_dict())


def _row(dataset: Dataset) -> None:
    columns = st.columns(WIDTHS, gap="small", vertical_alignment="center")
    with columns[0]:
        st.page_link(
            "../../pages/datasets.py",
            label="Open",
            icon=":material/open_in_full:",
            query_params=DatasetsParams(dataset=dataset.dataset_id).to_dict(),
            help=dataset.created_at.strftime("Saved on %Y-%m-%d at %H:%M:%S UTC"),
        )
    told = (
        one_line(dataset.name, NAME_CHARACTERS),
        counted(dataset.n_items, "item"),
        contents(dataset),
        counted(dataset.n_runs, "run"),
        "from the playground" if dataset.is_collected else file_size(dataset.size_bytes),
        ago(dataset.created_at, utc_now()),
    )
    for column, text in zip(columns[1:], told, strict=True):
        column.text(text)
