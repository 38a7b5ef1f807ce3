"""The model names that the endpoint answers to, and which model each stands for."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.model_source import BUNDLED_MODEL, ModelSource

__all__ = ["ALIASES", "BUNDLED_MODEL", "ServedModels"]

# Programs written for a TLM endpoint ask for these documented names (the first is the default scorer of
# Cleanlab's client). Over a model file they are accepted, so that such programs run unchanged, and the
# answer's `model` says which model really answered. Over a model server names mean what they say.
ALIASES = ("gpt-4.1-mini", "gpt-4.1-nano", "gpt-4.1", "gpt-4o-mini", "gpt-4o")


class ServedModels:
    """The served models, the first of which also answers where no name is given."""

    def __init__(self, sources: Sequence[ModelSource]) -> None:
        if not sources:
            raise ValueError("an endpoint needs at least one model")
        self.sources = tuple(sources)
        self._by_name = {source.name: source for source in sources}

    @property
    def names(self) -> list[str]:
        """The names in the order they were given."""
        return list(self._by_name)

    def resolve(self, asked: str | None, *, param: str = "model") -> ModelSource:
        """Return the model that `asked` stands for; 404 names what is served instead."""
        if asked is None:
            return self.sources[0]
        if asked in self._by_name:
            return self._by_name[asked]
        if asked in ALIASES and self.sources[0].bundled:
            return self.sources[0]
        served = ", ".join(self.names)
        raise ApiError(
            404,
            f"This endpoint does not serve the model {asked!r}. It serves {served}.",
            code="model_not_found",
            param=param,
        )
