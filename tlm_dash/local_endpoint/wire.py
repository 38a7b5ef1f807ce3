"""The two calls of the wire API as checked requests: generate and score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.local_endpoint import fields
from tlm_dash.local_endpoint.api_error import refused
from tlm_dash.local_endpoint.messages import checked_messages
from tlm_dash.local_endpoint.options import DEFAULT_LIMIT_S, LONGEST_LIMIT_S, check_options
from tlm_dash.local_endpoint.presets import DEFAULT_MAX_TOKENS, PLANS, scoring_plan

DEFAULT_PRESET = "medium"
LIBRARY_ONLY_PRESETS = ("high", "best")

# Chat arguments with their bounds and whether they are whole numbers; they go to the model as they are.
NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "temperature": (0, 2, False),
    "top_p": (0, 1, False),
    "frequency_penalty": (-2, 2, False),
    "presence_penalty": (-2, 2, False),
    "seed": (-(2**63), 2**63 - 1, True),
    "max_tokens": (1, 1_000_000, True),
    "max_completion_tokens": (1, 1_000_000, True),
    "top_logprobs": (0, 20, True),
}
# Chat arguments of other shapes that a model server judges for itself.
PASSED_ON = (
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "logit_bias",
    "reasoning_effort",
    "verbosity",
)
# They are looked for at every token.
MAX_STOP_CHARACTERS = 500
MAX_BIASES = 1_000

# Chat arguments that change nothing here.
WITHOUT_EFFECT = (
    "user",
    "metadata",
    "store",
    "service_tier",
    "stream_options",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
)
OWN = ("model", "messages", "stream", "quality_preset", "options", "n", "stop", "logprobs")


@dataclass(frozen=True)
class TlmSettings:
    """What a request says about its score: the preset, the options as sent, and who scores."""

    quality_preset: str
    options: Mapping[str, Any]
    scorer_model: str | None = None

    @property
    def log(self) -> tuple[str, ...]:
        """The log fields that were asked for."""
        return tuple(self.options.get("log") or ())

    @property
    def scoring(self) -> bool:
        """Whether a score is wanted at all."""
        return not self.options.get("disable_trustworthiness")

    @property
    def limit_s(self) -> float:
        """The seconds that the whole request may take."""
        return float(min(self.options.get("max_timeout", DEFAULT_LIMIT_S), LONGEST_LIMIT_S))

    @property
    def max_tokens(self) -> int:
        """The bound on each of the model's replies."""
        return int(self.options.get("max_tokens") or DEFAULT_MAX_TOKENS)


@dataclass(frozen=True)
class GenerateRequest:
    """One call of chat/completions. `arguments` holds what goes to the model beside the messages."""

    model: str | None
    messages: list[dict[str, Any]]
    settings: TlmSettings
    stream: bool = False
    logprobs: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreRequest:
    """One call of chat/score: a finished completion and the messages that it answers."""

    messages: list[dict[str, Any]]
    completion: dict[str, Any]
    settings: TlmSettings
    response_format: dict[str, Any] | None = None
    tools: list[Any] | None = None


def generate_request(body: Mapping[str, Any]) -> GenerateRequest:
    """Check the body of chat/completions. Fields that nobody knows are refused: they may be typing errors."""
    known = {*OWN, *NUMBERS, *PASSED_ON, *WITHOUT_EFFECT}
    if unknown := [name for name in body if name not in known]:
        raise refused(unknown[0], f"The request has a field that is not known here: {unknown[0]!r}.")
    if body.get("n") not in (None, 1):
        raise refused("n", "n must be 1: each request brings one answer.")
    request = GenerateRequest(
        model=fields.optional_text(body, "model"),
        messages=checked_messages(body.get("messages")),
        settings=_settings(body, generating=True),
        stream=fields.flag(body, "stream"),
        logprobs=fields.flag(body, "logprobs"),
        arguments=_arguments(body),
    )
    if request.arguments.get("top_logprobs") is not None and not request.logprobs:
        raise refused("top_logprobs", "top_logprobs needs logprobs: true.")
    return request


def score_request(body: Mapping[str, Any]) -> ScoreRequest:
    """Check the body of chat/score. The original call's other arguments may come along and are left alone."""
    settings = _settings(body, generating=False)
    if settings.scorer_model is None:
        settings = TlmSettings(settings.quality_preset, settings.options, fields.optional_text(body, "model"))
    tools = body.get("tools")
    return ScoreRequest(
        messages=checked_messages(body.get("messages")),
        completion=_checked_completion(body.get("completion")),
        settings=settings,
        response_format=fields.mapping(body, "response_format") or None,
        tools=tools if isinstance(tools, list) and tools else None,
    )


def _arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: body[name] for name in (*NUMBERS, *PASSED_ON) if body.get(name) is not None}
    for name in NUMBERS.keys() & given.keys():
        low, high, whole = NUMBERS[name]
        fields.number(given[name], name, low, high, whole=whole)
    if "response_format" in given:
        fields.mapping(given, "response_format")
    _check_biases(fields.mapping(given, "logit_bias"))
    stop = body.get("stop")
    if stop is not None:
        stops = stop if isinstance(stop, list) else [stop]
        if len(stops) > 4:
            raise refused("stop", "stop holds at most 4 strings.")
        given["stop"] = [fields.text(item, "stop") for item in stops]
        if any(len(item) > MAX_STOP_CHARACTERS for item in given["stop"]):
            raise refused("stop", f"A stop string has at most {MAX_STOP_CHARACTERS} characters.")
    return given


def _check_biases(biases: Mapping[str, Any]) -> None:
    if len(biases) > MAX_BIASES:
        raise refused("logit_bias", f"logit_bias holds at most {MAX_BIASES} tokens.")
    for value in biases.values():
        fields.number(value, "logit_bias", -100, 100, whole=False)


def _settings(body: Mapping[str, Any], *, generating: bool) -> TlmSettings:
    preset = fields.optional_text(body, "quality_preset") or DEFAULT_PRESET
    if preset in LIBRARY_ONLY_PRESETS:
        raise refused(
            "quality_preset",
            f"quality_preset {preset!r} is not available through this API. Use one of {', '.join(PLANS)}.",
        )
    options = {name: value for name, value in fields.mapping(body, "options").items() if value is not None}
    check_options(options, generating=generating)
    try:
        scoring_plan(preset, options)
    except InvalidInputError as error:
        raise refused(error.message.split(" ", 1)[0], str(error)) from None
    return TlmSettings(
        preset, options, fields.text(options["model"], "options.model") if options.get("model") else None
    )


def _checked_completion(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused("completion", "completion must be a ChatCompletion object.")
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        raise refused("completion.choices", "completion.choices must be a list with one choice.")
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        raise refused("completion.choices[0].message", "completion.choices[0].message must be an object.")
    where = "completion.choices[0].message.content"
    if message.get("content") is None and not message.get("tool_calls"):
        raise refused(where, "The completion has no content to score.")
    if message.get("content") is not None:
        fields.text(message["content"], where)
    return value
