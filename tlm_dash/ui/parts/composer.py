"""The playground's composer: what is asked, of which models, scored at which presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.models import DEFAULT_QUALITY_PRESET, QUALITY_PRESETS, text_hash
from tlm_dash.services import playground, playground_runs
from tlm_dash.services.connection import Connection
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.ui.params_playground import PlaygroundParams
from tlm_dash.ui.parts.focus import focus
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import duration, visible

PROMPT_HEIGHT = 180
TEXT_HEIGHT = 110
AnsweredBy = Literal["endpoint", "provider"]

TEXTS = ("prompt", "system_prompt", "earlier_turns", "has_response", "given_response")
"""What a person types, or switches on to type it."""


@dataclass(frozen=True)
class _Composer:
    """The widgets of one composer. Opening another entry gives new keys, and so that entry's values."""

    running: Dashboard
    params: PlaygroundParams
    restored: PlaygroundRequest

    def key(self, name: str) -> str:
        return _key(name, self.params)

    @property
    def kept_for(self) -> Literal["session"] | None:
        """Tell how long texts that are not run yet stay: a look at another page must not cost them.

        Those of an entry are in the store; opening it again shows what was run.
        """
        return "session" if self.params.entry is None else None

    def forget(self) -> None:
        """Give up the texts of a prompt that was run: the entry has them now."""
        for name in TEXTS:
            st.session_state.pop(self.key(name), None)

    def keep(self, name: str, key: str | None = None, **changes: Any) -> None:  # noqa: ANN401 - any field
        """Write a changed widget into the address."""
        key = key or self.key(name)
        if key not in st.session_state:
            # Told late, of a text that was run and forgotten meanwhile: its area was still on the screen.
            return
        value = st.session_state[key]
        if isinstance(value, list):
            value = tuple(value)
        params = replace(PlaygroundParams.from_query(st.query_params), **{name: value}, **changes)
        st.query_params.from_dict(params.to_dict())


def draw(running: Dashboard, params: PlaygroundParams, restored: PlaygroundRequest | None) -> str:
    """Draw the composer and give its prompt; Run stores a new entry and opens it."""
    blank = PlaygroundRequest("", (), (DEFAULT_QUALITY_PRESET,))
    parts = _Composer(running, params, restored or blank)
    connection = running.monitor.current
    prompt = _prompt(parts)
    system_prompt, earlier_turns = _context(parts)
    given = _given_response(parts)
    answered_by, models = _models(parts, connection, enabled=given is None)
    presets = _presets(parts)
    scorer, options = _options(
        parts, connection, playground_runs.default_scorer(connection, answered_by, models, presets)
    )
    pressed = st.button("Run", type="primary", icon=":material/play_arrow:", shortcut="ctrl+enter", key="run")
    focus(parts.key("prompt"), "run")
    if pressed:
        request = PlaygroundRequest(
            prompt, models, presets, system_prompt, earlier_turns, given, answered_by, scorer, options
        )
        _run(parts, request)
    return prompt


def fill(prompt: str) -> None:
    """Put a prompt into the composer of a new one. To be called before the page is drawn: by a button."""
    params = replace(PlaygroundParams.from_query(st.query_params), entry=None, prompt=prompt)
    st.session_state[_key("prompt", params)] = prompt
    st.query_params.from_dict(params.to_dict())


def _key(name: str, params: PlaygroundParams) -> str:
    return f"{name}-{params.entry or 'new'}"


def _run(parts: _Composer, request: PlaygroundRequest) -> None:
    try:
        entry_id = playground.submit(parts.running, request)
    except TlmDashError as error:
        # Shown here, beside the button, so that everything typed stays where it is.
        failure(error.message, error.hint, label="Not started")
        return
    parts.forget()
    st.query_params.from_dict(parts.params.opening(entry_id).to_dict())
    st.rerun()


def _prompt(parts: _Composer) -> str:
    shown = parts.params.prompt if parts.params.prompt is not None else parts.restored.prompt
    text = st.text_area(
        "Prompt",
        value=shown,
        key=parts.key("prompt"),
        height=PROMPT_HEIGHT,
        placeholder="What is the capital of Australia? Answer in one word.",
        on_change=parts.keep,
        args=("prompt",),
        persist_state=parts.kept_for,
    )
    return text or ""


def _context(parts: _Composer) -> tuple[str, str]:
    """Draw the folded parts of the prompt: system prompt and earlier turns."""
    system = "You are a careful assistant. Say so when you do not know."
    turns = "user: Which country is Canberra in?\nassistant: Australia."
    return (
        _folded_text(parts, "system_prompt", "System prompt", parts.restored.system_prompt, system),
        _folded_text(parts, "earlier_turns", "Earlier turns", parts.restored.earlier_turns, turns),
    )


