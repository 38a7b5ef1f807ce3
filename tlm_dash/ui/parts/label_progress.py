"""How far a labelling plan is, and what its labels already allow to say."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import label_plans
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_plans import LabelPlan, Progress
from tlm_dash.services.label_queue import Turn
from tlm_dash.services.plan_estimate import plan_estimate
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.parts import queue_moves
from tlm_dash.ui.parts.notice import waiting
from tlm_dash.ui.text import visible
from tlm_dash.words.numbers import percent, percent_range


def draw_line(turn: Turn) -> None:
    """Draw one line with a bar: which row this is, how many are visited, and how fast it goes."""
    done = label_plans.progress_of(turn.state)
    words = [f"Row {turn.item.position + 1:,} of {done.n_items:,}"] if turn.item is not None else []
    words.append(counts(done))
    seconds = turn.state.seconds_a_row(turn.voice)
    if seconds is not None and turn.item is not None:
        left = label_plans.time_words((done.n_items - done.n_visited) * seconds)
        speed = f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
        words.append(f"{speed} a row, about {left} left")
    # The number of the picture, for queue_keys: the first thing of it that is drawn.
    with st.container(key=f"queue-picture-{queue_moves.n_heard()}"):
        st.progress(done.n_visited / max(1, done.n_items), text=" · ".join(words))


def counts(done: Progress) -> str:
    """Say in one line how far a plan is."""
    words = [f"{done.n_visited:,} of {done.n_items:,} visited", f"{done.n_labelled:,} labelled"]
    words += [f"{done.n_unsure:,} unsure"] if done.n_unsure else []
    words += [f"people disagree on {done.n_contested:,}"] if done.n_contested else []
    words += [f"{done.n_skipped:,} skipped"] if done.n_skipped else []
    words += [f"{done.n_waiting:,} for a second person"] if done.n_waiting else []
    return " · ".join(words)


def people(done: Progress) -> str:
    """Say who visited how many rows."""
    return visible(", ".join(f"{name} {n:,}" for name, n in done.by_annotator.items()))


def draw_end(running: Dashboard, turn: Turn, queue: QueueParams) -> None:
    """Draw the end of the queue for this person."""
    plan = turn.state.plan
    done = label_plans.progress_of(turn.state)
    draw_line(turn)
    if turn.n_held:
        rows = "row is" if turn.n_held == 1 else "rows are"
        waiting(f"{turn.n_held:,} open {rows} at other people just now.", "Look again in a moment.")
        st.button("Look again", key="queue-look-again", icon=":material/refresh:")
    else:
        st.header("Nothing is left for you in this plan", anchor=False)
    if done.by_annotator:
        st.text(f"Rows by person: {people(done)}")
    _open_rows(turn, queue)
    _estimate(running, plan)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Decide", type="primary", icon=":material/gavel:", key="queue-decide"):
            st.switch_page("../../pages/decide.py", query_params={"run": plan.run_id})
        queue_moves.back_button(turn, queue)
        queue_moves.undo_button(running, turn, queue)
        queue_moves.leave_button(running, queue, turn.annotator)
    queue_moves.draw_last(running, turn, queue)


def _estimate(running: Dashboard, plan: LabelPlan) -> None:
    """Say what the labels already allow to say, or why they do not."""
    found = plan_estimate(running, plan)
    accuracy = found.accuracy
    if accuracy.value is None:
        st.text(visible(f"No estimate: {accuracy.reason}"))
        return
    st.metric("Correct responses", percent(accuracy.value))
    interval = ""
    if accuracy.low is not None and accuracy.high is not None:
        how = ", approximate" if accuracy.method == "approximate" else ""
        interval = f"95% interval {percent_range(accuracy.low, accuracy.high)}{how}; "
    st.text(visible(f"{interval}{accuracy.n:,} labelled rows. The sample: {found.sentence}."))
    if found.labels.sentence is not None:
        st.text(visible(found.labels.sentence))


def _open_rows(turn: Turn, queue: QueueParams) -> None:
    """Offer the rows that this person skipped or was unsure of, from the first one on."""
    mine = [
        item.position
        for item in turn.state.items
        for said in [turn.state.visits(item).get(turn.voice)]
        if said is not None and said.verdict in (None, "unsure")
    ]
    if mine:
        words = (
            "1 row that you skipped or were"
            if len(mine) == 1
            else f"{len(mine):,} rows that you skipped or were"
        )
        st.button(
            f"Look again at {words} unsure of", key=f"queue-open-{mine[0]}", icon=":material/replay:",
            on_click=queue_moves.go, args=(queue.at(mine[0]),),
        )  # fmt: skip
