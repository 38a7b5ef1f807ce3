"""Read the wire's JSON into our types; pure, and never trusting what came."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tlm_dash.endpoint.redaction import Json, Secrets, quotable
from tlm_dash.errors import ConnectionDroppedError, NotTlmEndpointError
from tlm_dash.finish_reasons import finish_class
from tlm_dash.models import Completion, Score, Usage
from tlm_dash.responses import told_text

BASE_URL_HINT = "Check the base URL: it usually ends in /api."

_COMPLETION_KEYS = frozenset({"object", "model", "choices", "usage", "tlm_metadata"})
_CHOICE_KEYS = frozenset({"index", "message", "finish_reason", "delta", "text"})
_MESSAGE_KEYS = frozenset({"role", "content"})
_USAGE_KEYS = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"}
)
_METADATA_KEYS = frozenset({"trustworthiness_score", "log"})
_NO_SECRETS = Secrets()


def decode(body: bytes) -> Json:
    """Parse a body as JSON.

    Raises ConnectionDroppedError where the text stops in the middle, NotTlmEndpointError for anything else.
    """
    text = body.decode("utf-8-sig", errors="replace")
    try:
        value = json.loads(text)
    except RecursionError:
        raise NotTlmEndpointError(
            "The endpoint sent JSON nested too deeply to read.", hint=BASE_URL_HINT
        ) from None
    except ValueError as error:
        raise _undecodable(text, error) from None
    return _without_lone_surrogates(value) if "\\ud" in text.lower() else value


def looks_cut(text: str, error: ValueError) -> bool:
    """Tell whether broken JSON is JSON that stops in the middle."""
    text = text.strip()
    if not text.startswith(("{", "[")):
        return False
    at_the_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip())
    return at_the_end or not text.endswith(("}", "]"))


def completion_of(document: Mapping[str, Any], *, model: str, secrets: Secrets = _NO_SECRETS) -> Completion:
    """Read a ChatCompletion. Raises NotTlmEndpointError where it has no answer in it."""
    choice = _first_choice(document)
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if message is None and _needs_no_message(choice.get("finish_reason")):
        message = {}
    if not isinstance(message, Mapping):
        raise _not_an_answer("without a message")
    content = _content_of(message)
    extra = secrets.clean_value(_extra_of(document, choice, message))
    finish_reason = choice.get("finish_reason")
    resolved = document.get("model")
    return Completion(
        text=told_text(content, extra),
        model=model,
        resolved_model=secrets.clean(resolved) if isinstance(resolved, str) and resolved else None,
        finish_reason=secrets.clean(finish_reason) if isinstance(finish_reason, str) else None,
        usage=usage_of(document.get("usage")),
        extra=extra,
    )


def usage_of(value: object) -> Usage:
    """Read the token counts; a count that is missing or no whole number is None."""
    if not isinstance(value, Mapping):
        return Usage()
    return Usage(
        input_tokens=_count(value.get("prompt_tokens", value.get("input_tokens"))),
        output_tokens=_count(value.get("completion_tokens", value.get("output_tokens"))),
    )


def score_of(metadata: object, secrets: Secrets = _NO_SECRETS) -> Score:
    """Read `tlm_metadata`. Anything but a number in [0, 1] is unscored, with its reason."""
    if not isinstance(metadata, Mapping):
        return Score(None, f"The endpoint sent {name_of(metadata)} instead of an object with the score.")
    log = metadata.get("log")
    kept: dict[str, Any] = {key: value for key, value in metadata.items() if key not in _METADATA_KEYS}
    kept.update(log if isinstance(log, Mapping) else {} if log is None else {"log": log})
    kept = secrets.clean_value(kept)
    explanation = kept.get("explanation")
    value = metadata.get("trustworthiness_score")
    reason = _unscored_reason(value, secrets, missing="trustworthiness_score" not in metadata)
    return Score(
        trustworthiness_score=None if reason else float(value) + 0.0,  # type: ignore[arg-type]  # + 0.0: no "-0.0"
        unscored_reason=reason,
        explanation=explanation if isinstance(explanation, str) and explanation else None,
        log=kept,
    )


def models_of(document: object) -> tuple[str, ...] | None:
    """Read a model list in OpenAI's form or one of the usual variants; None where it is none."""
    entries: object = document
    if isinstance(document, Mapping):
        entries = document.get("data", document.get("models"))
    if not isinstance(entries, list):
        return None
    names = (_model_name(entry) for entry in entries)
    return tuple(dict.fromkeys(name for name in names if name))


