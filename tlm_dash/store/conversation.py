"""The chat messages of an item: kept as JSON, or told by its prompt where they say nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.models import canonical_json


def messages_of_item(messages: str | None, prompt: str) -> tuple[dict[str, Any], ...]:
    """Give the messages of an item from its two columns; NULL stands for the prompt alone, said by a user."""
    return ({"role": "user", "content": prompt},) if messages is None else tuple(json.loads(messages))


def kept_messages(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Give what the column `messages` keeps of a conversation: NULL for a prompt alone, said by a user."""
    if len(messages) == 1 and messages[0].keys() == {"role", "content"}:
        (said,) = messages
        if said["role"] == "user" and isinstance(said["content"], str):
            return None
    return canonical_json(list(messages))