def _folded_text(parts: _Composer, name: str, label: str, value: str, placeholder: str) -> str:
    with st.expander(label, expanded=bool(value)):
        text = st.text_area(
            label,
            value=value,
            key=parts.key(name),
            height=TEXT_HEIGHT,
            label_visibility="collapsed",
            placeholder=placeholder,
            persist_state=parts.kept_for,
        )
    return text or ""


def _given_response(parts: _Composer) -> str | None:
    """Draw the switch to score-only, and the response to score."""
    restored = parts.restored.given_response
    has_one = st.toggle(
        "I already have the response",
        value=restored is not None,
        key=parts.key("has_response"),
        persist_state=parts.kept_for,
    )
    if not has_one:
        return None
    text = st.text_area(
        "Response to score",
        value=restored or "",
        key=parts.key("given_response"),
        height=TEXT_HEIGHT,
        placeholder="Paste the response here; nothing is generated, it is only scored.",
        persist_state=parts.kept_for,
    )
    return text or ""


def _models(parts: _Composer, connection: Connection, *, enabled: bool) -> tuple[AnsweredBy, tuple[str, ...]]:
    if not enabled:
        return "endpoint", ()
    answered_by: AnsweredBy = "endpoint"
    if parts.running.settings.provider_base_url is not None:
        answered_by = _answered_by(parts)
    known = connection.models if answered_by == "endpoint" else connection.provider_models
    wanted = parts.params.models or parts.restored.models
    if answered_by != parts.restored.answered_by and not parts.params.models:
        # The other side has other models: what was asked of the first is not asked of it.
        wanted = ()
    # Keyed by what is known: a list that arrives later, or another side's list, brings its own default.
    key = f"{parts.key('models')}-{answered_by}-{text_hash(*known)[:8]}"
    models = st.multiselect(
        "Models",
        options=list(dict.fromkeys((*known, *wanted))),
        default=list(wanted or known[:1]),
        format_func=visible,
        key=key,
        accept_new_options=True,
        placeholder="Choose models, or type a name",
        wrap=True,
        on_change=parts.keep,
        args=("models", key),
    )
    return answered_by, tuple(models)


def _answered_by(parts: _Composer) -> AnsweredBy:
    names: dict[AnsweredBy, str] = {"endpoint": "TLM endpoint", "provider": "Other provider"}
    chosen = st.segmented_control(
        "Answered by",
        options=list(names),
        default=parts.params.answered_by or parts.restored.answered_by,
        format_func=lambda name: names[name],
        required=True,
        key=parts.key("answered_by"),
        on_change=parts.keep,
        # Each of the two has its own models.
        args=("answered_by",),
        kwargs={"models": None},
        help="The other provider (OPENAI_BASE_URL) writes the answer; TLM then scores it.",
    )
    return "provider" if chosen == "provider" else "endpoint"


def _presets(parts: _Composer) -> tuple[str, ...]:
    latencies = playground.preset_latencies(parts.running)

    def name(preset: str) -> str:
        known = latencies.get(preset)
        return f"{preset} · median {duration(known.median_ms)} (n = {known.n:,})" if known else preset

    chosen = st.pills(
        "Quality presets",
        options=QUALITY_PRESETS,
        selection_mode="multi",
        default=parts.params.presets or parts.restored.quality_presets,
        format_func=name,
        key=parts.key("presets"),
        on_change=parts.keep,
        args=("presets",),
        wrap=True,
        help="How much work goes into a score: base the least, medium the most. Each model answers once; "
        "that response is scored at every preset you tick. Times: the median time of a "
        "score alone, over n responses that this endpoint scored for you.",
    )
    # In the order of effort, whichever order they were ticked in.
    return tuple(preset for preset in QUALITY_PRESETS if preset in chosen)


def _options(
    parts: _Composer, connection: Connection, default_scorer: str
) -> tuple[str | None, dict[str, Any]]:
    restored = parts.restored
    with st.expander("Options", expanded=bool(restored.params or restored.scorer_model)):
        scorer = st.selectbox(
            "Scored by",
            options=list(dict.fromkeys((*connection.models, *filter(None, (restored.scorer_model,))))),
            index=None,
            format_func=visible,
            key=parts.key("scorer_model"),
            accept_new_options=True,
            placeholder=visible(f"the default ({default_scorer})"),
            help="Scores by different scorers cannot be compared by size, so one scorer scores every card.",
        )
        max_tokens = st.number_input(
            "Longest answer, tokens",
            min_value=1,
            max_value=100_000,
            value=restored.params.get("max_tokens"),
            key=parts.key("max_tokens"),
            placeholder="the endpoint's default",
        )
        temperature = st.number_input(
            "Temperature",
            min_value=0.0,
            max_value=2.0,
            step=0.1,
            value=restored.params.get("temperature"),
            key=parts.key("temperature"),
            placeholder="the model's default",
        )
    params: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
    return scorer, {name: value for name, value in params.items() if value is not None}
