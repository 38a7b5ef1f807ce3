"""An answer on its way from the model server to the caller: the payload asked with, the shape handed on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from tlm_dash.local_endpoint.messages import readable_by, with_brief_answers
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.wire import GenerateRequest

# A model this small says more sensible things when it says what it finds likeliest; a caller who wants
# variety sets a temperature.
LOCAL_TEMPERATURE = 0.0

USAGE_FIELDS = ("prompt_tokens", "completion_tokens", "total_tokens")


def payload(request: GenerateRequest, source: ModelSource, *, logprobs: bool) -> dict[str, Any]:
    """Return the body for the model server, without the model's name."""
    body: dict[str, Any] = dict(request.arguments)
    if source.bundled:
        body.setdefault("temperature", LOCAL_TEMPERATURE)
    if "max_tokens" not in body and "max_completion_tokens" not in body:
        body["max_tokens"] = request.settings.max_tokens
    if logprobs:
        body["logprobs"] = True
    body["messages"] = with_brief_answers(source, readable_by(source, request.messages))
    return body


class Answer:
    """One answer, built from a whole completion or chunk by chunk, under an id of our own."""

    def __init__(self, source: ModelSource, *, show_logprobs: bool) -> None:
        self.id = f"chatcmpl-{secrets.token_hex(12)}"
        self.created = int(time.time())
        self.resolved_model = source.name
        self.message: dict[str, Any] = {"role": "assistant", "content": ""}
        self.finish_reason: str | None = None
        self.usage: dict[str, int] = {}
        self._trust_names = not source.bundled
        self._show_logprobs = show_logprobs
        self._logprobs: list[Any] = []
        self._begun = False

    def take(self, completion: Mapping[str, Any]) -> None:
        """Take over a whole completion of the model server."""
        choice = completion["choices"][0]
        self.message = {"role": "assistant", "content": None, **choice["message"]}
        self.finish_reason = choice.get("finish_reason")
        self._note(completion, choice)

    def add(self, chunk: Mapping[str, Any]) -> dict[str, Any] | None:
        """Add a chunk of the model server's stream; return the chunk to send on, or None for nothing new."""
        choices = chunk.get("choices") or []
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        self._note(chunk, choice)
        delta = {name: value for name, value in (choice.get("delta") or {}).items() if value is not None}
        delta.pop("role", None)
        self._merge(delta)
        finish_reason = choice.get("finish_reason")
        self.finish_reason = finish_reason or self.finish_reason
        logprobs = choice.get("logprobs") if self._show_logprobs else None
        if not delta and not finish_reason and not logprobs:
            return None
        if not self._begun:
            self._begun, delta = True, {"role": "assistant", **delta}
        sent = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._envelope("chat.completion.chunk", [{**sent, "logprobs": logprobs} if logprobs else sent])

    def completion(self) -> dict[str, Any]:
        """Return the whole answer as a ChatCompletion with all its log-probabilities, for the scorer."""
        choice: dict[str, Any] = {
            "index": 0,
            "message": self.message,
            "finish_reason": self.finish_reason or "stop",
        }
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._envelope("chat.completion", [choice]), "usage": self.usage}

    def for_caller(self, tlm_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer as it is sent: log-probabilities only where they were asked for."""
        completion = self.completion()
        if not self._show_logprobs:
            completion["choices"][0]["logprobs"] = None
        return {**completion, "tlm_metadata": tlm_metadata}

    def last_chunk(self, tlm_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the chunk that ends a stream: usage and score, no choices."""
        return {
            **self._envelope("chat.completion.chunk", []),
            "usage": self.usage,
            "tlm_metadata": tlm_metadata,
        }

    def _envelope(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.resolved_model,
            "choices": choices,
        }

    def _note(self, part: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
        if self._trust_names and isinstance(part.get("model"), str) and part["model"]:
            self.resolved_model = part["model"]
        usage = part.get("usage")
        if isinstance(usage, dict):
            self.usage = {name: int(usage.get(name) or 0) for name in USAGE_FIELDS}
        content = (choice.get("logprobs") or {}).get("content")
        if isinstance(content, list):
            self._logprobs.extend(item for item in content if isinstance(item, dict))

    def _merge(self, delta: Mapping[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls" and isinstance(value, list):
                _merge_tool_calls(self.message.setdefault("tool_calls", []), value)
            elif isinstance(value, str):
                self.message[name] = (self.message.get(name) or "") + value


def _merge_tool_calls(calls: list[dict[str, Any]], pieces: list[Any]) -> None:
    """Join streamed tool calls: a piece belongs to the call with its index, its arguments come bit by bit."""
    for piece in pieces:
        index = piece.get("index") or 0
        while len(calls) <= index < len(calls) + 128:
            calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        if not index < len(calls):
            continue
        call, function = calls[index], piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""
