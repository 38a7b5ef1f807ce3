"""What a person set on the playground: checked, stored with the entry, and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import QUALITY_PRESETS, Messages, canonical_json
from tlm_dash.services.turns import build_messages

MAX_PROMPT_CHARACTERS = 4_000_000
"""Above what any model reads; it keeps a slip of the clipboard from filling the database."""


@dataclass(frozen=True)
class PlaygroundRequest:
    """What a person set on the page. `given_response` makes it score-only; then `models` is ignored."""

    prompt: str
    models: tuple[str, ...]
    quality_presets: tuple[str, ...]
    system_prompt: str = ""
    earlier_turns: str = ""
    given_response: str | None = None
    answered_by: Literal["endpoint", "provider"] = "endpoint"
    scorer_model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """Write what was set, so that opening the entry restores the page."""
        return canonical_json({
            "prompt": self.prompt, "models": self.models, "quality_presets": self.quality_presets,
            "system_prompt": self.system_prompt, "earlier_turns": self.earlier_turns,
            "given_response": self.given_response, "answered_by": self.answered_by,
            "scorer_model": self.scorer_model, "params": dict(self.params),
        })  # fmt: skip

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PlaygroundRequest:
        """Read back what `as_json` wrote; fields that a newer version added are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        for name in ("models", "quality_presets"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)


def checked_messages(request: PlaygroundRequest) -> Messages:
    """Check what was set and give the messages to send. Raises InvalidInputError."""
    if not request.prompt.strip():
        raise InvalidInputError("There is no prompt yet.", hint="Type one, then press Run.")
    if len(request.prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidInputError(
            f"The prompt has {len(request.prompt):,} characters; the most is {MAX_PROMPT_CHARACTERS:,}.",
            hint="Shorten it: no model reads that much.",
        )
    if not request.quality_presets:
        raise InvalidInputError(
            "No quality preset is ticked.", hint="Tick at least one of base, low, medium."
        )
    unknown = [preset for preset in request.quality_presets if preset not in QUALITY_PRESETS]
    if unknown:
        raise InvalidInputError(
            f"The endpoint has no quality preset called {unknown[0]}.", hint="Choose base, low or medium."
        )
    if request.given_response is None and not request.models:
        raise InvalidInputError("No model is chosen.", hint="Choose at least one model.")
    if request.given_response is not None and not request.given_response.strip():
        raise InvalidInputError(
            "The response to score is empty.",
            hint="Paste the response, or switch “I already have the response” off to have one generated.",
        )
    return build_messages(request.system_prompt, request.earlier_turns, request.prompt)
