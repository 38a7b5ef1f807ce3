"""What the address says of the label queue, typed: unknown or broken values fall back, they never fail."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace

from tlm_dash.ui.params import Address, QueryParams


@dataclass(frozen=True)
class QueueParams:
    """The queue's part of the address. `item` is the position of a row that a person went back to."""

    plan: str | None = None
    item: int | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> QueueParams:
        """Read the address."""
        address = Address(query)
        return cls(
            plan=address.text("plan") or None,
            item=address.whole("item", least=0),
        )

    def at(self, item: int | None) -> QueueParams:
        """Give the address of one row, or (None) of the next open one."""
        return replace(self, item=item)

    def opening(self, plan: str | None) -> QueueParams:
        """Give the address of a plan, or (None) of the list of plans."""
        return replace(self, plan=plan, item=None)

    def write(self, query: MutableMapping[str, str]) -> None:
        """Put it into the address; all else in there stays."""
        values = {
            "plan": self.plan,
            "item": None if self.item is None else str(self.item),
        }
        for name, value in values.items():
            if value is not None and query.get(name) != value:
                query[name] = value
            elif value is None and name in query:
                del query[name]
