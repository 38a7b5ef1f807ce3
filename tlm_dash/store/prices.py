"""Prices that people entered: appended, the latest of a subject and name counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tlm_dash.models import new_id, utc_now
from tlm_dash.store.database import Store

PriceSubject = Literal["model", "preset"]

COMMIT_TIMEOUT_S = 60.0

_LATEST = """
SELECT subject, name, input_per_million, output_per_million, per_request, is_removed, created_at FROM price
QUALIFY row_number() OVER (PARTITION BY subject, name ORDER BY created_at DESC, price_id DESC) = 1
ORDER BY subject, name
"""


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """The latest that was said of a model's or a preset's price; `is_removed` where it was taken away."""

    subject: PriceSubject
    name: str
    input_per_million: float | None
    output_per_million: float | None
    per_request: float | None
    is_removed: bool
    created_at: datetime


def latest_prices(store: Store) -> list[StoredPrice]:
    """Give the latest row of each subject and name, removed ones too."""
    return [StoredPrice(**row) for row in store.read_rows(_LATEST)]


def add_prices(store: Store, rows: Sequence[dict[str, Any]]) -> None:
    """Write prices (or their removal) in one transaction and wait until they are on disk."""
    now = utc_now()
    full = [{"price_id": new_id(), "is_removed": False, "created_at": now, **row} for row in rows]
    store.append({"price": full}).result(COMMIT_TIMEOUT_S)
