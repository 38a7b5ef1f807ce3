"""What the address of the datasets page says, typed: broken values fall back, they never fail."""

from __future__ import annotations

from dataclasses import dataclass

from tlm_dash.ui.params import Address, QueryParams, written


@dataclass(frozen=True)
class DatasetsParams:
    """One dataset, or one upload that is being looked into, or neither: then the list of them."""

    dataset: str | None = None
    upload: str | None = None
    search: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryParams) -> DatasetsParams:
        """Read the address."""
        address = Address(query)
        return cls(
            dataset=address.text("dataset") or None,
            upload=address.text("upload") or None,
            search=address.text("search"),
            page=address.page(),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        return written({
            "dataset": self.dataset, "upload": self.upload, "search": self.search,
            "page": self.page if self.page > 1 else None,
        })  # fmt: skip
