"""Runs out of the tables as Arrow batches, a bounded piece at a time, all of one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import EXPORT_MARK
from tlm_dash.store.ahead import ahead
from tlm_dash.store.database import Store
from tlm_dash.store.export_query import (
    EXPORT_COLUMNS,
    OF_FIRST_ROW,
    OF_RUN,
    RUNS,
    chunk_rows,
    pick_rows,
)
from tlm_dash.store.labels import run_labels
from tlm_dash.store.row_filters import RowFilter, row_filter_sql
from tlm_dash.store.rows import check_pattern, scope_of
from tlm_dash.store.text import ESCAPE, original_text, stored_parameters

Result = TypeVar("Result")

EVERY_ROW = RowFilter()

_TYPES = {
    "text": pa.string(), "json": pa.string(), "bigint": pa.int64(), "integer": pa.int32(),
    "double": pa.float64(), "boolean": pa.bool_(),
}  # fmt: skip
EXPORT_SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in EXPORT_COLUMNS])
JSON_COLUMNS = tuple(column.name for column in EXPORT_COLUMNS if column.kind == "json")

_PIECE_BYTES = 64 << 20
_PIECE_ROWS = 65_536
_BLOCK_ITEMS = 1024

_SIZES = """
WITH text AS (
    SELECT item_no, 2 * strlen(prompt) AS size FROM item WHERE dataset_id = $dataset_id
    UNION ALL
    SELECT item_no, strlen(response) FROM completion WHERE dataset_id = $dataset_id
),
size AS (SELECT item_no // $block AS block, sum(size) AS n_bytes FROM text GROUP BY block),
row_count AS (SELECT item_no // $block AS block, count(*) AS n_rows FROM export_row GROUP BY block)
SELECT block, n_rows, coalesce(n_bytes, 0) FROM row_count LEFT JOIN size USING (block) ORDER BY block
"""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which rows of which runs, in the order in which the runs of an item follow each other.

    `mark` stands in the last column of every row.
    """

    run_ids: tuple[str, ...]
    wanted: RowFilter = EVERY_ROW
    mark: str = "1"


def export_rows(store: Store, request: ExportRequest, work: Callable[[int, Iterator[Any]], Result]) -> Result:
    """Give `work` the number of rows and then the rows, as Arrow batches in EXPORT_SCHEMA, by item and run.

    `work` may be called again, from the beginning. Raises InvalidInputError for runs of several datasets.
    """
    dataset_id = _dataset_of(store, request.run_ids)
    check_pattern(store, request.wanted)

    def whole(cursor: Any) -> Result:  # noqa: ANN401 - duckdb ships no types that fit
        n_rows = _pick(cursor, store, request)
        with ahead(_batches(cursor, request, dataset_id)) as batches:
            return work(n_rows, batches)

    return store.transact(whole)


def _dataset_of(store: Store, run_ids: Sequence[str]) -> str:
    found = store.read(
        "SELECT DISTINCT dataset_id FROM run WHERE run_id IN (SELECT unnest(?))", [list(run_ids)]
    )
    if len(found) != 1:
        raise InvalidInputError(
            "An export holds runs of one dataset." if found else "There is no run to export.",
            hint="Export the runs of each dataset into a file of their own.",
        )
    return str(found[0][0])


def _pick(cursor: Any, store: Store, request: ExportRequest) -> int:  # noqa: ANN401
    # The cursor may have been here before, where the database was opened anew in between.
    cursor.execute("DROP TABLE IF EXISTS temp.export_row").fetchall()
    for place, run_id in enumerate(request.run_ids):
        scope = scope_of(store, run_id)
        assert scope is not None, "the dataset of every run was found before"
        condition, parameters = row_filter_sql(request.wanted, scope)
        sql = pick_rows(run_labels(store, [run_id]), condition, is_first=place == 0)
        parameters |= {"run_ids": [run_id], "place": place}
        cursor.execute(sql, stored_parameters(parameters)).fetchall()
    ((n_rows,),) = cursor.execute("SELECT count(*) FROM export_row").fetchall()
    return int(n_rows)


def _batches(cursor: Any, request: ExportRequest, dataset_id: str) -> Iterator[Any]:  # noqa: ANN401
    ((annotated,),) = cursor.execute("SELECT EXISTS (FROM annotation)").fetchall()
    sql = chunk_rows(annotated=annotated)
    rows = _Rows(cursor, request)
    sizes = cursor.execute(_SIZES, {"dataset_id": dataset_id, "block": _BLOCK_ITEMS}).fetchall()
    for low, high in _pieces(sizes):
        parameters = {"dataset_id": dataset_id, "low": low, "high": high}
        yield from rows.exported(cursor.sql(sql, params=parameters).to_arrow_table())
    cursor.execute("DROP TABLE export_row").fetchall()


def _pieces(sizes: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Join blocks of items to pieces of bounded size: gives the lowest and highest item number of each."""
    first: int | None = None
    last = rows = size = 0
    for block, n_rows, n_bytes in sizes:
        if first is not None and (rows + n_rows > _PIECE_ROWS or size + n_bytes > _PIECE_BYTES):
            yield first * _BLOCK_ITEMS, last * _BLOCK_ITEMS + _BLOCK_ITEMS - 1
            first, rows, size = None, 0, 0
        first = block if first is None else first
        last, rows, size = block, rows + n_rows, size + n_bytes
    if first is not None:
        yield first * _BLOCK_ITEMS, last * _BLOCK_ITEMS + _BLOCK_ITEMS - 1


class _Rows:
    """Pieces of rows as they are exported: in order, with the columns of their runs."""

    def __init__(self, cursor: Any, request: ExportRequest) -> None:  # noqa: ANN401
        cursor.execute(RUNS, {"run_ids": list(request.run_ids)})
        names = [column[0] for column in cursor.description]
        told = list(zip(*cursor.fetchall(), strict=True))
        self._of_runs = {
            name: _original(pa.array(values, pa.string())) for name, values in zip(names, told, strict=True)
        }
        self._of_runs[EXPORT_MARK] = pa.array([request.mark] * len(request.run_ids))
        self._begun: set[int] = set()

    def exported(self, piece: Any) -> Iterator[Any]:  # noqa: ANN401 - an Arrow table
        """Give the rows of a piece in EXPORT_SCHEMA."""
        piece = _in_order(piece).combine_chunks()
        places = piece.column("place").combine_chunks()
        firsts = self._firsts(places)
        columns = []
        for column in EXPORT_COLUMNS:
            if column.source == OF_RUN:
                values = self._of_runs[column.name].take(places)
            elif column.source == OF_FIRST_ROW:
                values = self._of_runs[column.name].take(firsts)
            else:
                values = piece.column(column.name).combine_chunks().cast(_TYPES[column.kind])
                if column.kind in ("text", "json"):
                    values = _original(values, is_json=column.kind == "json")
            columns.append(values)
        if piece.num_rows:
            yield pa.RecordBatch.from_arrays(columns, schema=EXPORT_SCHEMA)

    def _firsts(self, places: Any) -> Any:  # noqa: ANN401
        """Give the place in the first row of every run, NULL in all others."""
        numbers, rows = np.unique(places.to_numpy(), return_index=True)
        fresh = [
            (row, number) for number, row in zip(numbers, rows, strict=True) if number not in self._begun
        ]
        self._begun |= {int(number) for number in numbers}
        mask = np.ones(len(places), dtype=bool)
        mask[[row for row, _ in fresh]] = False
        return pa.array(places.to_numpy(), mask=mask)


def _in_order(piece: Any) -> Any:  # noqa: ANN401 - an Arrow table
    items, places = piece.column("of_item").to_numpy(), piece.column("place").to_numpy()
    step = np.diff(items)
    if ((step > 0) | ((step == 0) & (np.diff(places) > 0))).all():
        return piece
    return piece.take(pa.array(np.lexsort((places, items))))


def _original(column: Any, *, is_json: bool = False) -> Any:  # noqa: ANN401 - an Arrow column of text
    """Give texts as they were before text.py changed them; those that UTF-8 cannot hold stay changed.

    Inside JSON a zero byte is escaped as JSON wants it.
    """
    data = column.buffers()[2]
    if data is None or data.to_pybytes().find(ESCAPE.encode()) < 0:
        return column
    texts = [None if text is None else _original_or_stored(text) for text in column.to_pylist()]
    if is_json:
        texts = [None if text is None else text.replace("\0", "\\u0000") for text in texts]
    return pa.array(texts, pa.string())


def _original_or_stored(text: str) -> str:
    original = original_text(text)
    is_writable = ESCAPE not in original and not any("\ud800" <= c <= "\udfff" for c in original)
    return original if is_writable else text
