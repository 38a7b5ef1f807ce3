"""The error for an answer in which nothing is answered: empty, only reasoning, withheld or failed; pure."""

from __future__ import annotations

from collections.abc import Mapping

from tlm_dash.endpoint.redaction import Secrets, quotable
from tlm_dash.errors import (
    AnswerFailedError,
    AnswerWithheldError,
    EmptyAnswerError,
    NoAnswerError,
    OnlyReasoningError,
)
from tlm_dash.finish_reasons import NO_ANSWER
from tlm_dash.models import Completion
from tlm_dash.responses import why_no_answer

_QUOTED_CHARACTERS = 80
_ERRORS: dict[str, type[NoAnswerError]] = {
    error.kind: error
    for error in (AnswerFailedError, AnswerWithheldError, EmptyAnswerError, OnlyReasoningError)
}


def no_answer_in(completion: Completion, secrets: Secrets) -> NoAnswerError | None:
    """Give the error that says why an answer is none; None where it is one."""
    why = why_no_answer(completion.text, completion.extra, completion.finish_reason)
    if why is None:
        return None
    kind, sentence, hint = NO_ANSWER[why]
    message = sentence.format(word=quotable(completion.finish_reason or "", secrets, 40))
    if kind == "empty_answer":
        message += _others(completion, secrets)
    return _ERRORS[kind](message, hint=hint)


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
