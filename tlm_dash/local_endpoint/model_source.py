"""Where the endpoint's model calls go: the one thing that serving and scoring both need to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BUNDLED_MODEL = "smollm2-135m-instruct"
"""The name under which the bundled model is served."""


@dataclass(frozen=True)
class ModelSource:
    """One model on one OpenAI-compatible server, or on several that answer alike: this one and its `twins`.

    `api_key` is a secret where the server is not ours: it is kept out of `repr` so that no log can show it.
    """

    name: str
    base_url: str
    api_key: str = "."
    bundled: bool = False
    native_url: str | None = None
    twins: tuple[ModelSource, ...] = ()
    _in_hand: Counter[str] = field(default_factory=Counter, compare=False)

    @contextmanager
    def least_busy(self) -> Iterator[ModelSource]:
        """Give the server with the fewest calls in hand, for one call."""
        server = min((self, *self.twins), key=lambda one: self._in_hand[one.base_url])
        self._in_hand[server.base_url] += 1
        try:
            yield server
        finally:
            self._in_hand[server.base_url] -= 1

    def __repr__(self) -> str:
        return f"ModelSource(name={self.name!r}, base_url={self.base_url!r}, bundled={self.bundled})"
