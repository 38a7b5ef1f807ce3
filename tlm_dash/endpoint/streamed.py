"""Put the chunks of a streamed answer together, in the form of an answer that was not streamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.endpoint.wire import part_text
from tlm_dash.responses import joined_calls

_TEXT_KEYS = frozenset({"role", "content", "refusal"})
_PARTS_OF_TEXT = frozenset({"delta", "index", "message", "text"})


class StreamedAnswer:
    """One answer in the making: `add` chunks, then read `document`."""

    def __init__(self) -> None:
        self._begun = False
        self._text: list[str] = []
        self._top: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._whole = ""
        self._repeats = False

    @property
    def finished(self) -> bool:
        """Tell whether the text is complete; usage and score may still follow."""
        reason = self._choice.get("finish_reason")
        return isinstance(reason, str) and reason != ""

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Take one chunk and give the text that it brought ("" for none)."""
        for key, value in chunk.items():
            if key not in ("object", "choices") and value is not None:
                self._top[key] = value
        choices = chunk.get("choices")
        pieces = [self._add_choice(choice) for choice in choices or ()] if isinstance(choices, list) else []
        piece = "".join(pieces)
        if piece:
            self._text.append(piece)
        return piece

    def document(self) -> dict[str, Any]:
        """Give the whole as a ChatCompletion; without `choices` where no chunk had one."""
        if not self._begun:
            return dict(self._top)
        message = {"role": "assistant", **self._message, "content": "".join(self._text)}
        if isinstance(message.get("tool_calls"), list):
            message["tool_calls"] = joined_calls(message["tool_calls"])
        if self._whole:
            message["content"] = self._whole
        return {**self._top, "choices": [{**self._choice, "index": 0, "message": message}]}

    def _add_choice(self, choice: object) -> str:
        # Only the first alternative is shown and scored; the others of n > 1 are not ours.
        if not isinstance(choice, Mapping) or choice.get("index") not in (0, None):
            return ""
        self._begun = True
        fields = {key: value for key, value in choice.items() if key not in _PARTS_OF_TEXT}
        _merge(self._choice, fields, texts_grow=False)
        delta, message, text = (choice.get(name) for name in ("delta", "message", "text"))
        if isinstance(delta, Mapping):
            if isinstance(message, Mapping) and isinstance(message.get("content"), str):
                self._whole = message["content"]
            return self._add_delta(delta)
        if isinstance(message, Mapping):
            return self._news(self._add_delta(message))
        return text if isinstance(text, str) else ""

    def _add_delta(self, delta: Mapping[str, Any]) -> str:
        _merge(self._message, {key: value for key, value in delta.items() if key not in _TEXT_KEYS})
        content = delta.get("content")
        if isinstance(content, list):
            content = "".join(part_text(part) for part in content)
        refusal = delta.get("refusal")
        if isinstance(refusal, str):
            _merge(self._message, {"refusal": refusal})
        return (
            content if isinstance(content, str) and content else refusal if isinstance(refusal, str) else ""
        )

    def _news(self, piece: str) -> str:
        """Give what a message adds, where each one may repeat all that was said before it."""
        said = "".join(self._text)
        self._repeats = self._repeats or bool(said) and len(piece) > len(said) and piece.startswith(said)
        return piece.removeprefix(said) if self._repeats else piece


def _merge(into: dict[str, Any], new: Mapping[str, Any], *, texts_grow: bool = True) -> None:
    """Add a chunk's fields: lists and, inside a message, texts grow (reasoning, log-probabilities)."""
    for key, value in new.items():
        old = into.get(key)
        if value is None:
            continue
        if texts_grow and isinstance(old, str) and isinstance(value, str):
            into[key] = old + value
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(value)
        elif isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value, texts_grow=texts_grow)
        else:
            into[key] = value
