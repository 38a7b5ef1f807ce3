"""Which rows a new run takes, and the options that most people leave as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from tlm_dash.models import RunMode
from tlm_dash.services.connection import Connection
from tlm_dash.services.run_request import Limits

Kind = Literal["all", "first", "random"]
KINDS: dict[Kind, str] = {"all": "All", "first": "The first", "random": "Random"}
ROWS_OFFERED = 100


@dataclass(frozen=True)
class Rows:
    """Which rows are taken: both None is all. `n` is how many that are."""

    first: int | None
    sample: int | None
    n: int


@dataclass(frozen=True)
class Options:
    """What is frozen with a run besides its grid, and its limits."""

    params: dict[str, Any]
    system_prompt: str
    scorer_model: str | None
    limits: Limits


def draw_rows(n_items: int) -> Rows:
    """Ask which rows of a dataset are taken."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            f"Rows, of {n_items:,}",
            options=list(KINDS),
            default="all",
            format_func=lambda kind: KINDS[kind],
            required=True,
            key="new-rows",
            help="Random rows are the same ones each time, so that later runs can be compared with this one.",
        )
        if kind == "all":
            return Rows(None, None, n_items)
        n = st.number_input(
            "How many",
            min_value=1,
            max_value=max(1, n_items),
            value=min(ROWS_OFFERED, max(1, n_items)),
            key="new-n-rows",
            width=160,
        )
    return Rows(n, None, n) if kind == "first" else Rows(None, n, n)


def draw_options(connection: Connection, mode: RunMode) -> Options:
    """Ask for the rest, folded."""
    params: dict[str, Any] = {}
    system_prompt, scorer = "", None
    with st.expander("Options", key="new-options", on_change="rerun"):
        if mode != "score":
            system_prompt = st.text_area(
                "System prompt", key="new-system", height=80, placeholder="none but those in the dataset"
            )
            params = _generation()
        if mode != "generate":
            scorer = st.selectbox(
                "Scored by",
                options=list(connection.models),
                index=None,
                key="new-scorer",
                accept_new_options=True,
                placeholder=f"the default ({connection.default_scorer})",
                help="One scorer scores all responses of all models: only then can the models be compared.",
            )
        limits = _limits()
    return Options(params, system_prompt or "", scorer, limits)


def _generation() -> dict[str, Any]:
    with st.container(horizontal=True):
        temperature = st.number_input(
            "Temperature",
            min_value=0.0,
            max_value=2.0,
            step=0.1,
            value=None,
            key="new-temperature",
            placeholder="the model's default",
        )
        max_tokens = st.number_input(
            "Longest answer, tokens",
            min_value=1,
            max_value=100_000,
            value=None,
            key="new-max-tokens",
            placeholder="the endpoint's default",
        )
    params = {"temperature": temperature, "max_tokens": max_tokens}
    return {name: value for name, value in params.items() if value is not None}


def _limits() -> Limits:
    with st.container(horizontal=True):
        max_requests = _number(
            "Requests in all",
            "no cap",
            "Past this many requests the runs stop cleanly, and can go on later.",
        )
        per_minute = _number("Requests per minute", "as the endpoint allows", None)
        in_flight = _number("Requests in flight", "found by itself", None)
    return Limits(max_requests=max_requests, requests_per_minute=per_minute, max_in_flight=in_flight)


def _number(label: str, placeholder: str, explained: str | None) -> int | None:
    return st.number_input(
        label,
        min_value=1,
        max_value=10**9,
        value=None,
        key=f"new-{label.lower().replace(' ', '-')}",
        placeholder=placeholder,
        help=explained,
    )
