"""Everything known of one run, as facts: what was frozen with it, what it took."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_messages import messages_of, not_accepted
from tlm_dash.services.run_view import RunView
from tlm_dash.services.run_words import fewer_at_once
from tlm_dash.ui.parts.copy_button import copy_button
from tlm_dash.ui.text import amount, duration, one_line, plain, visible
from tlm_dash.words.not_accepted import not_accepted_parts

LONGEST_TEXT = 400

MODES = {
    "generate": "generate and score in one call",
    "generate-then-score": "generate, then score",
    "score": "score the responses it has",
}


def draw(running: Dashboard, view: RunView) -> None:
    """Draw the facts of a run, two columns of plain text."""
    with st.container(gap="xxsmall"):
        for name, value in (*_facts(running, view), *_messages(running, view), *_not_accepted(running, view)):
            with st.container(horizontal=True, gap="small"):
                st.caption(plain(name), width=190)
                st.text(visible(value), width="stretch")
    copy_button("Copy the run's id", view.record.run_id, key=f"copy-{view.record.run_id}")


def _facts(running: Dashboard, view: RunView) -> Iterator[tuple[str, str]]:
    record, counts = view.record, view.counts
    yield "Dataset", one_line(record.dataset_name, LONGEST_TEXT)
    if record.is_from_playground:
        yield "Responses", f"{counts.n_done:,} that were asked in the playground and added"
    elif record.grid_id is None:
        yield "Responses", f"{counts.n_done:,} that came with the file; nothing was sent"
        return
    else:
        yield "What is done", MODES[record.mode]
    if record.answered_by == "provider" and record.provider:
        yield "Answered by", record.provider
    yield "Endpoint", record.endpoint
    if record.model:
        yield "Model asked for", record.model
    if counts.resolved_model:
        yield "Model that answered", counts.resolved_model
    yield "Quality preset", record.quality_preset
    if record.scorer_model:
        yield "Scored by", record.scorer_model
    yield from _settings(running, view)
    if not record.is_from_playground:
        yield from _taken(view)


def _settings(running: Dashboard, view: RunView) -> Iterator[tuple[str, str]]:
    settings, limits = view.record.settings, view.limits
    for name, value in sorted(settings.get("params", {}).items()):
        yield name.replace("_", " ").capitalize(), str(value)
    if settings.get("system_prompt"):
        yield "System prompt", one_line(settings["system_prompt"], LONGEST_TEXT)
    if settings.get("template"):
        yield "Prompt template", one_line(settings["template"], LONGEST_TEXT)
    if settings.get("options", {}).get("log"):
        yield "Explanations", "asked for"
    if settings.get("send_repeats_once"):
        yield "Repeated rows", "sent once; the others take their score"
    caps = {
        "requests in all": limits.max_requests, "in flight": limits.max_in_flight,
        "requests per minute": limits.requests_per_minute,
        "in cost, for all runs started together": limits.max_cost,
    }  # fmt: skip
    said = [f"at most {value:,.6g} {name}" for name, value in caps.items() if value is not None]
    if said:
        fewer = fewer_at_once(running.settings, limits.max_in_flight)
        yield "Limits", " · ".join(said) + (f". {fewer}" if fewer else "")


def _not_accepted(running: Dashboard, view: RunView) -> Iterator[tuple[str, str]]:
    counts = not_accepted(running, [view])[view.record.run_id]
    if counts:
        yield "Never accepted", not_accepted_parts(counts)


def _messages(running: Dashboard, view: RunView) -> Iterator[tuple[str, str]]:
    """Give what the endpoint said of rows that failed; what paused the run is told above."""
    for said in messages_of(running, [view])[view.record.run_id]:
        if said == view.record.refusal:
            continue
        yield f"The endpoint said, {said.n:,} ×", f"{said.message} {said.hint}"


def _taken(view: RunView) -> Iterator[tuple[str, str]]:
    counts = view.counts
    yield "Requests", f"{counts.n_sent:,} sent · {counts.n_answered:,} answered"
    if counts.n_unknown or counts.n_maybe_paid_twice:
        yield (
            "After interruptions",
            f"{counts.n_unknown:,} requests left without an outcome, perhaps paid · "
            f"{counts.n_maybe_paid_twice:,} sent again and perhaps paid twice",
        )
    if counts.input_tokens is not None or counts.output_tokens is not None:
        yield (
            "Tokens of the answers",
            f"{counts.input_tokens or 0:,} in · {counts.output_tokens or 0:,} out; "
            "what scoring uses is not reported",
        )
    if view.cost is not None:
        yield (
            "Cost, estimated",
            f"{amount(view.cost)} in the currency of the price table as it was at the start",
        )
    if counts.active_ms:
        yield "Time it ran", duration(counts.active_ms)
