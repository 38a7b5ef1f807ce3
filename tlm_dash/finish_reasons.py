"""Why an answer ended, in whichever spelling, and what is said where that left no answer. Pure."""

from __future__ import annotations

import re
from typing import Literal

FinishClass = Literal["complete", "cut", "call", "refused", "withheld", "failed"]

NoAnswer = Literal[
    "failed", "withheld", "reasoning used it up", "only reasoning", "empty at its limit", "empty"
]

NO_ANSWER: dict[NoAnswer, tuple[str, str, str]] = {
    "failed": (
        "answer_failed",
        "The answer failed: its finish reason is “{word}”.",
        "Try again in a moment; look at the endpoint's own log if it stays.",
    ),
    "withheld": (
        "withheld",
        "The provider withheld the answer: its finish reason is “{word}”.",
        "Change the prompt, or the filter settings of the provider; other rows are not concerned.",
    ),
    "reasoning used it up": (
        "only_reasoning",
        "No answer: its tokens were used up by reasoning, and only reasoning came.",
        "Raise max_tokens (or max_completion_tokens), or lower the reasoning effort.",
    ),
    "only reasoning": (
        "only_reasoning",
        "No answer: only reasoning came.",
        "Ask again, or lower the reasoning effort.",
    ),
    "empty at its limit": (
        "empty_answer",
        "The answer is empty: it reached its limit of tokens before any text.",
        "Raise max_tokens (or max_completion_tokens), or lower the reasoning effort.",
    ),
    "empty": (
        "empty_answer",
        "The answer is empty.",
        "Ask again; where it stays, look at the endpoint's log or change the prompt.",
    ),
}
"""Of each: the kind of the failure, the sentence and the next step. `word` is the finish reason."""

_FINISH: dict[FinishClass, tuple[str, ...]] = {
    "cut": (
        "length", "max_length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length",
        "token_limit", "truncated", "incomplete", "context_length", "context_length_exceeded",
        "model_context_window_exceeded",
    ),
    "call": ("tool_calls", "tool_call", "tool_use", "function_call"),
    "refused": ("refusal", "refused"),
    "withheld": (
        "content_filter", "content_filtered", "content_moderation", "safety", "image_safety", "recitation",
        "blocklist", "prohibited_content", "spii", "sensitive", "blocked", "error_toxic",
        "guardrail_intervened",
    ),
    "failed": (
        "error", "failed", "abort", "aborted", "cancelled", "network_error", "insufficient_system_resource",
        "malformed_function_call", "unexpected_tool_call",
    ),
}  # fmt: skip
_CLASS_OF = {word: name for name, words in _FINISH.items() for word in words}
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def finish_key(reason: str | None) -> str:
    """Write a finish reason as they are compared: small letters, anything between them an underscore."""
    return _NO_LETTER.sub("_", _HUMP.sub("_", reason or "").lower()).strip("_")


def finish_class(reason: str | None) -> FinishClass:
    """Tell what a finish reason means, in whichever of the usual spellings; an unknown one is complete."""
    return _CLASS_OF.get(finish_key(reason), "complete")


def is_whole(finish_reason: str | None) -> bool:
    """Tell whether an answer that has text ended by itself: neither at a limit nor in a filter."""
    return finish_class(finish_reason) not in ("cut", "withheld")


def is_refusal_word(finish_reason: str | None) -> bool:
    """Tell whether a finish reason alone says that the model refused."""
    return finish_class(finish_reason) == "refused"