def _model_name(entry: object) -> str | None:
    if isinstance(entry, Mapping):
        entry = entry.get("id") or entry.get("name")
    return entry if isinstance(entry, str) else None


def _unscored_reason(value: object, secrets: Secrets, *, missing: bool) -> str | None:
    """Say in a sentence what came instead of a score, or None where it is one."""
    if missing:
        return "The endpoint sent no score."
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = f" ({quotable(repr(value), secrets, 60)})" if isinstance(value, str) else ""
        return f"The endpoint sent {name_of(value)}{shown} instead of a score."
    if isinstance(value, float) and not math.isfinite(value):
        return f"The endpoint sent {name_of(value)} instead of a score."
    if not 0 <= value <= 1:
        return f"The endpoint sent {_short_number(value)}, which is outside 0 to 1, instead of a score."
    return None


def _short_number(value: float) -> str:
    # A whole number of thousands of digits cannot even be printed by default.
    return str(value) if abs(value) < 10**15 else "a very large number"


def name_of(value: object) -> str:
    """Name the kind of a JSON value for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN (not a number)" if math.isnan(value) else "an infinite number"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "something unreadable")


def _first_choice(document: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise _not_an_answer("without any answer in it (no choices)")
    return choices[0]


def _needs_no_message(finish_reason: object) -> bool:
    """Tell whether an answer may come without a message: kept back, failed or at its limit, it is empty."""
    word = finish_reason if isinstance(finish_reason, str) else None
    return finish_class(word) in ("withheld", "failed", "cut")


def _content_of(message: Mapping[str, Any]) -> str:
    """Give what a message says as text, "" where that is nothing."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part_text(part) for part in content)
    if content is not None and not isinstance(content, str):
        raise _not_an_answer(f"whose content is {name_of(content)}")
    return content or ""


def part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text", part.get("refusal")) if isinstance(part, Mapping) else None
    if isinstance(text, Mapping):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def _extra_of(
    document: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep what we do not know: top level as it is; the inner ones under message, choice and usage.

    Only the first choice is the answer; the others are kept as they came, under other_choices.
    """
    extra = {key: value for key, value in document.items() if key not in _COMPLETION_KEYS}
    usage = document.get("usage")
    inner = {
        "message": {key: value for key, value in message.items() if key not in _MESSAGE_KEYS},
        "choice": {key: value for key, value in choice.items() if key not in _CHOICE_KEYS},
        "usage": {k: v for k, v in usage.items() if k not in _USAGE_KEYS}
        if isinstance(usage, Mapping)
        else {},
    }
    others = document["choices"][1:]
    if others:
        extra["other_choices"] = others
    if isinstance(message.get("content"), list):
        inner["message"]["content"] = message["content"]
    for name, values in inner.items():
        told = {key: value for key, value in values.items() if value is not None}
        if told:
            extra[name] = told
    return extra


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _undecodable(text: str, error: ValueError) -> ConnectionDroppedError | NotTlmEndpointError:
    if not text.strip():
        return NotTlmEndpointError("The endpoint sent an empty answer.", hint=BASE_URL_HINT)
    if looks_cut(text, error):
        return ConnectionDroppedError(
            "The endpoint's answer stops in the middle.",
            hint="Try again; look at the endpoint's log if it stays.",
        )
    return NotTlmEndpointError("The endpoint sent something that is not JSON.", hint=BASE_URL_HINT)


def _not_an_answer(what: str) -> NotTlmEndpointError:
    return NotTlmEndpointError(
        f"The endpoint sent an answer {what}.", hint="Check that the base URL is that of a TLM endpoint."
    )


def _without_lone_surrogates(value: Json) -> Json:
    """Replace half surrogate pairs, which no database or page can hold, by the replacement character."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_without_lone_surrogates(part) for part in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(k): _without_lone_surrogates(v) for k, v in value.items()}
    return value
