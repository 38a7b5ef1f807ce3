"""Compare: a baseline and candidates on the same prompts, with a verdict that says what it stands on."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services.compare import compare
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts import aligned_rows, compare_choice, difference_rows, pair_details, verdict
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header("Compare", "Which model, which preset? The same prompts side by side, with the evidence.")

running = dashboard()
params = compare_choice.draw(running, CompareParams.from_query(st.query_params))

if params is not None:
    with st.spinner("Comparing …"):
        comparison = compare(running, params.request())
    verdict.draw(comparison)
    difference_rows.draw(comparison)
    difference_rows.draw_tradeoff(comparison)
    pair_details.draw(comparison, params)
    aligned_rows.draw(running, comparison, params)
    verdict.next_step(comparison, params)
