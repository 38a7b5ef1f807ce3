"""Write our requests as the wire's JSON bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import Completion, GenerateRequest, ScoreRequest
from tlm_dash.responses import calls_of, written_content

_OURS = ("model", "messages", "stream", "stream_options", "quality_preset", "options", "completion")
"""Fields that a request's free `params` cannot take over."""


def generate_body(
    request: GenerateRequest, *, speaks_tlm: bool, stream: bool = False, ask_usage: bool = False
) -> dict[str, Any]:
    """Build the body of chat/completions. TLM's own fields are left out for other providers."""
    body = _params(request.params)
    body["model"] = request.model
    body["messages"] = [dict(message) for message in request.messages]
    if speaks_tlm and request.quality_preset is not None:
        body["quality_preset"] = request.quality_preset
    if speaks_tlm and request.options:
        body["options"] = dict(request.options)
    if stream:
        body["stream"] = True
        if ask_usage:
            body["stream_options"] = {"include_usage": True}
    return body


def score_body(request: ScoreRequest) -> dict[str, Any]:
    """Build the body of chat/score as the official client does: `model` is the scorer's, twice."""
    body = _params(request.params)
    body["quality_preset"] = request.quality_preset
    body["options"] = {**request.options, "model": request.scorer_model}
    body["completion"] = completion_document(request.completion)
    body["messages"] = [dict(message) for message in request.messages]
    body["model"] = request.scorer_model
    return body


def completion_document(completion: Completion) -> dict[str, Any]:
    """Wrap an answer as a ChatCompletion, with the fields that came along when it was generated.

    A tool call goes as a call, beside what the model wrote or null, not as the words in which we show it.
    """
    extra = dict(completion.extra)
    content: str | None = completion.text
    if calls_of(extra):
        content = written_content(completion.text, extra) or None
    extra.pop("other_choices", None)
    message = {"role": "assistant", **_mapping(extra.pop("message", None)), "content": content}
    choice = {"index": 0, "logprobs": None, **_mapping(extra.pop("choice", None))}
    choice["finish_reason"] = completion.finish_reason or "stop"
    choice["message"] = message
    usage_extra = _mapping(extra.pop("usage", None))
    document = {
        "id": "chatcmpl-given",
        "created": 0,
        **extra,
        "object": "chat.completion",
        "model": completion.resolved_model or completion.model,
        "choices": [choice],
    }
    usage = completion.usage
    if usage.input_tokens is not None and usage.output_tokens is not None:
        document["usage"] = {
            **usage_extra,
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }
    return document


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """Write a body as JSON bytes. Raises InvalidInputError where a value has no JSON form."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"The request cannot be written as JSON ({error}).",
            hint="Use only texts, finite numbers, true, false, lists and objects in options and parameters.",
        ) from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, from a broken file. As an escape it travels; as UTF-8 it cannot.
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _OURS}


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
