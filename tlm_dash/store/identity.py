"""Prompts on their way in by the thousand: chat messages and hashes as models.py makes them one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tlm_dash.models import canonical_json, messages_identity

_quoted = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class PromptRow:
    """One prompt: its text, its messages as JSON, and a hash that goes on with a response.

    `problem` says why the row cannot be used; then the rest means nothing.
    """

    prompt: str
    messages: str
    hasher: Any
    problem: str | None = None

    def digest(self) -> bytes:
        """In hexadecimal equal to text_hash(messages_identity(messages))."""
        return bytes(self.hasher.digest())

    def response_digest(self, response: bytes) -> bytes:
        """In hexadecimal equal to models.response_hash(messages, response); the response is in UTF-8."""
        hasher = self.hasher.copy()
        hasher.update(len(response).to_bytes(8, "big"))
        hasher.update(response)
        return bytes(hasher.digest())


def rows_of_prompts(prompts: Iterable[str | None], systems: Sequence[str | None] | None) -> list[PromptRow]:
    """Make user messages of prompts, each after its system message where `systems` has one."""
    if systems is None:
        return [_prompt_row(prompt, None) for prompt in prompts]
    return [_prompt_row(prompt, system) for prompt, system in zip(prompts, systems, strict=True)]


def rows_of_batch(prompts: Any, systems: Any, messages: Any, identities: Any) -> list[PromptRow]:  # noqa: ANN401
    """Take what prompt_sql.py has made of a batch, as Arrow columns; what it left out is made here."""
    rows = []
    texts = zip(messages.to_pylist(), identities.cast("binary").to_pylist(), strict=True)
    for number, (text, identity) in enumerate(texts):
        if text is None:
            rows.append(_prompt_row(prompts[number].as_py(), systems[number].as_py()))
        else:
            data = text.encode() if identity is None else identity
            rows.append(PromptRow("", text, sha256(len(data).to_bytes(8, "big") + data)))
    return rows


def rows_of_messages(texts: Iterable[str | None]) -> list[PromptRow]:
    """Make rows of JSON lists of chat messages; the prompt is the text of the last user message."""
    return [_messages_row(text) for text in texts]


def _prompt_row(prompt: str | None, system: str | None) -> PromptRow:
    if prompt is None or not prompt or prompt.isspace():
        return _refused("The prompt is empty.")
    first = "["
    identity_first = first
    if system and not system.isspace():
        first = f'[{{"content":{_quoted(system)},"role":"system"}},'
        identity_first = f'[{{"content":{_quoted(_normal(system))},"role":"system"}},'
    messages = f'{first}{{"content":{_quoted(prompt)},"role":"user"}}]'
    normal = _normal(prompt)
    if normal == prompt and identity_first == first:
        return PromptRow(prompt, messages, _hasher(messages))
    return PromptRow(
        prompt, messages, _hasher(f'{identity_first}{{"content":{_quoted(normal)},"role":"user"}}]')
    )


def _messages_row(text: str | None) -> PromptRow:
    try:
        messages = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return _refused("The messages are not valid JSON.")
    if not isinstance(messages, list) or not all(isinstance(m, dict) and "role" in m for m in messages):
        return _refused("The messages are not a list of objects with role and content.")
    prompt = next((_content(m) for m in reversed(messages) if m["role"] == "user"), "")
    if not prompt.strip():
        return _refused("The messages hold no text from a user.")
    return PromptRow(prompt, canonical_json(messages), _hasher(messages_identity(messages)))


def _content(message: dict[str, Any]) -> str:
    """Give the text of a message; of a list of parts, the texts among them."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _hasher(identity: str) -> Any:  # noqa: ANN401 - hashlib's type has no public name
    data = identity.encode("utf-8", errors="surrogatepass")
    hasher = sha256(len(data).to_bytes(8, "big"))
    hasher.update(data)
    return hasher


def _refused(problem: str) -> PromptRow:
    return PromptRow("", "", None, problem)
