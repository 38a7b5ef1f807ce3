"""The label queue: a name once, a plan in one line, then one row after another by keyboard."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import NotFoundError
from tlm_dash.services import label_queue
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts import label_item, label_plan_form, label_plans, label_progress, queue_moves
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.queue_keys import queue_keys


def draw(running: Dashboard, params: ReviewParams) -> None:
    """Draw what comes next for this reviewer: name, plan, or the row to label."""
    queue = QueueParams.from_query(st.query_params)
    if queue.reviewer is None:
        _ask_name()
    elif queue.plan is not None:
        _focus(running)
    elif params.of is None:
        empty("No run is chosen.", "Choose the run whose rows are to be labelled above.")
    else:
        label_plans.draw(running, params.of, queue)
        is_first = not label_plans.are_there(running, params.of)
        label_plan_form.draw(running, params.of, queue, is_first=is_first)


def _ask_name() -> None:
    st.text("Who is labelling? Every verdict keeps the name of its person.")
    # A form: one press of Enter is enough.
    with st.form("queue-name-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Your name", max_chars=80, key="queue-name", width=320)
        if st.form_submit_button("Go on", type="primary") and name.strip():
            QueueParams.from_query(st.query_params).named(name).write(st.query_params)
            st.rerun()


@st.fragment
def _focus(running: Dashboard) -> None:
    guarded(lambda: _draw_turn(running))


def _draw_turn(running: Dashboard) -> None:
    queue = QueueParams.from_query(st.query_params)
    if queue.plan is None or queue.reviewer is None:
        # Left: the whole page once more.
        st.rerun()
    try:
        turn = label_queue.take(running, queue.plan, queue.reviewer, position=queue.item)
    except NotFoundError as error:
        failure(error.message, error.hint, label="Not found")
        queue_moves.leave_button(running, queue)
        return
    queue_moves.refusal()
    if turn.item is None or turn.texts is None:
        label_progress.draw_end(running, turn, queue)
    else:
        label_item.draw(running, turn, turn.item, turn.texts, queue)
    queue_keys(queue_moves.n_heard())
