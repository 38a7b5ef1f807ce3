"""Files that we write: CSV, JSON Lines and Parquet piece by piece, each exact enough to be read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tlm_dash.interchange.spreadsheet_text import as_cells

ExportFormat = Literal["csv", "jsonl", "parquet", "xlsx"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("csv", "jsonl", "parquet", "xlsx")

MARK, SAFE_MARK = "1", "1 spreadsheet-safe"
"""What the last column says: the version of the layout, and whether cells are marked as text."""

SAFE_ENDING = ".spreadsheet-safe.csv"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds. `n_shortened_cells` were too long for its format."""

    n_rows: int
    n_shortened_cells: int = 0


def write_csv(path: Path, schema: Any, batches: Iterable[Any], *, is_safe: bool) -> Written:  # noqa: ANN401
    """Write a table of cells: text in quotation marks, nothing for NULL, numbers with all their digits.

    `is_safe`: cells that begin like a formula are marked as text, and a mark says UTF-8 to programs that
    would not guess it.
    """
    texts = [number for number, field in enumerate(schema) if field.type == pa.string()]
    n_rows = 0
    with path.open("wb") as file:
        if is_safe:
            file.write(_BYTE_ORDER_MARK)
        with pa_csv.CSVWriter(file, schema) as writer:
            for batch in batches:
                writer.write_batch(_safe(batch, texts) if is_safe else batch)
                n_rows += batch.num_rows
    return Written(n_rows)


def write_parquet(path: Path, schema: Any, batches: Iterable[Any], long_texts: Sequence[str]) -> Written:  # noqa: ANN401
    """Write Parquet. `long_texts` hardly repeat, so that a dictionary of them would only cost time."""
    short = [name for name in schema.names if name not in long_texts]
    n_rows = 0
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=short,
        data_page_size=_PAGE_BYTES, write_statistics=short,
    ) as writer:  # fmt: skip
        for batch in batches:
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return Written(n_rows)


def write_lines(path: Path, lines: Iterable[Any]) -> Written:
    """Write Arrow columns of text, each text a line."""
    n_rows = 0
    with path.open("wb") as file:
        for column in lines:
            ended = pc.binary_join_element_wise(column, "", "\n")
            # The bytes as they are: as Python's objects they would take several times as long.
            file.write(ended.buffers()[2] or b"")
            n_rows += len(column)
    return Written(n_rows)


def _safe(batch: Any, texts: Sequence[int]) -> Any:  # noqa: ANN401 - an Arrow batch
    columns = list(batch.columns)
    for number in texts:
        columns[number] = as_cells(columns[number])
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
