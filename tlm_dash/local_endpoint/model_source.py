"""Where the endpoint's model calls go: the one thing that serving and scoring both need to know."""

from __future__ import annotations

import time
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
    _with_grammar: Counter[str] = field(default_factory=Counter, compare=False)
    _answered_at: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def servers(self) -> tuple[ModelSource, ...]:
        """Give all servers that answer for this model."""
        return (self, *self.twins)

    @contextmanager
    def least_busy(self, *, grammar: bool = False) -> Iterator[ModelSource]:
        """Give the server with the fewest calls in hand, for one call.

        All calls that are held to a grammar go to the last server, and while it has one the others go
        elsewhere: a grammar that takes long keeps only its own kind waiting.
        """
        servers = list(self.servers[-1:] if grammar else self.servers)
        servers = [one for one in servers if grammar or not self._with_grammar[one.base_url]] or servers
        server = min(servers, key=lambda one: self._in_hand[one.base_url])
        self._in_hand[server.base_url] += 1
        self._with_grammar[server.base_url] += grammar
        try:
            yield server
            self.has_answered(server)
        finally:
            self._in_hand[server.base_url] -= 1
            self._with_grammar[server.base_url] -= grammar

    def has_answered(self, server: ModelSource) -> None:
        """Note that a server has just answered."""
        self._answered_at[server.base_url] = time.monotonic()

    def answered_s_ago(self, server: ModelSource) -> float:
        """Return how many seconds ago a server last answered; infinite where it never did."""
        return time.monotonic() - self._answered_at.get(server.base_url, float("-inf"))

    def __repr__(self) -> str:
        return f"ModelSource(name={self.name!r}, base_url={self.base_url!r}, bundled={self.bundled})"
