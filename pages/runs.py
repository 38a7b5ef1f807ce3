"""Runs: a dataset through models and presets, watched while it goes on, found again when it is done."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import runs
from tlm_dash.ui.params_runs import RunsParams
from tlm_dash.ui.parts import new_run, run_list
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header(
    "Runs", "Send a dataset through models and presets; every row ends scored, or failed with a reason."
)

running = dashboard()
params = RunsParams.from_query(st.query_params)

has_datasets = new_run.draw(running, params)
if has_datasets or runs.list_runs(running):
    run_list.draw(running, params)
