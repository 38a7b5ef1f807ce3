"""One dataset: what is known of it, its items by the page, the runs that came with it, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.errors import NotFoundError, TlmDashError
from tlm_dash.models import utc_now
from tlm_dash.services import datasets
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.datasets import Dataset, DatasetPage
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.params_review import MOST_RUNS, ReviewParams
from tlm_dash.ui.params_runs import RunsParams
from tlm_dash.ui.parts import hygiene, label_notice
from tlm_dash.ui.parts.copy_button import copy_button
from tlm_dash.ui.parts.dataset_list import contents, counted
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.upload_source import FORMAT_NAMES
from tlm_dash.ui.text import ago, file_size, visible

ROWS_A_PAGE = 25
TABLE_HEIGHT = 600
ROW_HEIGHT = 62


def draw(running: Dashboard, params: DatasetsParams) -> None:
    """Draw the dataset in the address."""
    assert params.dataset is not None
    st.page_link("../../pages/datasets.py", label="All datasets", icon=":material/arrow_back:")
    try:
        dataset = datasets.show(running, params.dataset)
    except NotFoundError as error:
        failure(error.message, error.hint, label="Not found")
        return
    _facts(dataset)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Run this dataset", type="primary", icon=":material/play_arrow:", key="run-dataset"):
            address = RunsParams(dataset=dataset.dataset_id, new=True).to_dict()
            st.switch_page("../../pages/runs.py", query_params=address)
        st.page_link(
            "../../pages/runs.py",
            label="Its runs",
            icon=":material/play_circle:",
            query_params=RunsParams(dataset=dataset.dataset_id).to_dict(),
        )
    label_notice.draw(running, dataset.dataset_id)
    _items(running, dataset, params)
    _runs(running, dataset)
    _rejects(running, dataset)
    with st.container(horizontal=True):
        copy_button("Copy the id", dataset.dataset_id, key=f"copy-id-{dataset.dataset_id}")
        _delete(running, dataset)


def _facts(dataset: Dataset) -> None:
    with st.container(border=True):
        st.text(visible(dataset.name))
        with st.container(horizontal=True):
            if not dataset.is_collected:
                st.metric("Rows in", f"{dataset.n_rows_in:,}", width=130)
            st.metric("Items", f"{dataset.n_items:,}", width=130)
            if not dataset.is_collected:
                st.metric("Rejected rows", f"{dataset.n_rejected:,}", width=130)
            st.metric("Runs", f"{dataset.n_runs:,}", width=130)
        st.text(f"Has {contents(dataset)}")
        if dataset.is_collected:
            st.text(
                "Answers of the playground, added one by one; more can be added there. A run over it takes "
                "the items that are there when it starts."
            )
            st.text(f"Begun {ago(dataset.created_at, utc_now())}")
            return
        hygiene.draw(dataset.hygiene)
        kind = FORMAT_NAMES.get(dataset.format, dataset.format)
        parts = [kind, dataset.encoding, dataset.sheet, file_size(dataset.size_bytes)]
        told = ", ".join(visible(part) for part in parts if part)
        st.text(f"From {visible(dataset.file_name)} ({told}), {ago(dataset.created_at, utc_now())}")
        for warning in dataset.warnings:
            st.text(visible(warning))


def _items(running: Dashboard, dataset: Dataset, params: DatasetsParams) -> None:
    st.header("Items", anchor=False)
    st.text_input(
        "Search prompts, references and responses",
        value=params.search,
        key=f"search-{dataset.dataset_id}",
        placeholder="Search prompts, references and responses",
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=_search,
        args=(dataset.dataset_id,),
        width=420,
    )
    found = _page(running, dataset, params.search, params.page)
    pages = max(1, -(-found.total // ROWS_A_PAGE))
    page = min(params.page, pages)
    if page != params.page:
        found = _page(running, dataset, params.search, page)
    if not found.total:
        empty("No item contains this text." if params.search else "There is no item.")
        return
    columns = {run.name: run.response_column for run in datasets.runs_of(running, dataset.dataset_id)}
    st.dataframe(
        _table(found, columns),
        hide_index=True,
        height=TABLE_HEIGHT,
        row_height=ROW_HEIGHT,
        column_config={"item": st.column_config.NumberColumn(width=70)},
        key=f"items-{dataset.dataset_id}-{page}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(
                pages,
                default=page,
                key=f"page-{dataset.dataset_id}-{params.search}",
                on_change=_turn_page,
                args=(f"page-{dataset.dataset_id}-{params.search}",),
            )
        st.caption(counted(found.total, "item") + (" found" if params.search else ""))


def _page(running: Dashboard, dataset: Dataset, search: str, page: int) -> DatasetPage:
    offset = (page - 1) * ROWS_A_PAGE
    return datasets.page(running, dataset.dataset_id, search=search, limit=ROWS_A_PAGE, offset=offset)


def _table(found: DatasetPage, response_columns: Mapping[str, str]) -> dict[str, list[Any]]:
    """Lay a page out as columns; those that are empty on it are left out."""

    def cell(value: object) -> str | None:
        return None if value is None else visible(str(value))

    table: dict[str, list[Any]] = {
        "item": [row.item_no for row in found.rows],
        "id": [cell(row.source_id) for row in found.rows],
        "prompt": [cell(row.prompt) for row in found.rows],
        "reference": [cell(row.reference) for row in found.rows],
    }
    by_run = [{given["run"]: given for given in row.responses} for row in found.rows]
    for run in dict.fromkeys(name for given in by_run for name in given):
        column = visible(response_columns.get(run, run))
        if f"response: {column}" in table:
            # One column of the file may hold the responses of several models.
            column = visible(run)
        table[f"response: {column}"] = [cell(given.get(run, {}).get("response")) for given in by_run]
        table[f"score: {column}"] = [given.get(run, {}).get("score") for given in by_run]
    for kind in ("tags", "extra"):
        cells: list[dict[str, str]] = [dict(getattr(row, kind)) for row in found.rows]
        for name in dict.fromkeys(name for row in cells for name in row):
            # A column of the file may have the name of one of ours.
            column = visible(name) if visible(name) not in table else f"{kind}: {visible(name)}"
            table[column] = [cell(row.get(name)) for row in cells]
    return {name: values for name, values in table.items() if any(value is not None for value in values)}


def _search(dataset_id: str) -> None:
    params = DatasetsParams.from_query(st.query_params)
    changed = replace(params, search=st.session_state[f"search-{dataset_id}"].strip(), page=1)
    st.query_params.from_dict(changed.to_dict())


def _turn_page(key: str) -> None:
    params = DatasetsParams.from_query(st.query_params)
    st.query_params.from_dict(replace(params, page=st.session_state[key]).to_dict())


def _runs(running: Dashboard, dataset: Dataset) -> None:
    runs = datasets.runs_of(running, dataset.dataset_id)
    if not runs:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        came = "Runs made of its answers" if dataset.is_collected else "Runs that came with it"
        st.header(came, anchor=False, width="content")
        st.page_link(
            "../../pages/review.py",
            label="Review",
            icon=":material/rate_review:",
            query_params=ReviewParams(tuple(run.run_id for run in runs[:MOST_RUNS])).to_dict(),
        )
    st.dataframe(
        {
            "run": [visible(run.name) for run in runs],
            "response column": [visible(run.response_column) for run in runs],
            "score column": [visible(run.score_column or "—") for run in runs],
            "label column": [visible(run.label_column or "—") for run in runs],
            "items": [run.n_items for run in runs],
        },
        hide_index=True,
        key=f"runs-{dataset.dataset_id}",
    )


def _rejects(running: Dashboard, dataset: Dataset) -> None:
    if not dataset.n_rejected:
        return
    st.download_button(
        f"Download the {counted(dataset.n_rejected, 'rejected row')}",
        data=lambda: datasets.rejects_csv(running, dataset.dataset_id).encode("utf-8", errors="replace"),
        file_name="rejected_rows.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"rejects-{dataset.dataset_id}",
    )


def _delete(running: Dashboard, dataset: Dataset) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.text(
            f"{counted(dataset.n_items, 'item')} and {counted(dataset.n_runs, 'run')} with their scores and "
            "labels would be gone for good."
        )
        pressed = st.button(
            "Delete for good", type="primary", icon=":material/delete_forever:", key="delete-dataset"
        )
    if not pressed:
        return
    try:
        with st.spinner("Deleting …"):
            datasets.delete(running, dataset.dataset_id, confirmed=True)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not deleted")
        return
    st.query_params.from_dict({})
    st.rerun()
