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
        dataset_id = take(running)
        if dataset_id is not None:
            st.switch_page(RUNS, query_params={"new": "yes", "dataset": dataset_id})


def take(running: Dashboard) -> str | None:
    """Save it and give its id; None where that cannot be, after saying why."""
    try:
        with st.spinner("Saving the sample dataset …"):
            return dataset_upload.save_sample(running).dataset_id
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not saved")
        return None
