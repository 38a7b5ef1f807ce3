"""The `messages` of a request: checked, and prepared for the model that will read them."""

from __future__ import annotations

from typing import Any

from tlm_dash.local_endpoint import fields
from tlm_dash.local_endpoint.api_error import refused
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.served_models import BUNDLED_MODEL

ROLES = ("system", "developer", "user", "assistant", "tool", "function")

# The local model's context holds some 800 at most; a model server's, a long conversation.
MAX_MESSAGES = 2_000

# Without it this small model answers some plain questions with garbage ("What is the capital of France?"
# in broken French); with it they come out right. A system message of the caller's own takes its place.
BRIEF_ANSWER_PROMPT = "Answer in one or a few words."


def checked_messages(value: object) -> list[dict[str, Any]]:
    """Return the messages of a request body, or refuse it by the index of the one at fault."""
    if not isinstance(value, list) or not value:
        raise refused("messages", "messages must be a list with at least one message.")
    if len(value) > MAX_MESSAGES:
        said = f"messages holds {len(value):,} messages; {MAX_MESSAGES:,} are the most."
        raise refused("messages", said, code="too_many_messages")
    for index, message in enumerate(value):
        _check(message, f"messages[{index}]")
    return value


def _check(message: object, where: str) -> None:
    if not isinstance(message, dict):
        raise refused(where, f"{where} must be an object with role and content.")
    if message.get("role") not in ROLES:
        raise refused(f"{where}.role", f"{where}.role must be one of {', '.join(ROLES)}.")
    content = message.get("content")
    if content is None:
        if message["role"] == "assistant" and (message.get("tool_calls") or message.get("function_call")):
            return
        raise refused(f"{where}.content", f"{where} has no content.")
    if isinstance(content, list):
        _check_parts(content, f"{where}.content")
    else:
        fields.text(content, f"{where}.content")


def _check_parts(parts: list[Any], where: str) -> None:
    if not parts:
        raise refused(where, f"{where} is an empty list.")
    for index, part in enumerate(parts):
        name = f"{where}[{index}]"
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise refused(name, f"{name} must be an object with a type.")
        if part["type"] == "text":
            fields.text(part.get("text"), f"{name}.text")


def text_of(message: dict[str, Any]) -> str:
    """Return a message's text; the text parts of a list are joined."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def readable_by(source: ModelSource, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages as `source` can read them.

    A local model file reads text only: its messages become plain strings, `developer` its older name
    `system`, and pictures, sounds and tool calls are refused.
    """
    if not source.bundled:
        return messages
    return [_as_text(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _as_text(message: dict[str, Any], where: str) -> dict[str, Any]:
    content = message.get("content")
    other = [part["type"] for part in content if part["type"] != "text"] if isinstance(content, list) else []
    if other:
        raise refused(f"{where}.content", f"The model reads text only; {where} holds {other[0]!r}.")
    if message["role"] in ("tool", "function") or message.get("tool_calls") or message.get("function_call"):
        raise refused(where, f"The model knows no tools; {where} belongs to a tool call.")
    role = "system" if message["role"] == "developer" else message["role"]
    return {"role": role, "content": text_of(message)}


def with_brief_answers(source: ModelSource, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages to generate from: the bundled model is asked for brief answers."""
    own_prompt = any(message["role"] in ("system", "developer") for message in messages)
    if not source.bundled or source.name != BUNDLED_MODEL or own_prompt:
        return messages
    return [{"role": "system", "content": BRIEF_ANSWER_PROMPT}, *messages]
