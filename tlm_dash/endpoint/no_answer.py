"""Tell an answer from a form without one: empty, only reasoning, withheld, failed; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.endpoint.redaction import Secrets, quotable
from tlm_dash.endpoint.refusals import WITHHELD_HINT
from tlm_dash.errors import (
    AnswerFailedError,
    AnswerWithheldError,
    EmptyAnswerError,
    NoAnswerError,
    OnlyReasoningError,
)
from tlm_dash.models import Completion
from tlm_dash.responses import finish_class, without_reasoning

EMPTY_HINT = "Ask again; where it stays, look at the endpoint's log or change the prompt."
TOKENS_HINT = "Raise max_tokens (or max_completion_tokens), or lower the reasoning effort."
REASONING_HINT = "Ask again, or lower the reasoning effort."
FAILED_HINT = "Try again in a moment; look at the endpoint's own log if it stays."

_QUOTED_CHARACTERS = 80


def no_answer_in(completion: Completion, secrets: Secrets) -> NoAnswerError | None:
    """Say why an answer is none; None where it is one. A text that was cut is one, and marked as cut."""
    kind = finish_class(completion.finish_reason)
    word = quotable(completion.finish_reason or "", secrets, 40)
    if kind == "failed":
        return AnswerFailedError(f"The answer failed: the finish reason is “{word}”.", hint=FAILED_HINT)
    if without_reasoning(completion.text).strip():
        return None
    if kind == "withheld":
        return AnswerWithheldError(
            f"The provider withheld the answer: the finish reason is “{word}”.", hint=WITHHELD_HINT
        )
    if _has_reasoning(completion):
        if kind == "cut":
            return OnlyReasoningError(
                "No answer: its tokens were used up by reasoning, and only reasoning came.", hint=TOKENS_HINT
            )
        return OnlyReasoningError("No answer: only reasoning came.", hint=REASONING_HINT)
    if kind == "cut":
        return EmptyAnswerError(
            "The answer is empty: it reached its limit of tokens before any text.", hint=TOKENS_HINT
        )
    return EmptyAnswerError(f"The answer is empty.{_others(completion, secrets)}", hint=EMPTY_HINT)


def _has_reasoning(completion: Completion) -> bool:
    if completion.text.strip():
        return True  # In tags, and nothing after them.
    message = completion.extra.get("message")
    message = message if isinstance(message, Mapping) else {}
    parts = message.get("content")
    of_parts = [
        part for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, Mapping) and part.get("type") in ("thinking", "reasoning")
    ]  # fmt: skip
    said = [message.get(name) for name in ("reasoning_content", "reasoning", "thinking")]
    return bool(of_parts) or any(said) or _reasoning_tokens(completion.extra) > 0


def _reasoning_tokens(extra: Mapping[str, Any]) -> float:
    usage = extra.get("usage")
    details = usage.get("completion_tokens_details") if isinstance(usage, Mapping) else None
    n = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    return n if isinstance(n, int | float) else 0


def _others(completion: Completion, secrets: Secrets) -> str:
    """Tell of further choices, which are not taken for the answer."""
    others = completion.extra.get("other_choices")
    if not isinstance(others, list) or not others:
        return ""
    first = others[0]
    message = first.get("message") if isinstance(first, Mapping) else None
    text = message.get("content") if isinstance(message, Mapping) else None
    said = f": “{quotable(text, secrets, _QUOTED_CHARACTERS)}”" if isinstance(text, str) and text else ""
    n = "One further choice came" if len(others) == 1 else f"{len(others)} further choices came"
    return f" {n} with it, not taken for the answer{said}."
