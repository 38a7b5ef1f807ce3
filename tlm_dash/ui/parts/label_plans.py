"""The labelling plans of a run: one line each, how far it is, and the button that goes on with it."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import label_plans
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_plans import READING_KINDS, LabelPlan
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.parts import label_progress
from tlm_dash.ui.text import visible

READING_NOTE = "For reading: these labels speak for their own rows alone."


def draw(running: Dashboard, run_id: str, queue: QueueParams) -> None:
    """Draw the plans of a run, newest first; nothing where there are none."""
    for plan in reversed(label_plans.plans_of(running, run_id)):
        _plan(running, plan, queue)


def are_there(running: Dashboard, run_id: str) -> bool:
    """Tell whether there is a plan to go on with."""
    return bool(label_plans.plans_of(running, run_id))


def _plan(running: Dashboard, plan: LabelPlan, queue: QueueParams) -> None:
    done = label_plans.progress(running, plan.plan_id)
    words = label_plans.sentence(
        plan.kind, plan.n_items, plan.settings, is_score_blind=plan.is_score_blind, speed=None
    )
    with (
        st.container(border=True, key=f"plan-{plan.plan_id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        with st.container(gap=None, width="stretch"):
            st.text(visible(words), help=f"Made {plan.created_at:%Y-%m-%d %H:%M} UTC")
            st.text(label_progress.counts(done))
            if done.by_annotator:
                st.text(f"Rows by person: {label_progress.people(done)}")
            if plan.kind in READING_KINDS:
                st.caption(READING_NOTE)
        is_over = done.n_visited == done.n_items and not done.n_waiting
        label = "Start" if not done.n_visited else "Open" if is_over else "Go on"
        if st.button(
            label, key=f"open-plan-{plan.plan_id}", type="primary" if label != "Open" else "secondary"
        ):
            queue.opening(plan.plan_id).write(st.query_params)
            st.rerun()
