"""Rows put into a table inside somebody's transaction, most of them known not to be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from tlm_dash.store.batches import batches_of
from tlm_dash.store.tables import Table


def insert_arrow(
    cursor: Any,  # noqa: ANN401
    table: Table,
    fresh_rows: Any,  # noqa: ANN401, ARG001
    same: Mapping[str, Any],
) -> None:
    """Append an Arrow table, with columns that have the `same` value in every row."""
    constants = "".join(f", ? AS {name}" for name in same)
    # DuckDB finds the Arrow table by the name of the variable. One that is registered is kept, with all its
    # memory, until the transaction has ended.
    cursor.execute(
        f"INSERT INTO {table.name} BY NAME SELECT fresh_rows.*{constants} FROM fresh_rows",  # noqa: S608 - known names
        list(same.values()),
    ).fetchall()


@contextmanager
def texts_as_they_are(cursor: Any) -> Iterator[None]:  # noqa: ANN401
    """Have what is written meanwhile without compression of texts; numbers are compressed as always.

    Compressing long texts is most of the work of a large insert, for half of their size. The setting is the
    whole database's: what others write in that time is larger, and otherwise the same.
    """
    cursor.execute("SET disabled_compression_methods = 'dict_fsst'").fetchall()
    try:
        yield
    finally:
        # By a connection of its own: in a transaction that has failed, nothing more can be asked. After a
        # fatal failure there is nothing to set: the database is opened anew.
        with suppress(duckdb.Error), cursor.cursor() as other:
            other.execute("RESET disabled_compression_methods").fetchall()


def insert_rows(cursor: Any, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401
    """Append rows that are known not to be there."""
    (batch,) = batches_of({table.name: rows})
    insert_arrow(cursor, table, batch.arrow(), {})


def insert_new_rows(cursor: Any, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401
    """Append those rows of a small table that are not there yet."""
    (batch,) = batches_of({table.name: rows})
    fresh_rows = batch.arrow()  # noqa: F841 - DuckDB finds it by its name
    cursor.execute(table.insert_sql("fresh_rows"), batch.near_bounds()).fetchall()
