"""Which rows a new run takes, and the options that most people leave as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import RunMode, text_hash
from tlm_dash.services import run_template
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.datasets import Dataset
from tlm_dash.services.run_words import fewer_at_once, most_at_once
from tlm_dash.ui.params_new_run import Choices, RowKind
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import one_line, visible

KINDS: Mapping[RowKind, str] = {"all": "All", "first": "The first", "random": "Random"}
MOST_COLUMNS = 12


def draw_rows(n_items: int, kept: Choices) -> Choices:
    """Ask which rows of a dataset are taken."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            f"Rows, of {n_items:,}",
            options=list(KINDS),
            default=kept.row_kind,
            format_func=lambda kind: KINDS[kind],
            required=True,
            key="new-rows",
            help="Random rows are the same ones each time, so that later runs can be compared with this one.",
        )
        if kind == "all":
            return replace(kept, row_kind="all")
        n = st.number_input(
            "How many",
            min_value=1,
            max_value=max(1, n_items),
            value=min(kept.n_rows, max(1, n_items)),
            key="new-n-rows",
            width=160,
        )
    return replace(kept, row_kind=kind, n_rows=n)


def draw_options(running: Dashboard, dataset: Dataset, mode: RunMode, kept: Choices) -> Choices:
    """Ask for the rest, folded; open where something in it was chosen before."""
    touched = Choices(
        template=kept.template, system_prompt=kept.system_prompt, temperature=kept.temperature,
        max_tokens=kept.max_tokens, explain=kept.explain, repeats_once=kept.repeats_once,
        scorer_model=kept.scorer_model, requests_per_minute=kept.requests_per_minute,
        max_in_flight=kept.max_in_flight,
    )  # fmt: skip
    with st.expander("Options", key="new-options", expanded=touched != Choices(), on_change="rerun"):
        kept = _prompt(running, dataset, mode, kept)
        if mode != "score":
            kept = _generation(kept)
        if mode != "generate":
            kept = _scorer(running, kept)
        kept = _ticks(mode, kept)
        with st.container(horizontal=True):
            per_minute = whole_number(
                "Requests per minute", "as the endpoint allows", kept.requests_per_minute
            )
            in_flight = whole_number("Requests in flight", _by_itself(running), kept.max_in_flight)
        if (fewer := fewer_at_once(running.settings, in_flight)) is not None:
            st.text(visible(fewer))
    return replace(kept, requests_per_minute=per_minute, max_in_flight=in_flight)


def _by_itself(running: Dashboard) -> str:
    most = most_at_once(running.settings)
    return f"{most[0]:,} at most" if most is not None else "found by itself"


def _prompt(running: Dashboard, dataset: Dataset, mode: RunMode, kept: Choices) -> Choices:
    """Ask for what stands around each row's text, and show what the first row becomes."""
    given = " As the model was given it when it wrote the responses." if mode == "score" else ""
    system_prompt = st.text_area(
        "System prompt",
        value=kept.system_prompt,
        key="new-system",
        height=80,
        placeholder="none but those in the dataset",
    )
    template = st.text_area(
        "Prompt template",
        value=kept.template,
        key="new-template",
        height=80,
        placeholder="Answer in one word: {prompt}",
        help=f"Takes the place of each row's prompt; names in braces become the row's own text.{given}",
    )
    known = run_template.columns(running, dataset.dataset_id)
    named = ", ".join(f"{{{one_line(name, 40)}}}" for name in known[:MOST_COLUMNS])
    st.text(f"Can stand in it: {named}{' …' if len(known) > MOST_COLUMNS else ''}")
    if template:
        _preview(running, dataset, template)
    return replace(kept, system_prompt=system_prompt or "", template=template or "")


def _preview(running: Dashboard, dataset: Dataset, template: str) -> None:
    try:
        found = run_template.preview(running, dataset.dataset_id, template)
    except InvalidInputError as error:
        # Start says the same: here it is seen while typing.
        st.text(visible(str(error)))
        return
    with st.container(border=True, gap="xsmall", key="template-preview"):
        st.caption("The first row, as it is sent")
        key = text_hash(dataset.dataset_id, template)[:12]
        whole_text(found.first, what="prompt", key=f"template-{key}", border=False)
    for name, n in found.missing.items():
        rows = "1 row has" if n == 1 else f"{n:,} rows have"
        st.text(f"{rows} no “{one_line(name, 40)}”: nothing stands in its place there.")


def _generation(kept: Choices) -> Choices:
    with st.container(horizontal=True):
        temperature = st.number_input(
            "Temperature",
            min_value=0.0,
            max_value=2.0,
            step=0.1,
            value=kept.temperature,
            key="new-temperature",
            placeholder="the model's default",
        )
        max_tokens = st.number_input(
            "Longest answer, tokens",
            min_value=1,
            max_value=100_000,
            value=kept.max_tokens,
            key="new-max-tokens",
            placeholder="the endpoint's default",
        )
    return replace(kept, temperature=temperature, max_tokens=max_tokens)


def _scorer(running: Dashboard, kept: Choices) -> Choices:
    connection = running.monitor.current
    models = list(dict.fromkeys((*connection.models, *filter(None, (kept.scorer_model,)))))
    scorer = st.selectbox(
        "Scored by",
        options=models,
        index=models.index(kept.scorer_model) if kept.scorer_model else None,
        format_func=visible,
        key="new-scorer",
        accept_new_options=True,
        placeholder=visible(f"the default ({connection.default_scorer})"),
        help="One scorer scores all responses of all models: only then can the models be compared.",
    )
    return replace(kept, scorer_model=scorer)


def _ticks(mode: RunMode, kept: Choices) -> Choices:
    explain = st.checkbox(
        "Ask for an explanation of each score",
        value=kept.explain,
        key="new-explain",
        help="Costs the endpoint more work where it has to be written.",
    )
    if mode != "score":
        return replace(kept, explain=explain)
    once = st.checkbox(
        "Send repeated rows once",
        value=kept.repeats_once,
        key="new-repeats-once",
        help="Rows with equal prompt and response share one request, and so one score. Off when generating: "
        "a model may answer equal prompts differently.",
    )
    return replace(kept, explain=explain, repeats_once=once)


def whole_number(label: str, placeholder: str, value: int | None, explained: str | None = None) -> int | None:
    """Ask for a whole number above 0, or none."""
    return st.number_input(
        label,
        min_value=1,
        max_value=10**9,
        value=value,
        key=f"new-{label.lower().replace(',', '').replace(' ', '-')}",
        placeholder=placeholder,
        help=explained,
    )
