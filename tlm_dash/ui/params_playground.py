"""What the playground's address says, typed: unknown or broken values fall back, they never fail."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlm_dash.models import QUALITY_PRESETS
from tlm_dash.ui.params import LONGEST_DRAFT, Address, QueryParams, written


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
        address = Address(query)
        return cls(
            entry=address.text("entry") or None,
            models=address.names("model") or None,
            presets=tuple(preset for preset in address.all("preset") if preset in QUALITY_PRESETS) or None,
            answered_by=address.one_of("answered_by", ("endpoint", "provider"), None),
            prompt=address.text("prompt") or None,
            search=address.text("search"),
            page=address.page(),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        return written({
            "entry": self.entry, "model": self.models, "preset": self.presets,
            "answered_by": self.answered_by,
            "prompt": self.prompt if self.prompt is not None and len(self.prompt) <= LONGEST_DRAFT else None,
            "search": self.search, "page": self.page if self.page > 1 else None,
        })  # fmt: skip

    def opening(self, entry_id: str) -> PlaygroundParams:
        """Give the address of another entry: it brings its own settings, the history stays as it is."""
        return replace(PlaygroundParams(), entry=entry_id, search=self.search, page=self.page)
