"""Datasets: bring files in, say what their columns mean, look into what is there."""

from __future__ import annotations

import streamlit as st

from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.parts import dataset_detail, dataset_list, upload, upload_steps
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header(
    "Datasets", "Bring in the prompts, responses, scores and labels that you have, and look into them."
)

running = dashboard()
params = DatasetsParams.from_query(st.query_params)
# A link to this same page changes what the script is told, but not the browser's address bar: written back,
# a reload shows the same. The browser ignores what it shows already.
st.query_params.from_dict(params.to_dict())

if params.dataset is not None:
    dataset_detail.draw(running, params)
elif params.upload is not None:
    upload_steps.draw(running, params)
else:
    upload.draw(running)
    dataset_list.draw(running, params)
