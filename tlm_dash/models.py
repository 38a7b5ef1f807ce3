"""The nouns that cross layers, as frozen dataclasses; names as on the wire, in the columns and in URLs."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

QUALITY_PRESETS = ("base", "low", "medium")
DEFAULT_QUALITY_PRESET = "medium"

EXPORT_MARK = "tlm_dash_export"
"""The last column of what we export: by it an import knows a file of ours."""

REQUEST_OBJECTS = ("tools", "tool_choice", "functions", "function_call", "response_format", "logit_bias")
"""Parts of a request that are objects: each stays one cell, and does not become a column a key."""

AnsweredBy = Literal["endpoint", "provider", "given"]
RunMode = Literal["generate", "score", "generate-then-score"]
ItemStatus = Literal["pending", "done", "error"]

Messages = tuple[Mapping[str, Any], ...]
"""OpenAI's list of chat messages, each at least {"role": str, "content": str}."""


def new_id() -> str:
    """Make an opaque id: 32 hexadecimal digits that sort by nothing and mean nothing."""
    return uuid.uuid4().hex


def utc_now() -> datetime:
    """Tell the time as every `*_at` column holds it: aware, in UTC."""
    return datetime.now(UTC)


def canonical_json(value: object) -> str:
    """Write a value so that equal values give equal text: sorted keys, no spaces, UTF-8 kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_hash(*parts: str) -> str:
    """Hash texts with their boundaries, so that ("a", "bc") and ("ab", "c") differ. 64 hex digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def messages_identity(messages: Sequence[Mapping[str, Any]]) -> str:
    """Give the text by which a prompt is recognised: CRLF as LF, outer white space trimmed, nothing else."""
    return canonical_json([_normalised(dict(message)) for message in messages])


def response_hash(messages: Sequence[Mapping[str, Any]], response: str) -> str:
    """Identify a prompt and response text: what an annotation belongs to, whichever run holds it."""
    return text_hash(messages_identity(messages), response)


def _normalised(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, str):
        message["content"] = content.replace("\r\n", "\n").strip()
    return message


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the answer itself; what scoring used is not reported by the wire API."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One generated (or given) answer. `extra` keeps response fields that we do not know."""

    text: str
    model: str
    resolved_model: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """What TLM said of one response. A score of None is unscored, never 0, and has its reason."""

    trustworthiness_score: float | None
    unscored_reason: str | None = None
    explanation: str | None = None
    log: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Ask for an answer. `params` are OpenAI's (temperature, max_tokens …), `options` are TLM's.

    Options may hold a key (`model_provider.api_key`), so they are kept out of `repr`.
    """

    messages: Messages
    model: str
    quality_preset: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Ask for the score of an existing answer, by `scorer_model` at `quality_preset`."""

    messages: Messages
    completion: Completion
    scorer_model: str
    quality_preset: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer with what came along. `score` is None where none was asked for or none arrived."""

    completion: Completion
    score: Score | None
    latency_ms: float
    first_token_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with the time it took."""

    score: Score
    latency_ms: float


EndpointState = Literal[
    "working", "starting", "no_scores", "access_denied", "not_tlm", "failing", "unreachable"
]
"""How an endpoint is: "no_scores" answers without chat/score, "failing" answers with errors of its own."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """Whether an endpoint answers and speaks TLM's wire API, in a sentence a person can act on."""

    state: EndpointState
    detail: str
    hint: str = ""
    latency_ms: float | None = None
    models: tuple[str, ...] = ()

    @property
    def reachable(self) -> bool:
        """Tell whether it takes prompts, with scores or without."""
        return self.state in ("working", "no_scores")
