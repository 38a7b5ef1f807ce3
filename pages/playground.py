"""Playground: one prompt, one or more models and presets, answers side by side."""

from __future__ import annotations

import streamlit as st

from tlm_dash.ui.params_playground import PlaygroundParams
from tlm_dash.ui.parts import cards, composer, history
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header("Playground", "Ask one prompt, see each answer with its trustworthiness score, side by side.")

running = dashboard()
params = PlaygroundParams.from_query(st.query_params)
view = cards.open_entry(running, params)

left, right = st.columns([4, 9], gap="medium")
with left:
    composed = composer.draw(running, params, view.request if view else None)
with right:
    if view is None:
        cards.draw_empty()
    else:
        cards.draw(running, view, composed)
history.draw(running, params)
