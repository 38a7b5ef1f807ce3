"""The playground's cards, one for each model and preset: the answer streams in, its score follows."""

from __future__ import annotations

import time

import streamlit as st

from tlm_dash.errors import NotFoundError, TlmDashError
from tlm_dash.finish_reasons import finish_class, is_whole
from tlm_dash.services import collection, playground
from tlm_dash.services.collection import Kept
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_view import CellView, EntryView
from tlm_dash.services.playground_view import view as view_entry
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_playground import PlaygroundParams
from tlm_dash.ui.parts import card_more, composer
from tlm_dash.ui.parts.copy_button import copy_button
from tlm_dash.ui.parts.notice import empty, failure, waiting
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import about_amount, duration, one_line, plain, score_text, visible
from tlm_dash.words.numbers import percent

LIVE_EVERY_S = 0.4
MEASURES_HEIGHT = 128
NARROWEST_CARD = 230
"""Pixels: fixed, so that nothing moves when times arrive. Texts begin with a height (whole_text.css)."""

LONGEST_NAME = 28
ENOUGH_FOR_PERCENT = 20
"""Under this many earlier scores, a count says more honestly than a percentage how little is known."""

MAGNITUDE_NOTE = (
    "Scores of different presets or scorers cannot be compared by size: each says where its response lies "
    "among scores of its own kind."
)
EXAMPLES = (
    "What is the capital of Australia? Answer in one word.",
    "A shop sells pens at 3 for 2 euros. How much do 12 pens cost?",
    "Who wrote the novel Middlemarch, and in which year did it appear?",
)


def open_entry(running: Dashboard, params: PlaygroundParams) -> EntryView | None:
    """Find the entry that the address names; a stale one is said, and the page stays usable."""
    if params.entry is None:
        return None
    try:
        return view_entry(running, params.entry)
    except NotFoundError as error:
        failure(error.message, error.hint, label="Not found")
        return None


def draw_empty() -> None:
    """Invite a first prompt, with some to start from."""
    empty(
        "Answers appear here, one card for each model and preset.",
        "Type a prompt and press Run (Ctrl+Enter). Or start from an example:",
    )
    for number, example in enumerate(EXAMPLES):
        # A button: a link to the page that is open already would not reach the text that is typed on it.
        st.button(
            example,
            key=f"example-{number}",
            icon=":material/lightbulb:",
            type="tertiary",
            on_click=composer.fill,
            args=(example,),
            help=None if number else "Fills the prompt; nothing is sent before you press Run.",
        )


def draw(running: Dashboard, view: EntryView, composed: str) -> None:
    """Draw an entry's cards, looking again on their own for as long as anything is under way.

    `composed` is the prompt as it stands in the composer: where it was edited since, that is said.
    """
    if composed != view.request.prompt:
        waiting("These answers are to the prompt before it was edited.", "Press Run to ask the edited one.")
    entry_id = view.entry.entry_id
    was_live = view.is_live

    @st.fragment(run_every=LIVE_EVERY_S if was_live else None)
    def live() -> None:
        guarded(lambda: _draw_cards(running, entry_id, was_live=was_live))

    live()


def _draw_cards(running: Dashboard, entry_id: str, *, was_live: bool) -> None:
    view = view_entry(running, entry_id)
    if was_live and not view.is_live:
        # All done: the whole page once more, for the history and the medians, and no more looking.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", height=48, border=False):
        if view.is_live:
            if st.button("Stop", icon=":material/stop:", key="stop", shortcut="esc"):
                playground.stop(running, entry_id)
            st.caption(_progress(view))
        elif len({cell.cell.quality_preset for cell in view.cells}) > 1 or len(view.cells) > 1:
            st.caption(MAGNITUDE_NOTE)
        else:
            st.caption("A score ranks responses by how far they can be trusted; it is not a probability.")
    presets = len({cell.cell.quality_preset for cell in view.cells})
    kept = collection.kept(running, entry_id)
    with st.grid(columns=presets, min_column_width=NARROWEST_CARD):
        for cell in view.cells:
            with st.container(border=True, gap="small"):
                _card(running, view, cell, kept)


def _progress(view: EntryView) -> str:
    ended = sum(cell.status in ("done", "error") for cell in view.cells)
    return f"{ended} of {len(view.cells)} done"


def _card(running: Dashboard, view: EntryView, cell: CellView, kept: Kept) -> None:
    stored = cell.cell
    # One under the other: a long name beside the badge would push it to a second line in some cards only.
    with st.container(gap="xsmall"):
        st.text(one_line(stored.model or "Your response", LONGEST_NAME))
        st.badge(plain(stored.quality_preset), color="gray")
    _response(view, cell)
    place = f"{view.entry.entry_id}-{stored.run_id}"
    with st.container(key=f"card-score-{place}", border=False, gap="xsmall"):
        _score(cell, place)
    with st.container(height=MEASURES_HEIGHT, border=False, gap="xsmall"):
        st.caption(_measures(cell))
    _actions(running, view, cell, kept)


def _failed(label: str, message: str, hint: str | None, place: str) -> None:
    """Say in the score's place why there is none."""
    st.badge(label, color="red", icon=":material/error:")
    whole_text(f"{message}\n{hint or ''}".strip(), what="message", key=place, border=False)


def _error_label(kind: str | None) -> str:
    return {"stopped": "Stopped", "interrupted": "Interrupted"}.get(kind or "", "Failed")


