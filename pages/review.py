"""Review: how the scores of runs lie, the rows behind them, and labels that can be trusted."""

from __future__ import annotations

import streamlit as st

from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts import (
    distribution_panel,
    label_queue,
    label_sources,
    review_runs,
    row_drawer,
    row_filters,
    row_table,
)
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header("Review", "See how the scores of a run lie, read the rows behind them, and label them.")

running = dashboard()
params = review_runs.settled(running, ReviewParams.from_query(st.query_params))

views = review_runs.draw(running, params)
if views and params.view == "queue":
    review_runs.draw_way_back(params)
    label_queue.draw(running, params)
elif views and params.view == "labels":
    review_runs.draw_way_back(params)
    label_sources.draw(running, params)
elif views:
    review_runs.draw_actions(running, views, params)
    row_filters.draw(running, views, params)
    distribution_panel.draw(running, views, params)
    row_table.draw(running, views, params)
    review_runs.draw_next_step(views, params)
    row_drawer.draw(running, views, params)
