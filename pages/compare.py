"""Compare: a baseline and candidates on the same prompts, with a verdict that says what it stands on."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services.compare import compare
from tlm_dash.services.record_drafts import comparison_record
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts import (
    aligned_rows,
    choose_panel,
    compare_choice,
    decision_record,
    decision_save,
    difference_rows,
    pair_details,
    verdict,
)
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header("Compare", "Which model, which preset? The same prompts side by side, with the evidence.")

running = dashboard()
params = None
if not decision_record.opened(running):
    params = compare_choice.draw(running, CompareParams.from_query(st.query_params))

if params is not None:
    request = params.request()
    with st.spinner("Comparing …"):
        comparison = compare(running, request)
    verdict.draw(running, comparison)
    decision_save.draw(
        running, lambda: comparison_record(running, request), leads=verdict.is_answered(comparison)
    )
    choose_panel.draw(running, comparison, params)
    difference_rows.draw(comparison)
    difference_rows.draw_tradeoff(comparison)
    pair_details.draw(comparison, params)
    aligned_rows.draw(running, comparison, params)
    decision_record.listed(running, request.run_ids)
    verdict.next_step(running, comparison, params)
