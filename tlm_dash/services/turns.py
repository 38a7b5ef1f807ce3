"""Earlier turns as a person types them: `user:` and `assistant:` lines, or OpenAI's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import Messages

ROLES = ("user", "assistant")
_TURN_START = re.compile(r"^[ \t]*(user|assistant)[ \t]*:[ \t]?", re.IGNORECASE | re.MULTILINE)
_FORMAT_HINT = "Start each turn on a new line with “user:” or “assistant:”, or paste OpenAI's JSON list."


def build_messages(system_prompt: str, earlier_turns: str, prompt: str) -> Messages:
    """Put system prompt, earlier turns and prompt into OpenAI's list. Raises InvalidInputError."""
    messages: list[Mapping[str, Any]] = []
    if system_prompt.strip():
        messages.append({"role": "system", "content": system_prompt})
    messages.extend(parse_turns(earlier_turns))
    messages.append({"role": "user", "content": prompt})
    return tuple(messages)


def parse_turns(text: str) -> list[dict[str, str]]:
    """Read turns from text. Raises InvalidInputError saying what is not understood."""
    if not text.strip():
        return []
    if text.lstrip().startswith("["):
        return _parse_json(text)
    starts = list(_TURN_START.finditer(text))
    if not starts or text[: starts[0].start()].strip():
        raise InvalidInputError("The earlier turns do not say who speaks.", hint=_FORMAT_HINT)
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [
        {"role": start.group(1).lower(), "content": text[start.end() : end].strip()}
        for start, end in zip(starts, ends, strict=True)
    ]


def _parse_json(text: str) -> list[dict[str, str]]:
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = error if isinstance(error, ValueError) else "it is nested too deeply"
        raise InvalidInputError(f"The earlier turns are not valid JSON: {why}.", hint=_FORMAT_HINT) from None
    for number, turn in enumerate(turns, start=1):
        usable = isinstance(turn, dict) and turn.get("role") in (*ROLES, "system")
        if not usable or not isinstance(turn.get("content"), str):
            raise InvalidInputError(
                f"Turn {number} needs a role (user, assistant or system) and a text as content.",
                hint=_FORMAT_HINT,
            )
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]
