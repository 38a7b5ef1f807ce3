"""Rows that DuckDB cannot read from their own file, laid out as Parquet parts beside it, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.conversations import is_message
from tlm_dash.interchange.prepared import REJECT_CONTENT_CHARACTERS, Reject
from tlm_dash.models import EXPORT_MARK, REQUEST_OBJECTS

_PART_ROWS = 20_000
_PART_CHARACTERS = 32 << 20
MOST_COLUMNS = 2_000
_MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its value, or the problem it has; `content` is what is shown of a rejected one."""

    row_no: int
    value: object = None
    problem: str | None = None
    content: str = ""


@dataclass(frozen=True, slots=True)
class Spooled:
    """The parts, the names of columns c0, c1 … in order, and what was rejected on the way."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    n_rows: int
    rejects: tuple[Reject, ...]
    n_surrogates: int


def spool(rows: Iterable[Row], work_dir: Path) -> Spooled:
    """Write rows as Parquet. Objects inside objects become columns named with dots, lists stay JSON.

    Raises InvalidInputError for more columns than a table may have: then keys are data.
    """
    writer = _Writer(work_dir)
    for row in rows:
        writer.add(row)
    writer.flush()
    return Spooled(
        tuple(writer.paths), tuple(writer.columns), writer.n_rows, tuple(writer.rejects), writer.n_surrogates
    )


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, str | None]]:
    """Give the cells of an object as text: `{"a": {"b": 1}}` has the cell ("a.b", "1").

    A chat message and the objects of a request stay whole.
    """
    for key, part in value.items():
        name = f"{prefix}{key}"
        is_whole = key in REQUEST_OBJECTS or is_message(part)
        if isinstance(part, Mapping) and part and depth < _MAX_DEPTH and not is_whole:
            yield from flat(part, f"{name}.", depth + 1)
        else:
            yield name, cell_text(part)


def cell_text(value: object) -> str | None:
    """Write one value as a cell: text as it is, the rest as JSON writes it, NaN and null None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value != value:
        return None
    return json.dumps(value, ensure_ascii=False, default=str)


class _Writer:
    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self.columns: dict[str, int] = {}
        self.paths: list[Path] = []
        self.rejects: list[Reject] = []
        self.n_rows = 0
        self.n_surrogates = 0
        self._cells: list[dict[str, str | None]] = []
        self._numbers: list[int] = []
        self._characters = 0

    def add(self, row: Row) -> None:
        self.n_rows += 1
        value = {"prompt": row.value} if isinstance(row.value, str) else row.value
        if row.problem is None and not isinstance(value, Mapping):
            row = Row(row.row_no, None, "The row is not an object with named values.", row.content)
        if row.problem is not None or not isinstance(value, Mapping):
            content = _clean(row.content[:REJECT_CONTENT_CHARACTERS])[0] or ""
            self.rejects.append(Reject(row.row_no, row.problem or "", content))
            return
        # What we exported ourselves comes back column by column, with JSON in some of them.
        own = EXPORT_MARK in value
        cells = {key: cell_text(part) for key, part in value.items()} if own else dict(flat(value))
        for name in cells:
            self.columns.setdefault(name, len(self.columns))
        if len(self.columns) > MOST_COLUMNS:
            raise InvalidInputError(
                f"The rows have more than {MOST_COLUMNS} different keys.",
                hint="Keys seem to hold data. Give every row the same keys.",
            )
        self._cells.append(cells)
        self._numbers.append(row.row_no)
        self._characters += sum(len(text) for text in cells.values() if text)
        if len(self._cells) >= _PART_ROWS or self._characters >= _PART_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write the rows so far as one part. The first part is written even where it is empty."""
        if not self._cells and self.paths:
            return
        arrays: dict[str, Any] = {"row_no": pa.array(self._numbers, pa.int64())}
        for name, number in self.columns.items():
            arrays[f"c{number}"] = self._column([cells.get(name) for cells in self._cells])
        path = self._work_dir / f"part-{len(self.paths):05d}.parquet"
        try:
            pq.write_table(pa.table(arrays), path, compression="zstd", compression_level=1)
        except OSError as error:
            raise InvalidInputError(
                f"There is no room to lay out the rows in {self._work_dir} ({error.strerror or error}).",
                hint="Free some space, then try again.",
            ) from None
        self.paths.append(path)
        self._cells, self._numbers, self._characters = [], [], 0

    def _column(self, texts: list[str | None]) -> Any:  # noqa: ANN401 - pyarrow ships no types
        try:
            return pa.array(texts, pa.string())
        except UnicodeEncodeError:
            cleaned = [_clean(text) for text in texts]
            self.n_surrogates += sum(count for _, count in cleaned)
            return pa.array([text for text, _ in cleaned], pa.string())


def _clean(text: str | None) -> tuple[str | None, int]:
    """Replace halves of surrogate pairs, which no encoding of Unicode can hold; tell how many there were."""
    if text is None:
        return None, 0
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clean, clean.count("\ufffd") - text.count("\ufffd")
