"""Rows of runs as a file: which rows, in which format, and where to fetch it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import exports
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.exports import EVERY_ROW, Download, ExportFormat, RowFilter
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import file_size, visible

FORMAT_NAMES: dict[ExportFormat, str] = {
    "csv": "CSV",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "xlsx": "Excel workbook",
}
_NOTES: dict[ExportFormat, str] = {
    "csv": "Exact: importing it again gives the same items, scores and labels.",
    "jsonl": "Exact: importing it again gives the same items, scores and labels.",
    "parquet": "Exact, and the smallest: importing it again gives the same items, scores and labels.",
    "xlsx": "For reading: cells are cut after 32,767 characters, and formulas are text.",
}
FILTERED, WHOLE = "filtered", "whole"


def draw(
    running: Dashboard, run_ids: Sequence[str], wanted: RowFilter = EVERY_ROW, *, name: str = "rows"
) -> None:
    """Draw the menu for some runs of one dataset. `wanted` are the rows on the page; `name` is the file's."""
    key = "-".join(run_id[:8] for run_id in run_ids[:4])
    with st.popover("Export", icon=":material/download:", key=f"export-{key}", disabled=not run_ids):
        scope = WHOLE
        if wanted != EVERY_ROW:
            words = {FILTERED: "The filtered rows", WHOLE: "All rows of the run"}
            if len(run_ids) > 1:
                words[WHOLE] = "All rows of these runs"
            scope = st.radio(
                "Rows", options=list(words), format_func=words.__getitem__, key=f"export-rows-{key}"
            )
        known = st.selectbox(
            "Format", options=list(FORMAT_NAMES), format_func=FORMAT_NAMES.__getitem__, key=f"export-as-{key}"
        )
        is_safe = known == "csv" and st.checkbox(
            "Safe for spreadsheets",
            key=f"export-safe-{key}",
            help="Cells that begin like a formula get an apostrophe in front, so that a spreadsheet program "
            "takes them for text. It is taken away again when the file is imported.",
        )
        st.caption(_NOTES[known])
        rows = EVERY_ROW if scope == WHOLE else wanted
        _fetch(running, run_ids, known, rows, name, key, is_safe=is_safe)


def _fetch(
    running: Dashboard, run_ids: Sequence[str], known: ExportFormat, rows: RowFilter, name: str, key: str,
    *, is_safe: bool,
) -> None:  # fmt: skip
    found = exports.prepared_download(running, run_ids, known, wanted=rows, is_spreadsheet_safe=is_safe)
    label = "Prepare the file" if found is None else "Prepare it anew"
    if st.button(label, icon=":material/description:", key=f"export-prepare-{key}"):
        try:
            with st.spinner("Writing the file …"):
                found = exports.download(
                    running, run_ids, known, name=name, wanted=rows, is_spreadsheet_safe=is_safe
                )
        except TlmDashError as error:
            failure(error.message, error.hint, label="Not written")
            return
    if found is not None:
        _offer(found)


def _offer(found: Download) -> None:
    st.link_button(
        f"Download {file_size(found.size_bytes)}", found.url, icon=":material/download:", type="primary"
    )
    st.text(visible(found.name))
    told = f"{found.n_rows:,} row{'s' if found.n_rows != 1 else ''}"
    if found.n_shortened_cells:
        told += f"; {found.n_shortened_cells:,} cells were too long and were cut"
    st.caption(f"{told}, as they were when it was prepared.")
