"""A request's messages and completion, reduced to what scoring reads: plain text and token probabilities."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def plain_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the messages with text content only; one from the user is added where there is none.

    Parts that are not text (images, sound) are left out: the scorer cannot see them.
    """
    plain = [
        {"role": str(message.get("role") or "user"), "content": text_of(message.get("content"))}
        for message in messages
    ]
    if not any(message["role"] == "user" for message in plain):
        plain.append({"role": "user", "content": plain[-1]["content"] if plain else ""})
    return plain


def text_of(content: object) -> str:
    """Return a message's content as one text, whether it came as a string or as a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def last_question(messages: Sequence[Mapping[str, str]]) -> str:
    """Return the text of the last user message."""
    return next(message["content"] for message in reversed(messages) if message["role"] == "user")


def response_text(completion: Mapping[str, Any]) -> str:
    """Return what the first choice says; tool calls count as text, an unreadable completion as empty."""
    message = _first_choice(completion).get("message")
    if not isinstance(message, dict):
        return ""
    calls = message.get("tool_calls")
    listed = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    called = [json.dumps(call.get("function"), ensure_ascii=False) for call in listed]
    return "\n".join(part for part in (text_of(message.get("content")), *called) if part).strip()


def mean_token_probability(completion: Mapping[str, Any]) -> float | None:
    """Return the mean probability of the answer's tokens in [0, 1], or None where they were not given."""
    given = _first_choice(completion).get("logprobs")
    tokens = given.get("content") if isinstance(given, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    try:
        mean = math.fsum(math.exp(min(float(token["logprob"]), 0.0)) for token in tokens) / len(tokens)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return mean if math.isfinite(mean) else None


def _first_choice(completion: Mapping[str, Any]) -> dict[str, Any]:
    choices = completion.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
