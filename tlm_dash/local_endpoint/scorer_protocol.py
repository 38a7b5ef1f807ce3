"""What the endpoint needs of a scorer, without importing the scoring library (seconds, 250 MB)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Score(Protocol):
    """One score as the scorer returns it."""

    @property
    def trustworthiness_score(self) -> float | None:
        """In [0, 1], or None where nothing could be said."""

    @property
    def explanation(self) -> str | None:
        """Why, in words, where asked for or where there is no score."""

    @property
    def per_field_score(self) -> dict[str, Any] | None:
        """Scores of a JSON response's fields or {"error": why there are none}, where asked for."""


class Scores(Protocol):
    """Scores responses by one model."""

    async def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        completion: Mapping[str, Any],
        *,
        quality_preset: str,
        options: Mapping[str, Any] | None = None,
        response_format: Mapping[str, Any] | None = None,
        tools: Sequence[Any] | None = None,
    ) -> Score:
        """Return the score of `completion` as an answer to `messages`."""

    async def close(self) -> None:
        """Let go of all connections."""
