"""The sample dataset as a first step, where there is no dataset at all."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import dataset_upload, datasets
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.parts.notice import failure

RUNS = "../../pages/runs.py"


def offer(running: Dashboard, key: str) -> None:
    """Offer to take it and to run it; nothing where there is a dataset already."""
    if datasets.listed(running):
        return
    if st.button("Use the sample dataset", icon=":material/lightbulb:", key=key):
        try:
            saved = dataset_upload.save_sample(running)
        except TlmDashError as error:
            failure(error.message, error.hint)
            return
        st.switch_page(RUNS, query_params={"new": "yes", "dataset": saved.dataset_id})
