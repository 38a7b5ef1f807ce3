"""The ids that a file gave its rows."""

from __future__ import annotations

from tlm_dash.store.database import Store

_SOURCE_IDS = """
SELECT item_no, source_id FROM item_extra WHERE dataset_id = ? AND source_id IS NOT NULL ORDER BY item_no
"""


def source_ids(store: Store, dataset_id: str) -> dict[int, str]:
    """Give the ids of the file by item number; rows without one are left out."""
    return dict(store.read(_SOURCE_IDS, [dataset_id]))
