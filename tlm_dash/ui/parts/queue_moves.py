"""What a person does in the label queue besides verdicts: undo, back, leave, see the last row's score."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import label_queue
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_queue import ItemTexts, Turn
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.parts import who_line
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import score_text, visible

SAID = {"correct": "correct", "incorrect": "incorrect", "unsure": "unsure", None: "skipped"}

_REFUSED = "queue-refused"
"""Why the last press was not kept: shown once, on the next picture."""

_HEARD = "queue-heard"
"""How many presses of this tab have been heard: the keys wait for the picture that follows each."""


def with_key(label: str, key: str) -> str:
    """Write a button's label with the key that presses it. Both are our own words: a label is Markdown."""
    return f"{label} :gray-badge[{key}]"


def screen(turn: Turn) -> str:
    """Name what a person sees: the row and how much they had said of it, or the end of the queue.

    It is part of the name of every button, so that queue_keys never presses one of an earlier picture.
    """
    return "end" if turn.item is None else screen_of_row(turn.item.position, turn.n_said)


def screen_of_row(position: int, n_said: int) -> str:
    """Name the picture of a row, by its position and how much its person had said of it."""
    return f"{position}-{n_said}"


def draw_last(running: Dashboard, turn: Turn, queue: QueueParams) -> None:
    """Say what was said last, with its score where it is asked for."""
    with st.container(
        horizontal=True, vertical_alignment="center", height=44, border=False, key="queue-last"
    ):
        if turn.last is None:
            st.caption("Keys work wherever the cursor is not in a text field.", width="content")
            who_line.line("queue")
            return
        item, said = turn.last
        st.text(f"Last: row {item.position + 1:,}, {SAID[said.verdict]}.", width="content")
        if turn.last_texts is not None:
            st.text(f"Its score: {score_words(turn.last_texts)}", width="content")
        elif turn.state.plan.is_score_blind:
            st.button(
                with_key("Show its score", "R"), key=f"queue-reveal-{screen(turn)}", type="tertiary",
                on_click=_reveal, args=(running, queue, turn.annotator, item.position),
            )  # fmt: skip
        who_line.line("queue")


def undo_button(running: Dashboard, turn: Turn, queue: QueueParams) -> None:
    """Draw the button that takes back what was said last."""
    last = turn.last[1].annotation_id if turn.last is not None else "none"
    st.button(
        with_key("Undo", "Z"), key=f"queue-undo-{screen(turn)}", disabled=turn.last is None,
        on_click=_undo, args=(running, queue, turn.annotator, last), help="Takes back your last verdict.",
    )  # fmt: skip


def back_button(turn: Turn, queue: QueueParams) -> None:
    """Draw the button that goes back to the row before this one."""
    st.button(
        with_key("Back", "←"), key=f"queue-back-{screen(turn)}",
        disabled=turn.earlier is None, on_click=go, args=(queue.at(turn.earlier),),
    )  # fmt: skip


def leave_button(running: Dashboard, queue: QueueParams, name: str) -> None:
    """Draw the button that leads back to the list of plans, and gives back the row that a person has."""
    st.button("Leave", key="queue-leave", on_click=_leave, args=(running, queue, name), help="All is kept.")


def refusal() -> None:
    """Show why the last press was not kept."""
    refused = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        failure(*refused)


def score_words(texts: ItemTexts) -> str:
    """Write a score, or that there is none and why."""
    if texts.score is not None:
        return score_text(texts.score)
    return visible(f"unscored. {texts.unscored_reason or ''}".strip())


def hear() -> None:
    """Note that a press has come which leads to another picture, or says on this one why it does not."""
    st.session_state[_HEARD] = n_heard() + 1


def n_heard() -> int:
    """Count the presses that were heard in this tab."""
    return int(st.session_state.get(_HEARD, 0))


def _undo(running: Dashboard, queue: QueueParams, name: str, annotation_id: str) -> None:
    hear()
    with refusal_kept():
        position = label_queue.undo(running, queue.plan or "", name, annotation_id)
        if position is not None:
            queue.at(position).write(st.query_params)


def _reveal(running: Dashboard, queue: QueueParams, name: str, position: int) -> None:
    with refusal_kept():
        label_queue.reveal(running, queue.plan or "", name, position)


def go(queue: QueueParams) -> None:
    """Go to the row that an address names."""
    hear()
    queue.write(st.query_params)


def _leave(running: Dashboard, queue: QueueParams, name: str) -> None:
    with refusal_kept():
        label_queue.release(running, queue.plan or "", name)
    queue.opening(None).write(st.query_params)


@contextmanager
def refusal_kept() -> Iterator[None]:
    """Keep what went wrong for the picture that is drawn next: callbacks run before it."""
    try:
        yield
    except TlmDashError as error:
        st.session_state[_REFUSED] = (error.message, error.hint)
