"""What the address of the datasets page says, typed: broken values fall back, they never fail."""

from __future__ import annotations

from dataclasses import dataclass

from tlm_dash.ui.params import QueryParams


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

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        page = last("page")
        return cls(
            dataset=last("dataset") or None,
            upload=last("upload") or None,
            search=last("search"),
            page=int(page) if page.isascii() and page.isdigit() and 0 < int(page) < 10**6 else 1,
        )

    def to_dict(self) -> dict[str, str]:
        """Write the address; defaults are left out."""
        values = {"dataset": self.dataset, "upload": self.upload, "search": self.search}
        written = {name: value for name, value in values.items() if value}
        return written | ({"page": str(self.page)} if self.page > 1 else {})
