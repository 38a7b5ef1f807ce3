"""Prompts on their way in by the thousand: chat messages and hashes as models.py makes them one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import messages_identity
from tlm_dash.responses import response_identity
from tlm_dash.store.arrow_text import json_escaped, repeated, trimmed
from tlm_dash.store.conversation import kept_messages

# Python's copies of the texts are made a slice at a time, so that a large batch does not stand there twice.
_SLICE_ROWS = 16_384
EMPTY_PROMPT = "The prompt is empty."


@dataclass
class PromptRows:
    """Rows in the making. `problems` says by number why a row cannot be used; what else it has is void.

    `messages` are as the table has them: where they are the prompt alone, they may be NULL.
    """

    prompts: Any
    messages: Any
    hashers: list[Any] = field(repr=False)
    problems: dict[int, str]

    def digests(self) -> list[bytes]:
        """In hexadecimal equal to text_hash(messages_identity(messages))."""
        return [hasher.digest() for hasher in self.hashers]

    def response_digests(
        self,
        responses: Any,  # noqa: ANN401 - an Arrow column
        rests: Any | None = None,  # noqa: ANN401 - an Arrow column
    ) -> list[bytes | None]:
        """In hexadecimal equal to responses.hash_of_response; None where there is no response.

        `rests` are what messages have beside their text, as JSON: calls and refusals have their own hashes.
        """
        digests = self._plain_digests(responses)
        if rests is None or rests.null_count == len(rests):
            return digests
        for number, rest in enumerate(rests.to_pylist()):
            text = responses[number].as_py()
            if rest is None or text is None:
                continue
            identity = response_identity(text, {"message": json.loads(rest)})
            if identity is not None:
                both = self.hashers[number].copy()
                for part in (b"answer", identity.encode("utf-8", errors="surrogatepass")):
                    both.update(len(part).to_bytes(8, "big") + part)
                digests[number] = both.digest()
        return digests

    def _plain_digests(self, responses: Any) -> list[bytes | None]:  # noqa: ANN401
        digests: list[bytes | None] = []
        for start, texts in _slices(responses.cast(pa.binary())):
            for hasher, text in zip(self.hashers[start : start + len(texts)], texts, strict=True):
                if text is None:
                    digests.append(None)
                    continue
                both = hasher.copy()
                both.update(len(text).to_bytes(8, "big") + text)
                digests.append(both.digest())
        return digests

    def without_refused(self) -> PromptRows:
        """Leave out the rows that cannot be used."""
        kept = [number not in self.problems for number in range(len(self.hashers))]
        hashers = [hasher for hasher, keep in zip(self.hashers, kept, strict=True) if keep]
        mask = pa.array(kept)
        return PromptRows(self.prompts.filter(mask), self.messages.filter(mask), hashers, {})


def joined(parts: Sequence[tuple[str, Any]], n_rows: int) -> Any:  # noqa: ANN401 - Arrow columns
    """Make prompts of texts and the columns after them; an empty cell adds nothing."""
    if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None:
        return parts[0][1]
    pieces: list[Any] = []
    for text, column in parts:
        pieces.append(pa.repeat(pa.scalar(text, pa.string()), n_rows))
        if column is not None:
            pieces.append(column)
    return pc.binary_join_element_wise(*pieces, "", null_handling="replace", null_replacement="")


def rows_of_prompts(prompts: Any, systems: Any | None) -> PromptRows:  # noqa: ANN401 - Arrow columns
    """Make user messages of prompts, each after its system message where there is one."""
    normal = trimmed(prompts)
    has_text = pc.fill_null(pc.greater(pc.binary_length(normal), 0), fill_value=False)
    if systems is None:
        messages, identities = repeated(None, len(prompts)), _messages(normal, None)
    else:
        spoken = trimmed(systems)
        is_blank = pc.fill_null(pc.equal(pc.binary_length(spoken), 0), fill_value=True)
        messages = pc.if_else(is_blank, None, _messages(prompts, systems))
        identities = _messages(normal, pc.if_else(is_blank, None, spoken))
    hashers = [_hasher(data) for _, part in _slices(identities.cast(pa.binary())) for data in part]
    problems = {}
    if not pc.all(has_text).as_py():
        problems = {n: EMPTY_PROMPT for n, said in enumerate(has_text.to_pylist()) if not said}
    return PromptRows(prompts, messages, hashers, problems)


def _messages(prompts: Any, systems: Any | None) -> Any:  # noqa: ANN401
    user = pc.fill_null(json_escaped(prompts), "")
    if systems is None:
        return pc.binary_join_element_wise('[{"content":"', user, '","role":"user"}]', "")
    first = pc.binary_join_element_wise('[{"content":"', json_escaped(systems), '","role":"system"},', "")
    return pc.binary_join_element_wise(
        pc.fill_null(first, "["), '{"content":"', user, '","role":"user"}]', ""
    )


def rows_of_messages(column: Any) -> PromptRows:  # noqa: ANN401 - an Arrow column
    """Make rows of JSON lists of chat messages; the prompt is the text of the last user message."""
    prompts, messages, hashers = [], [], []
    problems: dict[int, str] = {}
    for start, texts in _slices(column):
        for number, text in enumerate(texts, start):
            parsed = _parsed(text)
            if isinstance(parsed, str):
                problems[number] = parsed
            usable = [] if isinstance(parsed, str) else parsed
            prompts.append(_last_prompt(usable))
            messages.append(kept_messages(usable))
            hashers.append(_hasher(messages_identity(usable).encode("utf-8", errors="surrogatepass")))
    return PromptRows(pa.array(prompts, pa.string()), pa.array(messages, pa.string()), hashers, problems)


def _slices(column: Any) -> Iterator[tuple[int, list[Any]]]:  # noqa: ANN401
    for start in range(0, len(column), _SLICE_ROWS):
        yield start, column.slice(start, _SLICE_ROWS).to_pylist()


def _parsed(text: str | None) -> list[dict[str, Any]] | str:
    """Read a list of messages, or say why it is none."""
    try:
        messages = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return "The messages are not valid JSON."
    if not isinstance(messages, list) or not all(isinstance(m, dict) and "role" in m for m in messages):
        return "The messages are not a list of objects with role and content."
    return messages if _last_prompt(messages).strip() else "The messages hold no text from a user."


def _last_prompt(messages: Sequence[dict[str, Any]]) -> str:
    content = next((m.get("content") for m in reversed(messages) if m["role"] == "user"), None)
    if isinstance(content, list):  # of parts, some of which are text
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _hasher(identity: bytes) -> Any:  # noqa: ANN401 - hashlib's type has no public name
    return sha256(len(identity).to_bytes(8, "big") + identity)
