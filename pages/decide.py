"""Decide: from a target to a threshold with a guarantee, and everything that it stands on."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.services.record_drafts import threshold_record
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.parts import (
    decision_path,
    decision_record,
    decision_save,
    decision_sentence,
    label_basis,
    operating_point,
    ranking_quality,
)
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header(
    "Decide", "Below which score must a person look, so that few enough of the accepted answers are wrong?"
)

running = dashboard()
params = DecideParams.from_query(st.query_params)
views, there = decision_path.runs_to_decide(running, params)
view = None if decision_record.opened(running) else decision_path.run_to_decide(running, views, there, params)
if view is not None:
    params = replace(params, run=view.record.run_id)
asked = None if view is None else decision_path.decided(running, view, params)

if asked is not None:
    decision = asked.decision
    run_id, question = decision.record.run_id, decision.question
    label_basis.choose(views, decision)
    label_basis.draw(decision)
    decision_path.labels_missing(running, decision)
    decision_sentence.draw(running, asked, params)
    if decision.n_labelled and asked.can_be_saved:
        told, chosen = asked.notes(), params.threshold
        decision_save.draw(
            running,
            lambda: threshold_record(running, run_id, question, chosen_threshold=chosen, told=told),
        )
    operating_point.draw(decision)
    ranking_quality.draw(decision)
    decision_record.listed(running, (run_id,))
    decision_path.next_step(decision)
