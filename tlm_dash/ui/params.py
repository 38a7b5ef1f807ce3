"""What a page's address says, typed: unknown or broken values fall back, they never fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tlm_dash.models import QUALITY_PRESETS

LONGEST_DRAFT = 1_500
"""Characters of a prompt that is not run yet which the address keeps; longer ones are not kept."""


class QueryParams(Protocol):
    """What Streamlit's query parameters offer, as far as pages use it."""

    def get_all(self, key: str) -> list[str]: ...
    def from_dict(self, params: Mapping[str, str | Iterable[str]]) -> None: ...


@dataclass(frozen=True)
class PlaygroundParams:
    """The playground's address. Fields of None are not in it: then the entry, or a default, decides."""

    entry: str | None = None
    models: tuple[str, ...] | None = None
    presets: tuple[str, ...] | None = None
    answered_by: str | None = None
    prompt: str | None = None
    search: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryParams) -> PlaygroundParams:
        """Read the address."""

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        presets = tuple(p for p in query.get_all("preset") if p in QUALITY_PRESETS)
        answered_by = last("answered_by")
        page = last("page")
        return cls(
            entry=last("entry") or None,
            models=tuple(m for m in query.get_all("model") if m.strip()) or None,
            presets=presets or None,
            answered_by=answered_by if answered_by in ("endpoint", "provider") else None,
            prompt=last("prompt") or None,
            search=last("search"),
            page=int(page) if page.isascii() and page.isdigit() and 0 < int(page) < 10**6 else 1,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        values: dict[str, str | list[str]] = {}
        if self.entry:
            values["entry"] = self.entry
        if self.models is not None:
            values["model"] = list(self.models)
        if self.presets is not None:
            values["preset"] = list(self.presets)
        if self.answered_by is not None:
            values["answered_by"] = self.answered_by
        if self.prompt is not None and len(self.prompt) <= LONGEST_DRAFT:
            values["prompt"] = self.prompt
        if self.search:
            values["search"] = self.search
        if self.page > 1:
            values["page"] = str(self.page)
        return values

    def opening(self, entry_id: str) -> PlaygroundParams:
        """Give the address of another entry: it brings its own settings, the history stays as it is."""
        return replace(PlaygroundParams(), entry=entry_id, search=self.search, page=self.page)