def _response(view: EntryView, cell: CellView) -> None:
    text = cell.text or ""
    place = f"{view.entry.entry_id}-{cell.cell.run_id}"
    # As tall as it grows, and never under a height that most answers do not fill: see whole_text.css.
    with st.container(key=f"response-{place}", border=False, gap="xsmall"):
        if text:
            whole_text(text, what="response", key=place, border=False)
        elif cell.status in ("waiting", "answering"):
            since = f" {time.monotonic() - cell.since:.0f} s" if cell.since else ""
            words = "Waiting for the first words …" if cell.status == "answering" else "Waiting …"
            st.caption(words + since)
            if cell.note:
                st.text(visible(cell.note))
        elif cell.status == "done":
            reason = cell.cell.finish_reason
            filtered = " A content filter stopped it." if finish_class(reason) == "withheld" else ""
            st.caption(f"The response is empty.{filtered}")
        else:
            st.caption("There is no response.")
        if text and cell.status == "done" and cell.cell.is_refusal:
            st.caption("The model refused.")
        if text and not is_whole(cell.cell.finish_reason):
            withheld = finish_class(cell.cell.finish_reason) == "withheld"
            st.caption(
                "Cut off by the provider's content filter."
                if withheld
                else "Cut off by the limit on the answer's length."
            )


def _score(cell: CellView, place: str) -> None:
    stored = cell.cell
    if cell.status == "done" and stored.trustworthiness_score is not None:
        st.metric("Trustworthiness score, 0 to 1", score_text(stored.trustworthiness_score))
        if stored.error_message:
            _failed("Scoring again failed", stored.error_message, stored.error_hint, place)
        if stored.explanation:
            whole_text(stored.explanation, what="explanation", key=place, border=False)
    elif cell.status == "done":
        st.metric("Trustworthiness score, 0 to 1", "unscored")
        reason = stored.unscored_reason or "The endpoint sent no score."
        whole_text(reason, what="reason", key=place, border=False)
    elif cell.status == "error":
        message = cell.note or stored.error_message or "It ended without a word of why."
        _failed(_error_label(stored.error_kind), message, stored.error_hint, place)
    else:
        since = f" · {time.monotonic() - cell.since:.0f} s" if cell.since and cell.status == "scoring" else ""
        st.caption(f"Scoring …{since}" if cell.status == "scoring" else "The score follows the answer.")
        if cell.note and cell.text:
            # Without an answer it stands in the answer's place.
            st.text(visible(cell.note))


def standing_words(cell: CellView) -> str:
    """Say where a score lies among earlier ones of the same model, preset and scorer."""
    standing = cell.standing
    if standing is None or standing.n == 0:
        return "First score of this model, preset and scorer here: nothing to compare it with yet."
    if standing.n == 1:
        than = "Higher than" if standing.n_below else "Equal to" if standing.n_equal else "Lower than"
        return f"{than} the one earlier score of the same model, preset and scorer."
    if standing.n < ENOUGH_FOR_PERCENT:
        higher = f"Higher than {standing.n_below:,} of the {standing.n:,} earlier"
    else:
        higher = f"Higher than {percent(standing.n_below / standing.n)} of the {standing.n:,} earlier"
    tied = f", equal to {standing.n_equal:,}" if standing.n_equal else ""
    return f"{higher} scores of the same model, preset and scorer{tied}."


def _measures(cell: CellView) -> str:
    stored = cell.cell
    if cell.status not in ("done", "error"):
        return "Time and tokens follow."
    parts = []
    if cell.status == "done" and stored.trustworthiness_score is not None:
        parts.append(standing_words(cell))
    times = []
    if stored.latency_ms is not None:
        first = f" (first words {duration(stored.first_token_ms)})" if stored.first_token_ms else ""
        together = " with score" if stored.mode == "generate" and stored.score_latency_ms is None else ""
        times.append(f"Answer{together} {duration(stored.latency_ms)}{first}")
    if stored.score_latency_ms is not None:
        times.append(f"{'score' if times else 'Score'} {duration(stored.score_latency_ms)}")
    if stored.output_tokens is not None:
        times.append(f"tokens {'?' if stored.input_tokens is None else f'{stored.input_tokens:,}'} in, "
                     f"{stored.output_tokens:,} out")  # fmt: skip
    if cell.cost is not None:
        times.append(about_amount(cell.cost, costs_score=cell.costs_score))
    if times:
        parts.append(" · ".join(times))
    if not parts and not cell.text:
        return "No times or tokens: nothing was answered."
    return "  \n".join(parts)


def _actions(running: Dashboard, view: EntryView, cell: CellView, kept: Kept) -> None:
    """Draw the buttons, in their places from the start: disabled until there is something to act on."""
    entry_id, run_id = view.entry.entry_id, cell.cell.run_id
    ended = cell.status in ("done", "error")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        copy_button("Copy", cell.text, key=f"copy-{entry_id}-{run_id}")
        if st.button(
            "Score again",
            key=f"again-{entry_id}-{run_id}",
            help="Scores this same response once more.",
            disabled=not (ended and cell.cell.is_scorable),
        ):
            try:
                playground.score_again(running, entry_id, run_id)
            except TlmDashError as error:
                failure(error.message, error.hint)
            else:
                st.rerun()
        card_more.draw(running, view, cell, kept)
