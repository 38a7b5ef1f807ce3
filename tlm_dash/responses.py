"""What a model answered, told apart: text, tool calls and refusals; whole, cut or withheld. Pure.

`extra` is what `Completion.extra` keeps of an answer: under "message" the fields of its message beside the
text. A tool call is said in the text too, as `get_weather(city: "Paris")`, one a line after what the model
wrote: so every place that shows a response shows the call. What makes a response the same response is not
that text but `response_identity`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tlm_dash.finish_reasons import NoAnswer, finish_class, is_refusal_word
from tlm_dash.models import canonical_json, messages_identity, response_hash, text_hash

_THINKING = re.compile(r"\s*<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)


def without_reasoning(text: str) -> str:
    """Give a text without the reasoning that a model wrote before it in <think> tags."""
    return text[match.end() :].strip() if (match := _THINKING.match(text)) else text


def refusal_of(extra: Mapping[str, Any]) -> str:
    """Give the refusal that an answer holds, "" where it is none."""
    message = _message(extra)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return refusal
    return "".join(part["refusal"] for part in _parts(message) if isinstance(part.get("refusal"), str))


def is_refusal(extra: Mapping[str, Any], finish_reason: str | None) -> bool:
    """Tell whether the model refused, as far as the answer says so in a field of its own."""
    return bool(refusal_of(extra)) or is_refusal_word(finish_reason)


def calls_of(extra: Mapping[str, Any]) -> list[Any]:
    """Give the tool calls of an answer as they came, in order; the old `function_call` is one."""
    message = _message(extra)
    calls = message.get("tool_calls")
    found = joined_calls(calls) if isinstance(calls, list) else []
    old = message.get("function_call")
    if isinstance(old, Mapping) and old and _call(old) not in [_call(call) for call in found]:
        found.append(old)
    return found


def joined_calls(calls: Sequence[Any]) -> list[Any]:
    """Put calls together that were streamed in pieces, one after the other; whole ones stay as they are."""
    found: list[Any] = []
    for call in calls:
        began = next((n for n in reversed(range(len(found))) if _goes_on(found[n], call)), None)
        if began is not None:
            found[began] = _grown(found[began], call)
        elif call:
            found.append(call)
    return found


def calls_text(calls: Sequence[Any]) -> str:
    """Write calls for a person, one a line: `get_weather(city: "Paris")`."""
    return "\n".join(_call_text(_call(call)) for call in calls)


def told_text(content: str, extra: Mapping[str, Any]) -> str:
    """Give the text of an answer that people see: what the model wrote, or its refusal, and its calls."""
    content = content or refusal_of(extra)
    calls = calls_text(calls_of(extra))
    return f"{content}\n{calls}" if content and calls else content or calls


def written_content(text: str, extra: Mapping[str, Any]) -> str:
    """Undo `told_text`: what the model wrote itself, "" where that is nothing."""
    calls = calls_text(calls_of(extra))
    if calls and (text == calls or text.endswith(f"\n{calls}")):
        text = text[: -len(calls)].removesuffix("\n")
    return "" if text == refusal_of(extra) else text


def response_identity(text: str, extra: Mapping[str, Any]) -> str | None:
    """Give the text by which a call or refusal is recognised; None for plain text, which is its own identity.

    Calls are the same where names and arguments are, in the same order: `id` and `index` are new each time,
    key order and spaces of the arguments say nothing. Reasoning is no part of it.
    """
    calls, refusal = calls_of(extra), refusal_of(extra)
    if not calls and not refusal:
        return None
    return canonical_json({
        "content": written_content(text, extra) or None,
        "tool_calls": [_call(call) for call in calls],
        "refusal": refusal or None,
    })  # fmt: skip


def hash_of_response(messages: Sequence[Mapping[str, Any]], text: str, extra: Mapping[str, Any]) -> str:
    """Identify a prompt and its response: what an annotation belongs to, whichever run holds it.

    Plain text has the hash that it always had; three parts never hash like its two.
    """
    identity = response_identity(text, extra)
    if identity is None:
        return response_hash(messages, text)
    return text_hash(messages_identity(messages), "answer", identity)


def why_no_answer(text: str, extra: Mapping[str, Any], finish_reason: str | None) -> NoAnswer | None:
    """Tell why an answer is none; None where it is one: a text that was cut is, and is marked as cut."""
    kind = finish_class(finish_reason)
    if kind == "failed":
        return "failed"
    if without_reasoning(text).strip():
        return None
    if kind == "withheld":
        return "withheld"
    if has_reasoning(text, extra):
        return "reasoning used it up" if kind == "cut" else "only reasoning"
    return "empty at its limit" if kind == "cut" else "empty"


def has_reasoning(text: str, extra: Mapping[str, Any]) -> bool:
    """Tell whether a model reasoned, in a field, in parts, in tags or in tokens that it only counts."""
    message, usage = _message(extra), extra.get("usage")
    details = usage.get("completion_tokens_details") if isinstance(usage, Mapping) else None
    return (
        _THINKING.match(text) is not None
        or any(message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
        or any(part.get("type") in ("thinking", "reasoning") for part in _parts(message))
        or bool(isinstance(details, Mapping) and details.get("reasoning_tokens"))
    )


def _message(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    message = extra.get("message")
    return message if isinstance(message, Mapping) else {}


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []


def _body(call: object) -> tuple[str, Mapping[str, Any]] | None:
    for kind in ("function", "custom"):
        if isinstance(call, Mapping) and isinstance(body := call.get(kind), Mapping):
            return kind, body
    return None


def _goes_on(begun: object, piece: object) -> bool:
    """Tell whether a piece of a streamed call goes on with one that has begun: only the first has a name."""
    one, other = _body(begun), _body(piece)
    if one is None or other is None or not isinstance(begun, Mapping) or not isinstance(piece, Mapping):
        return False
    if begun.get("index") != piece.get("index") and piece.get("index") is not None:
        return False
    if not other[1].get("name"):
        return True
    same = other[1]["name"] == one[1].get("name") and piece.get("id") in (None, "", begun.get("id"))
    return same and piece.get("index") is not None and not _is_json(one[1].get("arguments"))


def _grown(begun: Mapping[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    found, more = _body(begun), _body(piece)
    assert found is not None and more is not None
    body = dict(found[1])
    for key in ("arguments", "input"):
        if isinstance(more[1].get(key), str):
            body[key] = (body.get(key) or "") + more[1][key]
    return {**begun, found[0]: body}


def _is_json(text: object) -> bool:
    try:
        json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return False
    return True


def _call(call: object) -> Any:  # noqa: ANN401 - JSON
    """Give what makes a call the same call: its name and arguments, parsed where they are JSON."""
    if not isinstance(call, Mapping):
        return {"call": call}
    body = call.get("function", call.get("custom", call))
    if not isinstance(body, Mapping) or not isinstance(body.get("name"), str):
        return {"call": {key: value for key, value in call.items() if key not in ("id", "index")}}
    if "arguments" not in body and isinstance(body.get("input"), str):
        return {"name": body["name"], "input": body["input"]}
    arguments = body.get("arguments")
    if isinstance(arguments, str):
        try:
            parsed = json.loads(
                arguments, parse_float=_exact, parse_constant=_refuse, object_pairs_hook=_object
            )
            canonical_json(parsed)
        except (ValueError, ArithmeticError, RecursionError):
            return {"name": body["name"], "text": arguments}
        arguments = parsed
    return {"name": body["name"], "arguments": arguments}


def _call_text(call: Mapping[str, Any]) -> str:
    name = call.get("name")
    if name is None:
        return canonical_json(call["call"])
    arguments = call.get("arguments", call.get("input", call.get("text")))
    if isinstance(arguments, Mapping):
        return f"{name}({', '.join(f'{key}: {_json(value)}' for key, value in arguments.items())})"
    said = arguments if isinstance(arguments, str) and "arguments" not in call else _json(arguments)
    return f"{name}({'' if arguments is None else said})"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _exact(written: str) -> float:
    # Two numbers that differ beyond what a float holds would become the same call.
    value = float(written)
    if Decimal(repr(value)) != Decimal(written):
        raise ValueError("more digits than a float has")
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value
