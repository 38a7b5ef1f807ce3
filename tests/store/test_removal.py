"""Deleting a dataset leaves no row of it in any table, and every row of another one."""

from __future__ import annotations

from typing import Any

from tlm_dash.models import utc_now
from tlm_dash.store import Store
from tlm_dash.store.removal import remove_dataset
from tlm_dash.store.tables import TABLES, Table

# What a deletion leaves: notes of it, figures without texts, and what belongs to no dataset.
KEPT = {"dataset_deletion", "decision", "price", "person", "person_counted"}
VALUES: dict[str, Any] = {
    "text": "x", "json": "{}", "integer": 1, "bigint": 1, "double": 0.5, "boolean": False
}  # fmt: skip


def row_of(table: Table, owner: str) -> dict[str, Any]:
    """Make a row with every column filled, and every id told to belong to its owner."""
    row: dict[str, Any] = {}
    for column in table.columns:
        is_id = column.name.endswith("_id")
        value = utc_now() if column.kind == "time" else VALUES[column.kind]
        row[column.name] = f"{column.name} of {owner}" if is_id else value
    return row


def test_every_table_is_cleared_of_a_dataset_and_of_nothing_else(store: Store) -> None:
    for owner in ("gone", "kept"):
        store.append({name: [row_of(table, owner)] for name, table in TABLES.items()}).result(30)
    for name in TABLES:
        assert store.read(f"SELECT count(*) FROM {name}") == [(2,)], name  # noqa: S608 - our own names
    store.transact(lambda cursor: remove_dataset(cursor, "dataset_id of gone"))
    for name, table in TABLES.items():
        rows = store.read_rows(f"SELECT * FROM {name}")  # noqa: S608 - our own names
        assert len(rows) == (2 if name in KEPT else 1), name
        if name not in KEPT:
            (row,) = rows
            assert not [column for column in table.columns if "of gone" in str(row[column.name])], name
