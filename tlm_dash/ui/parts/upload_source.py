"""The first step of an upload: what kind of file it was found to be, and the menus to say otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.parts.dataset_list import counted
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.pending import PendingUpload, with_override
from tlm_dash.ui.text import file_size, visible

FORMAT_NAMES = {
    "csv": "CSV",
    "tsv": "TSV",
    "jsonl": "JSON Lines",
    "json": "JSON",
    "parquet": "Parquet",
    "xlsx": "Excel workbook",
    "openai-batch": "OpenAI Batch",
    "text": "Text, one prompt a line",
}
DELIMITER_NAMES = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe", "none": "None: one column"}
ENCODINGS = (
    "utf-8", "utf-16", "cp1252", "latin-1", "cp1251", "gb18030", "big5", "shift_jis", "euc_kr", "cp1250",
)  # fmt: skip
HEADER_NAMES = {True: "The first line names the columns", False: "The first line is data"}


def draw(running: Dashboard, upload: PendingUpload) -> None:
    """Draw what was found; a change reads the file again."""
    if upload.wanted != upload.seen:
        with st.spinner("Reading the file again …"):
            upload.look_again(running)
    found = upload.inspection
    with st.container(horizontal=True, gap="small"):
        st.text(visible(found.file_name), width="content")
        st.text(f"{file_size(found.size_bytes)}, {counted(len(found.columns), 'column')}", width="content")
    with st.container(horizontal=True):
        if len(upload.sources) == 1:
            _menu(upload, "format", "Format", list(FORMAT_NAMES), found.format, FORMAT_NAMES)
        else:
            st.text(f"{FORMAT_NAMES[found.format]}: {len(upload.sources)} files", width="content")
        if found.encoding is not None and len(upload.sources) == 1:
            _menu(upload, "encoding", "Encoding", ENCODINGS, found.encoding)
        if found.delimiter is not None:
            _menu(upload, "delimiter", "Delimiter", list(DELIMITER_NAMES), found.delimiter, DELIMITER_NAMES)
            _menu(upload, "has_header", "Header", list(HEADER_NAMES), found.has_header, HEADER_NAMES)
        if len(found.sheets) > 1:
            label = "Sheet" if found.format == "xlsx" else "Rows are under"
            _menu(upload, "sheet", label, found.sheets, found.sheet)
    if upload.problem is not None:
        failure(upload.problem.message, upload.problem.hint, label="Not read so")
    for warning in found.warnings:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.badge("Note", color="blue", icon=":material/info:")
            st.text(visible(warning), width="stretch")


def _menu(
    upload: PendingUpload,
    name: str,
    label: str,
    options: Sequence[Any],
    found: object,
    names: Mapping[Any, str] | None = None,
) -> None:
    key = f"{name}-{upload.upload_id}"
    said = getattr(upload.wanted, name)
    known = list(dict.fromkeys((*options, found)))
    st.session_state[key] = found if said is None or said not in known else said
    st.selectbox(
        label,
        options=known,
        format_func=lambda value: visible(str((names or {}).get(value, value))),
        key=key,
        on_change=_say,
        args=(upload, name, key),
        width=230,
    )


def _say(upload: PendingUpload, name: str, key: str) -> None:
    upload.wanted = with_override(upload.wanted, name, st.session_state[key])
