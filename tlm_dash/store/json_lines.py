"""Arrow batches as JSON, an object for each row, written by an engine of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb


def json_lines(batches: Iterable[Any], json_columns: Sequence[str]) -> Iterator[Any]:
    """Give an Arrow column of JSON texts for each batch; the text of `json_columns` becomes part of it."""
    nested = ", ".join(f"CAST({name} AS JSON) AS {name}" for name in json_columns)
    sql = f"SELECT CAST(to_json(part) AS VARCHAR) FROM (SELECT * REPLACE ({nested}) FROM fresh) AS part"  # noqa: S608 - our own names
    with duckdb.connect(":memory:") as engine:
        for batch in batches:
            engine.register("fresh", batch)
            yield from engine.sql(sql).to_arrow_table().column(0).chunks
            engine.unregister("fresh")
