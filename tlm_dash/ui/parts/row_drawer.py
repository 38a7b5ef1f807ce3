"""One row in a drawer at the right: its texts, tries and labels, and what other runs have for its prompt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.models import utc_now
from tlm_dash.services import review
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.review import RowDetail
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts import playground_link, row_labels, row_others
from tlm_dash.ui.parts.copy_button import copy_button
from tlm_dash.ui.parts.review_runs import listed_run, title
from tlm_dash.ui.parts.row_words import STATUS_WORDS, kind_words
from tlm_dash.ui.parts.whole_text import whole, whole_text
from tlm_dash.ui.text import SHOWN_AT_ONCE, ago, beginning, duration, plain, score_text, visible
from tlm_dash.words.not_accepted import WHY

DRAWER_WIDTH = 720
TOLD_CHARACTERS = 20_000
SHORT_FACT = 200
ROLES = {
    "system": "System prompt",
    "user": "Prompt",
    "assistant": "Earlier answer",
    "developer": "System prompt",
}
CALLS = {"generate": "answer", "score": "score"}


def draw(running: Dashboard, views: Sequence[RunView], params: ReviewParams) -> None:
    """Draw the drawer while the address names a row."""
    if params.row is not None:
        run_id = listed_run(views, params)
        _drawer(running, next(view for view in views if view.record.run_id == run_id))


def _closed() -> None:
    _go_to(None)


@st.dialog("Row", width=DRAWER_WIDTH, position="right", on_dismiss=_closed)
def _drawer(running: Dashboard, view: RunView) -> None:
    guarded(lambda: _draw(running, view))


def _draw(running: Dashboard, view: RunView) -> None:
    # Read anew each time: the drawer draws itself again without the page.
    params = ReviewParams.from_query(st.query_params)
    if params.row is None:
        return
    row = review.detail(running, view, params.row)
    _head(running, view, row, params)
    _figures(row)
    if view.record.is_playground:
        playground_link.draw(running, view.record.run_id, row.item_no, label="Its card in the playground")
    row_labels.draw(running, view, row)
    place = f"{row.item_no}-{view.record.run_id}"
    for number, message in enumerate(row.messages):
        _message(message, f"{number}-{place}")
    _block("Response", row.response, what="response", place=place, missing="There is no response.")
    if row.explanation is not None:
        _block("Explanation of the score", row.explanation, what="explanation", place=place)
    if row.reference is not None:
        _block("Reference", row.reference, what="reference", place=place)
    row_others.draw(row)
    _tries(row)
    _raw(row)


def _head(running: Dashboard, view: RunView, row: RowDetail, params: ReviewParams) -> None:
    try:
        before, after = review.neighbours(
            running, view, params.filter, row.item_no, sort=params.sort, page=params.page, axis=params.axis
        )
    except TlmDashError:
        before = after = None
    # Above the name, which may take several lines: they stay under the mouse from row to row.
    with st.container(horizontal=True):
        for label, icon, place, shortcut in (
            ("Previous", ":material/chevron_left:", before, "left"),
            ("Next", ":material/chevron_right:", after, "right"),
        ):
            pressed = st.button(
                label, icon=icon, key=f"row-{label.lower()}", disabled=place is None, shortcut=shortcut
            )
            if pressed and place is not None:
                page, item_no = place
                st.query_params.from_dict(replace(params, page=page, row=item_no).to_dict())
                st.rerun()
    st.text(f"Row {row.item_no:,} of {title(view)}")


def _go_to(item_no: int | None) -> None:
    params = ReviewParams.from_query(st.query_params)
    st.query_params.from_dict(params.opening(item_no).to_dict())


def _figures(row: RowDetail) -> None:
    with st.container(gap="xxsmall"):
        for number, (name, value) in enumerate(_facts(row)):
            with st.container(horizontal=True, gap="small"):
                st.caption(plain(name), width=170)
                if len(value) <= SHORT_FACT:
                    st.text(visible(value), width="stretch")
                else:
                    whole_text(value, what="fact", key=f"{number}-row-{row.item_no}", border=False)


def _facts(row: RowDetail) -> Iterator[tuple[str, str]]:
    if row.trustworthiness_score is not None:
        yield "Score", score_text(row.trustworthiness_score)
    else:
        yield "Score", f"none: {row.unscored_reason or STATUS_WORDS.get(row.status, row.status)}"
    if row.status == "error":
        yield "Failed", f"{kind_words(row.error_kind)}: {row.error_message or ''} {row.error_hint or ''}"
    if row.model or row.resolved_model:
        told = row.model or ""
        if row.resolved_model and row.resolved_model != row.model:
            told = f"{told}, answered by {row.resolved_model}" if told else row.resolved_model
        yield "Model", told
    if row.latency_ms is not None or row.score_latency_ms is not None:
        parts = [f"answer {duration(row.latency_ms)}"] if row.latency_ms is not None else []
        parts += [f"score {duration(row.score_latency_ms)}"] if row.score_latency_ms is not None else []
        yield "Latency", ", ".join(parts)
    if row.input_tokens is not None or row.output_tokens is not None:
        yield "Tokens of the answer", f"{row.input_tokens or 0:,} in, {row.output_tokens or 0:,} out"
    if row.mark is not None and row.status == "done":
        yield "Never accepted", f"{WHY[row.mark]}: whatever the score, people read it"
    if row.finish_reason:
        yield "Finish reason", row.finish_reason
    if row.source_id is not None:
        yield "Id in the file", row.source_id
    yield from row.tags.items()
    yield from row.extra.items()
    if row.written_at is not None:
        yield "Written", ago(row.written_at, utc_now())


def _message(message: Mapping[str, Any], place: str) -> None:
    role = str(message.get("role", ""))
    content = message.get("content")
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)
    _block(ROLES.get(role, "Message"), text, what="message", place=place, is_copied=False)


def _block(
    label: str, text: str | None, *, what: str, place: str, missing: str = "", is_copied: bool = True
) -> None:
    """Show a text as it is, whole, with a button that copies it."""
    st.caption(label)
    if text is None:
        st.text(missing)
        return
    whole_text(text, what=what, key=f"row-{place}")
    if is_copied and text:
        copy_button(f"Copy the {what}", text, key=f"copy-{what}")


def _tries(row: RowDetail) -> None:
    if not row.tries:
        return
    with st.expander(f"All attempts ({len(row.tries)})"):
        st.dataframe(
            {
                "attempt": [one.attempt_no for one in row.tries],
                "request for": [CALLS.get(one.call, one.call) for one in row.tries],
                "sent": [one.sent_at for one in row.tries],
                "outcome": [visible(_outcome(one.outcome, one.error_kind)) for one in row.tries],
                "HTTP": [one.http_status for one in row.tries],
                "took": [duration(one.latency_ms) for one in row.tries],
                "said": [beginning(one.error_message or "", TOLD_CHARACTERS) for one in row.tries],
            },
            hide_index=True,
            key="row-tries",
        )


def _outcome(outcome: str | None, kind: str | None) -> str:
    if outcome is None:
        return "under way"
    words = {"ok": "answered", "cancelled": "closed by a cancel"}
    if kind == "not_sent":
        return "cut off before it was sent"
    return kind_words(kind) if outcome == "error" else words.get(outcome, outcome)


def _raw(row: RowDetail) -> None:
    if not st.toggle("Raw JSON", key="row-raw"):
        return
    values = {name: value for name, value in asdict(row).items() if name not in ("tries", "others")}
    text = json.dumps(values, ensure_ascii=False, indent=2, default=str)
    with whole("json", key=f"row-{row.item_no}", border=False):
        st.code(visible(text[:SHOWN_AT_ONCE]), language=None, wrap_lines=True)
        if len(text) > SHOWN_AT_ONCE:
            st.caption(f"The first {SHOWN_AT_ONCE:,} of {len(text):,} characters; Copy takes all of them.")
    copy_button("Copy the JSON", text, key="copy-json")
