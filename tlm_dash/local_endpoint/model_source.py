"""Where the endpoint's model calls go: the one thing that serving and scoring both need to know."""

from __future__ import annotations

from dataclasses import dataclass

BUNDLED_MODEL = "smollm2-135m-instruct"
"""The name under which the bundled model is served."""


@dataclass(frozen=True)
class ModelSource:
    """One model on one OpenAI-compatible server.

    `api_key` is a secret where the server is not ours: it is kept out of `repr` so that no log can show it.
    """

    name: str
    base_url: str
    api_key: str = "."
    bundled: bool = False
    native_url: str | None = None

    def __repr__(self) -> str:
        return f"ModelSource(name={self.name!r}, base_url={self.base_url!r}, bundled={self.bundled})"
