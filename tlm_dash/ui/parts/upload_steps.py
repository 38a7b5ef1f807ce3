"""An upload on its way to a dataset: what it is, what its columns mean, what would be stored, and Save."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.dataset_upload import LONGEST_NAME, Check, ColumnMapping
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.parts import column_roles, hygiene
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.upload_source import draw as draw_source
from tlm_dash.ui.pending import PendingUpload, pending_uploads
from tlm_dash.ui.text import beginning, visible

CHECKED_AT_ONCE_BYTES = 100_000_000
"""Larger files are read as a whole only when a person asks: it takes a while, and saving does it anyway."""

REJECTS_SHOWN = 100
CELL_CHARACTERS = 20_000
ROW_HEIGHT = 86


def draw(running: Dashboard, params: DatasetsParams) -> None:
    """Draw the three steps of the upload in the address, each filled in already."""
    assert params.upload is not None
    upload = pending_uploads(running).get(params.upload)
    if upload is None:
        empty("This upload is not here any more: it was saved, given up, or left too long.", "Drop it again.")
        st.page_link("../../pages/datasets.py", label="All datasets", icon=":material/arrow_back:")
        return
    st.header("1 What it is", anchor=False)
    draw_source(running, upload)
    st.header("2 What the columns mean", anchor=False)
    _columns(upload)
    mapping = _usable_mapping(upload)
    st.header("3 Check", anchor=False)
    if mapping is None:
        st.caption("What would be stored is shown here as soon as step 2 says where the prompts are.")
    else:
        _check(upload, mapping)
    _save(running, upload, mapping)


def _columns(upload: PendingUpload) -> None:
    """Draw the meaning of every column; an export of ours has no questions to ask."""
    if upload.inspection.is_export:
        key = f"is-table-{upload.upload_id}"
        st.toggle(
            "Read it as any other table",
            value=upload.is_table,
            key=key,
            on_change=lambda: upload.read_as_table(st.session_state[key]),
        )
    if upload.restores:
        st.text("The file says itself what its columns mean: it was exported here.")
    else:
        column_roles.draw(upload)


def _usable_mapping(upload: PendingUpload) -> ColumnMapping | None:
    """Give the mapping where the first items can be made with it; otherwise say here why not."""
    try:
        mapping = upload.choices.mapping()
        with st.spinner("Reading the first rows …"):
            upload.first_items(mapping)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not usable yet")
        return None
    return mapping


def _check(upload: PendingUpload, mapping: ColumnMapping) -> None:
    is_large = upload.inspection.size_bytes > CHECKED_AT_ONCE_BYTES
    if is_large and not upload.is_checked(mapping):
        wanted = st.button("Count all rows now", icon=":material/checklist:", key=f"check-{upload.upload_id}")
        st.caption("This is a large file, so its rows are counted when you ask, or when it is saved.")
    else:
        wanted = True
    if wanted:
        try:
            with st.spinner("Reading every row …"):
                found = upload.check(mapping)
        except TlmDashError as error:
            failure(error.message, error.hint, label="Not counted")
        else:
            _counts(upload, found)
    st.caption("The first items, exactly as they will be stored")
    items = upload.first_items(mapping)
    if items:
        st.dataframe(
            _item_columns(items, mapping),
            hide_index=True,
            row_height=ROW_HEIGHT,
            column_config={"item": st.column_config.NumberColumn(width=70)},
            key=f"items-{upload.upload_id}",
        )
    else:
        st.caption("None of the first rows is an item.")


def _counts(upload: PendingUpload, found: Check) -> None:
    with st.container(horizontal=True):
        st.metric("Rows in", f"{found.n_rows_in:,}", width=150)
        st.metric("Items", f"{found.n_items:,}", width=150)
        st.metric("Rejected rows", f"{len(found.rejects):,}", width=150)
    if found.n_rows_in > found.n_items + len(found.rejects):
        st.caption("An export has a row for each item of each run.")
    hygiene.draw(found.hygiene)
    for note in found.notes:
        st.text(visible(note))
    if not found.rejects:
        return
    shown = found.rejects[:REJECTS_SHOWN]
    more = f", the first {REJECTS_SHOWN} shown" if len(found.rejects) > REJECTS_SHOWN else ""
    with st.expander(f"{len(found.rejects):,} rejected rows{more}", icon=":material/block:"):
        st.dataframe(
            {
                "row": [row.row_no for row in shown],
                "reason": [visible(row.reason) for row in shown],
                "content": [beginning(row.content, CELL_CHARACTERS) for row in shown],
            },
            hide_index=True,
            key=f"rejects-{upload.upload_id}",
        )
    st.download_button(
        "Download the rejected rows",
        data=lambda: _as_csv([(row.row_no, row.reason, row.content) for row in found.rejects]),
        file_name="rejected_rows.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download-rejects-{upload.upload_id}",
    )


def _as_csv(rows: Sequence[tuple[int, str, str]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([("row", "reason", "content"), *rows])
    return buffer.getvalue().encode("utf-8", errors="replace")


def _item_columns(items: Sequence[Mapping[str, Any]], mapping: ColumnMapping) -> dict[str, list[Any]]:
    """Lay the items out as a table: one column for each thing that is stored."""

    def cells(name: str) -> list[str | None]:
        return [_cell(item[name]) for item in items]

    table: dict[str, list[Any]] = {"item": [item["item_no"] for item in items], "prompt": cells("prompt")}
    if mapping.messages is not None or mapping.system is not None:
        table["messages"] = cells("messages")
    if mapping.reference is not None:
        table["reference"] = cells("reference")
    for number, part in enumerate(mapping.responses):
        given = [item["responses"][number] if number < len(item["responses"]) else {} for item in items]
        table[f"response: {visible(part.response)}"] = [_cell(one.get("response")) for one in given]
        if part.score is not None:
            table[f"score: {visible(part.score)}"] = [one.get("trustworthiness_score") for one in given]
    return table


def _cell(value: object) -> str | None:
    return None if value is None else beginning(str(value), CELL_CHARACTERS)


def _save(running: Dashboard, upload: PendingUpload, mapping: ColumnMapping | None) -> None:
    st.text_input(
        "Name of the dataset",
        value=upload.name,
        key=f"name-{upload.upload_id}",
        max_chars=LONGEST_NAME,
        on_change=_set_name,
        args=(upload,),
        width=420,
    )
    n_open = len(upload.open_questions())
    if n_open:
        st.caption(
            "One question of step 2 is open." if n_open == 1 else f"{n_open} questions of step 2 are open."
        )
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        save = st.button(
            "Save",
            type="primary",
            icon=":material/save:",
            key="save-upload",
            disabled=mapping is None or n_open > 0,
        )
        cancel = st.button("Cancel", icon=":material/close:", key="cancel-upload")
    if cancel:
        pending_uploads(running).remove(upload.upload_id)
        _go(DatasetsParams())
    if not save or mapping is None:
        return
    try:
        # Beside the button: below it, at the end of the page, nobody would see it.
        with row, st.spinner("Saving every row …"):
            saved = upload.save(running, mapping)
    except TlmDashError as error:
        # Shown here, beside the button: everything that was said about the upload stays.
        failure(error.message, error.hint, label="Not saved")
        return
    pending_uploads(running).remove(upload.upload_id)
    _go(DatasetsParams(dataset=saved.dataset_id))


def _set_name(upload: PendingUpload) -> None:
    upload.name = st.session_state[f"name-{upload.upload_id}"]


def _go(params: DatasetsParams) -> None:
    st.query_params.from_dict(params.to_dict())
    st.rerun()
