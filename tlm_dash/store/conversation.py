"""The chat messages of an item: kept as JSON, or told by its prompt where they say nothing else."""

from __future__ import annotations

import json
from typing import Any


def messages_of_item(messages: str | None, prompt: str) -> tuple[dict[str, Any], ...]:
    """Give the messages of an item from its two columns; NULL stands for the prompt alone, said by a user."""
    return ({"role": "user", "content": prompt},) if messages is None else tuple(json.loads(messages))
