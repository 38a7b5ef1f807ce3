"""Tables of files, read from disk by an engine of their own: nothing of it touches the database.

A separate engine in memory has its own limits, so that a large import neither slows nor fails what the
dashboard reads meanwhile, and its own list of rejected lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.models import REQUEST_OBJECTS
from tlm_dash.store.derived import Derived, with_derived
from tlm_dash.store.failures import is_out_of_space

Result = TypeVar("Result")

_MEMORY_LIMIT, _USUAL_MEMORY_LIMIT = "1GiB", "256MiB"
_USUAL_LINE_BYTES = 16 << 20
"""Text whose lines are no longer is read with little memory; Parquet needs room for its row groups."""

# DuckDB would take sixteen times the longest row.
_BUFFER_BYTES = 32 << 20
_MAX_DEPTH = 6
_SAMPLED_CELLS = 2_000
_NESTED = ("STRUCT", "MAP", "UNION")
_REASONS = {
    "TOO MANY COLUMNS": "The row has more cells than the header.",
    "MISSING COLUMNS": "The row has fewer cells than the header.",
    "INVALID ENCODING": "The row holds characters that are not valid in this encoding.",
}
# After these it cannot be told where the next row begins.
_COSTLY = ("UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM")


@dataclass(frozen=True, slots=True)
class DiskTable:
    """A table on disk. `layout`: "delimited" text in UTF-8, "parquet" (its own columns; `names` empty), or
    "spool": Parquet parts with the columns row_no, c0, c1 … of text, called `names`.

    `keeps_empty`: in delimited text, an empty cell in quotation marks is an empty text, one without is NULL.
    `derived`: columns that are made of others.
    """

    layout: Literal["delimited", "parquet", "spool"]
    paths: tuple[Path, ...]
    names: tuple[str, ...] = ()
    delimiter: str | None = None
    has_header: bool = True
    longest_line_bytes: int = 0
    keeps_empty: bool = False
    derived: tuple[Derived, ...] = ()


class UntidyTable(Exception):
    """Delimited text that has to be read record by record: line ends differ, or a quotation mark is open."""


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row that the engine could not read. `row_no` counts from 1 without the header."""

    row_no: int
    reason: str
    content: str


