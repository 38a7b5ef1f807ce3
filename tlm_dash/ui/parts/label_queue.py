"""The label queue: a name once, a plan in one line, then one row after another by keyboard."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import NotFoundError
from tlm_dash.services import label_queue
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui import who
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts import (
    label_item,
    label_plan_form,
    label_plans,
    label_progress,
    queue_moves,
    who_line,
)
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.queue_keys import queue_keys


def draw(running: Dashboard, params: ReviewParams) -> None:
    """Draw what comes next for this reviewer: name, plan, or the row to label."""
    queue = QueueParams.from_query(st.query_params)
    name = who.name()
    if name is None:
        who_line.ask("queue", "Who is labelling? Every verdict keeps the name of its person.")
    elif queue.plan is not None:
        _focus(running)
    elif params.of is None:
        empty("No run is chosen.", "Choose the run whose rows are to be labelled above.")
    else:
        who_line.line("plans")
        label_plans.draw(running, params.of, queue)
        is_first = not label_plans.are_there(running, params.of)
        label_plan_form.draw(running, params.of, queue, name, is_first=is_first)


@st.fragment
def _focus(running: Dashboard) -> None:
    guarded(lambda: _draw_turn(running))


def _draw_turn(running: Dashboard) -> None:
    queue = QueueParams.from_query(st.query_params)
    name = who.name()
    if queue.plan is None or name is None:
        # Left: the whole page once more.
        st.rerun()
    try:
        turn = label_queue.take(running, queue.plan, name, position=queue.item)
    except NotFoundError as error:
        failure(error.message, error.hint, label="Not found")
        queue_moves.leave_button(running, queue, name)
        return
    queue_moves.refusal()
    if turn.item is None or turn.texts is None:
        label_progress.draw_end(running, turn, queue)
    else:
        label_item.draw(running, turn, turn.item, turn.texts, queue)
    queue_keys(queue_moves.n_heard())
