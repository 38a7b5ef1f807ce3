"""How a dataset comes in: the drop zone, pasted text, a file of the inbox folder, or the sample."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import inbox
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.parts import sample_dataset
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.pending import laid_out, pending_uploads
from tlm_dash.ui.text import file_size, one_line

PASTE_HEIGHT = 160
MOST_PASTED_CHARACTERS = 5_000_000
NAME_CHARACTERS = 80


def draw(running: Dashboard) -> None:
    """Draw every way in; whatever is read opens as an upload with its three steps."""
    # Any ending is taken: what a file is, its content tells.
    files = st.file_uploader(
        "Upload a file: CSV, TSV, JSON, JSON Lines, Parquet, Excel, text, or OpenAI Batch files together",
        accept_multiple_files=True,
        key="upload-files",
    )
    if files:
        _read(running, "Reading the upload …", [(file.name, file) for file in files])
    _use_sample(running)
    with st.expander("Paste text instead", icon=":material/content_paste:"):
        _paste(running)
    _inbox(running)
    _unsaved(running)


def _paste(running: Dashboard) -> None:
    with st.form("paste", border=False):
        text = st.text_area(
            "One prompt a line, a table with its header, or JSON Lines",
            key="pasted-text",
            height=PASTE_HEIGHT,
            max_chars=MOST_PASTED_CHARACTERS,
            placeholder="What is the capital of Australia?\nWho wrote Faust?",
        )
        pressed = st.form_submit_button("Read the text", icon=":material/arrow_forward:")
    if not pressed:
        return
    if not (text or "").strip():
        failure("There is no text to read.", "Paste one prompt a line, or JSON Lines.", label="Not read")
        return
    content = (text or "").encode("utf-8", errors="replace")
    _read(running, "Reading the text …", [("pasted.txt", io.BytesIO(content))])


def _inbox(running: Dashboard) -> None:
    """Offer files that were put into the inbox folder: those too large for a browser."""
    with st.expander("Large files: take one from the inbox folder", icon=":material/folder_open:"):
        st.text(f"Files put into {inbox.folder(running)} are offered here; they are read where they are.")
        found = inbox.files(running)
        if not found:
            st.caption("There is no file in it now.")
            return
        sizes = {file.name: file.size_bytes for file in found}
        chosen = st.selectbox(
            "File",
            options=list(sizes),
            index=None,
            format_func=lambda name: f"{one_line(name, NAME_CHARACTERS)} · {file_size(sizes[name])}",
            key="inbox-file",
            placeholder="Choose a file",
        )
        if st.button("Read the file", icon=":material/arrow_forward:", key="read-inbox", disabled=not chosen):
            assert chosen is not None
            _open_inbox_file(running, chosen)


def _open_inbox_file(running: Dashboard, name: str) -> None:
    try:
        path = inbox.resolved(running, name)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not read")
        return
    _look_into(running, "Reading the file …", [path], None)


def _unsaved(running: Dashboard) -> None:
    """Lead back to uploads that were left before they were saved."""
    for upload in reversed(pending_uploads(running).all()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "../../pages/datasets.py",
                label="Continue",
                icon=":material/edit:",
                query_params=DatasetsParams(upload=upload.upload_id).to_dict(),
            )
            st.text("Not saved yet:", width="content")
            st.text(one_line(upload.inspection.file_name, NAME_CHARACTERS), width="stretch")


def _read(running: Dashboard, words: str, files: Sequence[tuple[str, BinaryIO]]) -> None:
    try:
        with st.spinner(words):
            folder, paths = laid_out(running, files)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not read")
        return
    _look_into(running, words, paths, folder)


def _look_into(running: Dashboard, words: str, paths: Sequence[Path], folder: Path | None) -> None:
    try:
        with st.spinner(words):
            upload = pending_uploads(running).add(running, paths, folder)
    except TlmDashError as error:
        # Shown here, where it was dropped: what was chosen or typed stays.
        failure(error.message, error.hint, label="Not read")
        return
    st.query_params.from_dict(DatasetsParams(upload=upload.upload_id).to_dict())
    st.rerun()


def _use_sample(running: Dashboard) -> None:
    """Offer the dataset that comes with tlm_dash."""
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Use the sample dataset", icon=":material/lightbulb:", key="use-sample")
        st.caption("A few questions with responses, to try everything on.")
    dataset_id = sample_dataset.take(running) if pressed else None
    if dataset_id is not None:
        st.query_params.from_dict(DatasetsParams(dataset=dataset_id).to_dict())
        st.rerun()