class TableReader:
    """One open table. Not to be shared by threads. Raises InvalidInputError where it cannot be read."""

    def __init__(self, table: DiskTable, temp_dir: Path) -> None:
        self._table = table
        temp_dir.mkdir(parents=True, exist_ok=True)
        self._engine: Any = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": _USUAL_MEMORY_LIMIT if _is_usual(table) else _MEMORY_LIMIT,
                "temp_directory": str(temp_dir),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._engine.execute("SET enable_progress_bar = false").fetchall()
        try:
            self._columns = self._found_columns()
        except BaseException:
            self._engine.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns, in order, as a person knows them; parts of structs with dots."""
        return tuple(self._columns)

    def head(self, n_rows: int) -> list[tuple[str | None, ...]]:
        """Give the first rows that can be read, each cell as text."""
        if not self._columns:
            return []
        expressions = ", ".join(self._columns.values())
        return self._run(
            f"SELECT {expressions} FROM {self._source(rejects=False)} LIMIT {int(n_rows)}"  # noqa: S608 - quoted
        )

    def batches(
        self, names: Sequence[str], *, n_rows: int, limit: int | None = None, verbatim: Collection[str] = ()
    ) -> Iterator[Any]:
        """Give all rows in order as Arrow batches: row_no, then the columns called `names`, all text.

        `verbatim` columns are as the file has them, whatever is derived of them. row_no counts what could be
        read where the table has no numbers of its own. What could not be read is
        in `rejects` afterwards.
        """
        spooled = self._table.layout == "spool"
        made = {
            name: part
            for part in self._table.derived
            for name in part.names
            if not (name in verbatim and name == part.source)
        }
        sources = tuple(
            dict.fromkeys(s for name in names for s in (made[name].sources if name in made else (name,)))
        )
        wanted = ["row_no"] if spooled else []
        wanted += [f"{self._columns[name]} AS c{number}" for number, name in enumerate(sources)]
        sql = f"SELECT {', '.join(wanted)} FROM {self._source(rejects=limit is None)}"  # noqa: S608 - quoted
        if limit is not None:
            sql += f" LIMIT {limit:d}"
        n_before = 0
        try:
            for batch in self._engine.sql(sql).to_arrow_reader(n_rows):
                if not spooled:
                    numbers = pa.array(np.arange(n_before + 1, n_before + batch.num_rows + 1))
                    batch = batch.add_column(0, "row_no", numbers)
                n_before += batch.num_rows
                yield with_derived(batch, names, sources, made) if made.keys() & set(names) else batch
        except duckdb.Error as error:
            raise self._failure(error) from error

    def any_last_turn(self, name: str, roles: Sequence[str]) -> bool:
        """Tell whether one of the lists of turns in a column ends with a turn of one of `roles`."""
        cell = self._columns[name]
        wanted = ", ".join(_literal(role) for role in roles)
        said = ", ".join(f"TRY(json_extract_string({cell}, '$[#-1].{key}'))" for key in ("role", "from"))
        sql = (
            f"SELECT 1 FROM {self._source(rejects=False)} "  # noqa: S608 - quoted
            f"WHERE coalesce({said}) IN ({wanted}) LIMIT 1"
        )
        return bool(self._run(sql))

    def score_cells(self, name: str) -> list[str]:
        """Give a sample of the filled cells of a whole column, the same one each time."""
        cell = self._columns[name]
        rows = self._run(
            f"SELECT CAST({cell} AS VARCHAR) FROM {self._source(rejects=False)} "  # noqa: S608 - quoted
            f"WHERE trim({cell}) <> '' USING SAMPLE {_SAMPLED_CELLS} ROWS (reservoir, 1)"
        )
        return [text for (text,) in rows]

    def rejects(self) -> list[RejectedLine]:
        """Give the rows that the last `batches` could not read, in order.

        Raises UntidyTable where one of them may have cost the rows after it.
        """
        if self._table.layout != "delimited":
            return []
        rows = self._run(
            "SELECT line, min(error_type::VARCHAR), min(csv_line), min(error_message) FROM reject_errors "
            "WHERE scan_id = (SELECT max(scan_id) FROM reject_scans) GROUP BY line ORDER BY line"
        )
        if any(kind in _COSTLY for _, kind, *_ in rows):
            raise UntidyTable
        header = 1 if self._table.has_header else 0
        return [
            RejectedLine(line - header, _REASONS.get(kind, str(message)), (content or "")[:4000])
            for line, kind, content, message in rows
        ]

    def _source(self, *, rejects: bool) -> str:
        paths = "[" + ", ".join(_literal(str(path)) for path in self._table.paths) + "]"
        if self._table.layout == "parquet":
            return f"read_parquet({paths})"
        if self._table.layout == "spool":
            return f"read_parquet({paths}, union_by_name = true)"
        columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(self._table.names)))
        longest = self._table.longest_line_bytes or _BUFFER_BYTES
        return (
            f"read_csv({paths}, columns = {{{columns}}}, auto_detect = false, "
            f"header = {self._table.has_header}, delim = {_literal(self._table.delimiter or ',')}, "
            "quote = '\"', escape = '\"', "
            f"max_line_size = {longest}, buffer_size = {max(_BUFFER_BYTES, longest)}, "
            f"strict_mode = true, allow_quoted_nulls = {not self._table.keeps_empty}, "
            + ("store_rejects = true, rejects_limit = 0)" if rejects else "ignore_errors = true)")
        )

    def _found_columns(self) -> dict[str, str]:
        """Give an expression for each column, that makes text of it."""
        if self._table.layout != "parquet":
            return {name: f"c{number}" for number, name in enumerate(self._table.names)}
        found: dict[str, str] = {}
        for name, kind, *_ in self._run(f"DESCRIBE SELECT * FROM {self._source(rejects=False)}"):  # noqa: S608 - quoted
            found |= _flat_columns(name, _name(name), kind, 1, self)
        return found

    def struct_parts(self, expression: str) -> list[tuple[str, str]]:
        """Name the parts of a struct and their types."""
        rows = self._run(f"DESCRIBE SELECT unnest({expression}) FROM {self._source(rejects=False)}")  # noqa: S608 - quoted
        return [(row[0], row[1]) for row in rows]

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            rows: list[tuple[Any, ...]] = self._engine.execute(sql).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from error
        return rows

    def _failure(self, error: duckdb.Error) -> Exception:
        name = self._table.paths[0].name
        if self._table.layout == "delimited" and "strict_mode=false" in str(error):
            return UntidyTable()
        if is_out_of_space(error):
            return StoreFullError(
                "No room is left to read the file.", hint="Free some space, then try again."
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return InvalidInputError(
                f"{name} has rows that are too large to read, or too many columns.",
                hint="Leave out columns that are not needed, or split the longest cells.",
            )
        told = str(error).splitlines()[0].partition(": ")[2][:200]
        return InvalidInputError(
            f"{name} cannot be read: {told}", hint="Check the format, or save the file again."
        )


def read_table(table: DiskTable, temp_dir: Path, work: Callable[[TableReader], Result]) -> Result:
    """Run `work` on a table. Raises UntidyTable where it would not see all rows that are there."""
    with TableReader(table, temp_dir) as reader:
        return work(reader)


def _flat_columns(name: str, expression: str, kind: str, depth: int, reader: TableReader) -> dict[str, str]:
    is_struct = kind.startswith("STRUCT") and not kind.endswith("]") and depth < _MAX_DEPTH
    parts = reader.struct_parts(expression) if is_struct else []
    is_whole = name.rpartition(".")[2] in REQUEST_OBJECTS or {"role", "content"} <= {
        part for part, _ in parts
    }
    if parts and not is_whole:
        found: dict[str, str] = {}
        for part, part_kind in parts:
            inner = f"struct_extract({expression}, {_literal(part)})"
            found |= _flat_columns(f"{name}.{part}", inner, part_kind, depth + 1, reader)
        return found
    if kind == "VARCHAR":
        return {name: expression}
    if kind.endswith("]") or kind.startswith(_NESTED):
        return {name: f"CAST(to_json({expression}) AS VARCHAR)"}
    return {name: f"CAST({expression} AS VARCHAR)"}


def _is_usual(table: DiskTable) -> bool:
    return table.layout == "delimited" and table.longest_line_bytes <= _USUAL_LINE_BYTES


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
