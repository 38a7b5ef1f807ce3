"""One row of the label queue: prompt, response, reference if any, and what a person can say of it.

Everything a press needs is in the arguments of its callback: which row was on the screen, and how much had
been said of it. So a press that arrives late, or twice, cannot reach another row.
"""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import label_queue
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_queue import ItemTexts, PlanItem, Turn
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.parts import label_progress, queue_moves
from tlm_dash.ui.parts.whole_text import whole_text

BUTTONS = (
    ("correct", "Correct", "C", ":material/check:"),
    ("incorrect", "Incorrect", "X", ":material/close:"),
    ("unsure", "Unsure", "U", ":material/help:"),
    ("skip", "Skip", "S", ":material/skip_next:"),
)


def draw(running: Dashboard, turn: Turn, item: PlanItem, texts: ItemTexts, queue: QueueParams) -> None:
    """Draw a row with its buttons."""
    here = queue_moves.screen(turn)
    label_progress.draw_line(turn)
    with st.container(key=f"queue-item-{here}"):
        asked, answered = st.columns(2, gap="small")
        with asked, st.container(gap="xsmall"):
            _text("Prompt", _prompt(texts), "prompt", f"above-{here}" if texts.reference else here)
            if texts.reference:
                _text("Reference", texts.reference, "reference", here)
        with answered, st.container(gap="xsmall"):
            is_blind = turn.state.plan.is_score_blind
            score = "" if is_blind else f" · score {queue_moves.score_words(texts)}"
            _text(f"Response{score}", texts.response, "response", here)
    _verdicts(running, turn, item, queue)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="queue-moves"):
        kept = turn.mine.note if turn.mine is not None else None
        st.text_input(
            "Note", key=_note_key(item.position, turn.n_said), value=kept or "",
            placeholder="Note (N): kept with the verdict", label_visibility="collapsed", max_chars=20_000,
        )  # fmt: skip
        _moves(running, turn, queue)
    queue_moves.draw_last(running, turn, queue)


def _verdicts(running: Dashboard, turn: Turn, item: PlanItem, queue: QueueParams) -> None:
    """Draw the four buttons; what was said here before stands out. The keys are those of queue_keys."""
    said_before = None if turn.mine is None else turn.mine.verdict or "skip"
    with st.container(horizontal=True, key="queue-verdicts", gap="small"):
        for said, label, key, icon in BUTTONS:
            st.button(
                queue_moves.with_key(label, key), icon=icon, width="stretch",
                key=f"queue-{said}-{queue_moves.screen(turn)}",
                type="primary" if said_before == said else "secondary",
                on_click=_press, args=(running, queue, turn.annotator, item.position, turn.n_said, said),
            )  # fmt: skip


def _moves(running: Dashboard, turn: Turn, queue: QueueParams) -> None:
    queue_moves.back_button(turn, queue)
    st.button(
        queue_moves.with_key("Next open", "→"), key=f"queue-forward-{queue_moves.screen(turn)}",
        disabled=queue.item is None, on_click=queue_moves.go, args=(queue.at(None),),
    )  # fmt: skip
    queue_moves.undo_button(running, turn, queue)
    queue_moves.leave_button(running, queue, turn.annotator)


def _text(label: str, text: str, what: str, here: str) -> None:
    st.text(label)
    whole_text(text, what=what, key=f"queue-{here}")


def _prompt(texts: ItemTexts) -> str:
    """Give the prompt as it was sent: one message as it is, several with who says them."""
    if len(texts.messages) < 2:
        return texts.prompt
    return "\n\n".join(f"[{m.get('role', '?')}]\n{_content(m.get('content'))}" for m in texts.messages)


def _content(content: object) -> str:
    return content if isinstance(content, str) else str(content)


def _note_key(position: int, n_said: int) -> str:
    return f"queue-note-{queue_moves.screen_of_row(position, n_said)}"


def _press(running: Dashboard, queue: QueueParams, name: str, position: int, n_said: int, said: str) -> None:
    queue_moves.hear()
    note = str(st.session_state.get(_note_key(position, n_said)) or "")
    with queue_moves.refusal_kept():
        label_queue.press(
            running, queue.plan or "", name, position=position, said=said, n_said=n_said, note=note
        )
        queue.at(None).write(st.query_params)
