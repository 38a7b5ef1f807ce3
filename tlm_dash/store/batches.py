"""Rows on their way into the store: checked, encoded and typed in the thread that brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pyarrow as pa

from tlm_dash.models import canonical_json
from tlm_dash.store.tables import TABLES, Column, Table
from tlm_dash.store.text import stored_text, stored_time


@dataclass(frozen=True)
class Batch:
    """Rows of one table: the values of its columns in their order, by the values of its key columns."""

    table: Table
    rows: dict[tuple[Any, ...], tuple[Any, ...]]

    def arrow(self) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """Give the rows as an Arrow table in the table's schema."""
        columns = zip(*self.rows.values(), strict=True)
        names = (column.name for column in self.table.columns)
        return pa.table(
            {name: list(values) for name, values in zip(names, columns, strict=True)}, self.table.schema
        )

    def near_bounds(self) -> list[Any]:
        """Give lowest and highest value of the table's `near` column; empty where it has none."""
        if self.table.near is None:
            return []
        position = [column.name for column in self.table.columns].index(self.table.near)
        values = [row[position] for row in self.rows.values()]
        return [min(values), max(values)]


def batches_of(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Batch]:
    """Make the batches of one append. Raises ValueError for a row that the table cannot hold (a bug)."""
    return [_batch(TABLES[name], rows) for name, rows in tables.items() if rows]


def merged(batches: Sequence[Batch]) -> list[Batch]:
    """Join batches of the same table; of rows with the same key, the first one stays."""
    by_table: dict[str, Batch] = {}
    for batch in batches:
        rows = by_table.setdefault(batch.table.name, Batch(batch.table, {})).rows
        for key, row in batch.rows.items():
            rows.setdefault(key, row)
    return list(by_table.values())


def _batch(table: Table, rows: Sequence[Mapping[str, Any]]) -> Batch:
    names = [column.name for column in table.columns]
    key_positions = [names.index(name) for name in table.key]
    batch = Batch(table, {})
    for row in rows:
        if unknown := row.keys() - set(names):
            raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
        values = tuple(_stored(table, column, row.get(column.name)) for column in table.columns)
        batch.rows.setdefault(tuple(values[position] for position in key_positions), values)
    return batch


def _stored(table: Table, column: Column, value: Any) -> Any:  # noqa: ANN401 - a value of any column kind
    if value is None:
        if not column.nullable:
            raise ValueError(f"{table.name}.{column.name} needs a value")
        return None
    if column.kind == "json" and not isinstance(value, str):
        value = canonical_json(value)
    if column.kind in ("text", "json"):
        return stored_text(value)
    if column.kind == "time":
        return stored_time(value)
    if column.kind == "double" and not isfinite(value):
        raise ValueError(f"{table.name}.{column.name} must be a finite number or None, not {value}")
    return value
