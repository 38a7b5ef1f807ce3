"""Conversations in every spelling, as chat messages; the assistant's last turn is the answer to the rest."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.models import canonical_json
from tlm_dash.responses import told_text

Message = dict[str, Any]

_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant", "ai": "assistant",
          "chatgpt": "assistant", "observation": "tool", "function_response": "tool"}  # fmt: skip
_SAYS = ("content", "tool_calls", "function_call", "refusal", "parts")
_MOST_LITERAL_CHARACTERS = 1 << 20
_PARSED_STARTS = ("{", "[")


def parsed_cell(text: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """Read a cell that is one JSON value, or one literal of Python, and nothing else; None for any other."""
    stripped = (text or "").strip()
    if not stripped.startswith(_PARSED_STARTS):
        return None
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        pass
    if len(stripped) > _MOST_LITERAL_CHARACTERS:
        return None
    try:
        return ast.literal_eval(stripped)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def conversation_in(text: str | None) -> list[Message] | None:
    """Read a cell as a conversation; None where it is none."""
    return conversation_of(parsed_cell(text))


def conversation_of(value: object) -> list[Message] | None:
    """Give a list of turns as chat messages; None where it is none.

    Turns have role and content, or from and value (ShareGPT). What else they have stays as it is.
    """
    if not (isinstance(value, list) and value and all(isinstance(turn, Mapping) for turn in value)):
        return None
    messages = [message_of(turn) for turn in value]
    return None if None in messages else messages  # type: ignore[return-value]


def is_message(value: object) -> bool:
    """Tell whether a value is a chat message as endpoints write it; calls alone are the assistant's."""
    if not isinstance(value, Mapping):
        return False
    if _has_calls(value):
        return value.get("role") is None or isinstance(value["role"], str)
    return isinstance(value.get("role"), str) and any(name in value for name in _SAYS)


def message_of(value: object) -> Message | None:
    """Give one turn as a chat message; None where it is none."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("from"), str) and "value" in value:
        return _sharegpt_message(value)
    if not is_message(value):
        return None
    role = value.get("role") or "assistant"
    # Parquet writes what one turn has and another has not as null.
    message = {name: part for name, part in value.items() if part is not None or name == "content"}
    if "content" not in message and isinstance(message.get("parts"), list):
        message["content"] = message.pop("parts")
    return {**message, "role": _ROLES.get(role, role)}


def _has_calls(value: Mapping[str, Any]) -> bool:
    calls = value.get("tool_calls")
    if isinstance(calls, list) and calls and all(isinstance(call, Mapping) for call in calls):
        return True
    return isinstance(value.get("function_call"), Mapping)


def _sharegpt_message(turn: Mapping[str, Any]) -> Message:
    said, text = str(turn["from"]), turn["value"]
    rest = {name: part for name, part in turn.items() if name not in ("from", "value") and part is not None}
    if said != "function_call":
        return {"role": _ROLES.get(said, said), "content": text, **rest}
    call = parsed_cell(text) if isinstance(text, str) else text
    call = call if isinstance(call, Mapping) else {"name": str(text), "arguments": "{}"}
    arguments = call.get("arguments", {})
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"type": "function", "function": {"name": call.get("name"), "arguments": written}}],
        **rest,
    }


def message_of_items(value: object) -> Message | None:
    """Give the output of the Responses API as one message: its texts and calls; None where it is none."""
    if not (isinstance(value, list) and all(isinstance(item, Mapping) and "type" in item for item in value)):
        return None
    parts = [part for item in value if item["type"] == "message" for part in item.get("content") or []]
    calls = [
        {"type": "function", "id": item.get("call_id"),
         "function": {"name": item.get("name"), "arguments": item.get("arguments")}}
        for item in value
        if item["type"] == "function_call"
    ]  # fmt: skip
    if not parts and not calls:
        return None
    message: Message = {"role": "assistant", "content": text_of_parts(parts)}
    refusals = [part["refusal"] for part in parts if isinstance(part, Mapping) and part.get("refusal")]
    return message | ({"tool_calls": calls} if calls else {}) | ({"refusal": refusals[0]} if refusals else {})


def split_answer(messages: Sequence[Message]) -> tuple[list[Message], Message | None]:
    """Part a conversation into what was sent and the assistant's answer; None where it ends otherwise."""
    if messages and messages[-1]["role"] == "assistant":
        return list(messages[:-1]), messages[-1]
    return list(messages), None


def answer_of(message: Mapping[str, Any]) -> tuple[str, str | None]:
    """Give an answer as it is shown and stored: its text with its calls or refusal, and the rest as JSON."""
    rest = rest_of(message)
    text = text_of(message) or ""
    return (text, None) if rest is None else (told_text(text, {"message": rest}), canonical_json(rest))


def text_of(message: Mapping[str, Any]) -> str | None:
    """Give the text of a message, parts joined; None without any."""
    content = message.get("content")
    if isinstance(content, list):
        content = text_of_parts(content)
    if isinstance(content, str) and content:
        return content
    return content if isinstance(content, str) else None


def text_of_parts(parts: Sequence[object]) -> str:
    """Join the text of content parts, as the endpoint's answers are read."""
    texts = (part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None
             for part in parts)  # fmt: skip
    return "".join(text for text in texts if isinstance(text, str))


def rest_of(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what a message has beside its role and its text; None where that is all."""
    rest = {name: part for name, part in message.items() if name not in ("role", "content") and part}
    content = message.get("content")
    if isinstance(content, list) and any(not _is_text_part(part) for part in content):
        rest["content"] = content
    return rest or None


def _is_text_part(part: object) -> bool:
    return isinstance(part, str) or (isinstance(part, Mapping) and isinstance(part.get("text"), str))
