"""A file into the tables, in one transaction: all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import new_id, utc_now
from tlm_dash.store.batches import batches_of
from tlm_dash.store.database import Store
from tlm_dash.store.failures import full_failure
from tlm_dash.store.import_plan import Hygiene, ImportedRun, ImportPlan, RejectedRow
from tlm_dash.store.reading import DiskTable, TableReader, read_table
from tlm_dash.store.staging import MOST_RUNS, STAGED_COLUMNS, Staged, Staging, run_name, run_rows
from tlm_dash.store.tables import TABLES, Table
from tlm_dash.store.text import stored_text, stored_time

_BATCH_BYTES = 48 << 20
_MOST_BATCH_ROWS = 65_536
_SAMPLE_ROWS = 50
_SPARE_BYTES = 64 << 20
_UNSTORABLE = "[\\x00\ufdd0]"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What `dataset_import` keeps about the file itself."""

    file_name: str
    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    content_hash: str
    size_bytes: int
    mapping: Mapping[str, Any]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended: rows in are items and rejects together. `hygiene` holds counts by name."""

    dataset_id: str
    n_rows_in: int
    n_items: int
    n_rejected: int
    first_rejects: tuple[RejectedRow, ...]
    hygiene: Mapping[str, int]
    runs: tuple[ImportedRun, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What an import would give, without doing it. `staging` holds counts, runs and rejects."""

    n_rows_in: int
    n_items: int
    rejects: tuple[RejectedRow, ...]
    hygiene: Hygiene


def first_rows(table: DiskTable, plan: ImportPlan, temp_dir: Path, *, n_rows: int) -> list[dict[str, Any]]:
    """Give the first items as they would be stored: prompt, messages, reference, and their responses."""
    cells, names = read_table(table, temp_dir, lambda reader: (reader.head(n_rows), reader.names))
    columns = {name: [row[number] for row in cells] for number, name in enumerate(names)}
    staged = Staging(plan).stage(range(1, len(cells) + 1), columns)
    items = [dict(zip(STAGED_COLUMNS["item"], row, strict=True)) for row in staged.item]
    responses: dict[int, list[dict[str, Any]]] = {}
    given = {row[0]: row[3] for row in staged.completion}
    for row in staged.run_item:
        result = dict(zip(STAGED_COLUMNS["run_item"], row, strict=True))
        responses.setdefault(result["item_no"], []).append(
            {
                "response": given.get(result["completion_id"]),
                "trustworthiness_score": result["trustworthiness_score"],
                "unscored_reason": result["unscored_reason"],
            }
        )
    return [{**item, "responses": responses.get(item["item_no"], [])} for item in items]


def check(table: DiskTable, plan: ImportPlan, rejects: Sequence[RejectedRow], temp_dir: Path) -> Checked:
    """Read a whole file as an import would, and store nothing."""

    def work(reader: TableReader) -> Checked:
        staging = Staging(plan)
        for _ in _staged_batches(reader, staging):
            pass
        found = _all_rejects(reader, staging, rejects)
        return Checked(staging.n_items + len(found), staging.n_items, tuple(found), staging.hygiene)

    return read_table(table, temp_dir, work)


def import_table(
    store: Store,
    table: DiskTable,
    plan: ImportPlan,
    facts: FileFacts,
    name: str,
    rejects: Sequence[RejectedRow],
    temp_dir: Path,
) -> Imported:
    """Make a dataset of a file, with a run for every column of responses.

    `rejects` are rows that were found unusable before. Raises InvalidInputError where no row can be used or
    the file cannot be read to its end, StoreFullError where there is no room; then nothing is stored.
    """
    if (
        store.path is not None
        and shutil.disk_usage(store.path.parent).free < _SPARE_BYTES + 2 * facts.size_bytes
    ):
        raise full_failure(store.path)

    def work(reader: TableReader) -> Imported:
        return store.transact(lambda cursor: _import(cursor, reader, plan, facts, name, rejects))

    return read_table(table, temp_dir, work)


def _import(
    cursor: Any,  # noqa: ANN401
    reader: TableReader,
    plan: ImportPlan,
    facts: FileFacts,
    name: str,
    earlier: Sequence[RejectedRow],
) -> Imported:
    dataset_id, now = new_id(), utc_now()
    staging = Staging(plan)
    for staged in _staged_batches(reader, staging):
        _insert_staged(cursor, staged, dataset_id, now)
    rejects = _all_rejects(reader, staging, earlier)
    if not staging.n_items:
        reason = f" The first reason: {rejects[0].reason}" if rejects else ""
        raise InvalidInputError(
            f"No row of {facts.file_name} can be used.{reason}", hint="Check which column holds the prompts."
        )
    hygiene = staging.hygiene.as_dict()
    n_rows_in = staging.n_items + len(rejects)
    several = len(plan.responses) > 1
    runs = tuple(
        ImportedRun(r.run_id, run_name(r, name, several=several), r.response.column, r.n_items, r.n_scored)
        for r in staging.runs.values()
    )
    rows: dict[str, list[dict[str, Any]]] = {
        "run": run_rows(staging.runs, dataset_id, name, now),
        "imported_run": [
            {
                "run_id": r.run_id, "dataset_id": dataset_id, "response_column": r.response.column,
                "score_column": r.response.score, "label_column": r.response.label, "n_items": r.n_items,
            }
            for r in staging.runs.values()
        ],
        "dataset_reject": [
            {"dataset_id": dataset_id, "row_no": r.row_no, "reason": r.reason, "content": r.content}
            for r in rejects
        ],
        "dataset_import": [_facts_row(facts, dataset_id, n_rows_in, len(rejects), hygiene, now)],
        "dataset": [{"dataset_id": dataset_id, "name": name, "kind": "uploaded", "created_at": now}],
    }  # fmt: skip
    for table_name, some in rows.items():
        if some:
            insert_rows(cursor, TABLES[table_name], some)
    first = tuple(rejects[:100])
    return Imported(dataset_id, n_rows_in, staging.n_items, len(rejects), first, hygiene, runs)


def _facts_row(
    facts: FileFacts,
    dataset_id: str,
    n_rows_in: int,
    n_rejected: int,
    hygiene: Mapping[str, int],
    now: datetime,
) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id, "file_name": facts.file_name, "format": facts.format,
        "encoding": facts.encoding, "delimiter": facts.delimiter, "sheet": facts.sheet,
        "content_hash": facts.content_hash, "size_bytes": facts.size_bytes, "n_rows_in": n_rows_in,
        "n_items": n_rows_in - n_rejected, "n_rejected": n_rejected, "mapping": facts.mapping,
        "hygiene": hygiene, "warnings": list(facts.warnings), "created_at": now,
    }  # fmt: skip


def _staged_batches(reader: TableReader, staging: Staging) -> Iterator[Staged]:
    names = staging.plan.columns()
    n_before = 0
    for batch in reader.batches(names, n_rows=_batch_rows(reader)):
        if not batch.num_rows:
            continue
        cells = [column.to_pylist() for column in batch.columns]
        row_nos = range(n_before + 1, n_before + batch.num_rows + 1)
        if len(cells) > len(names):
            row_nos, *cells = cells
        n_before += batch.num_rows
        staged = staging.stage(row_nos, dict(zip(names, cells, strict=True)))
        if len(staging.runs) > MOST_RUNS:
            raise InvalidInputError(
                f"The columns for model, preset and scorer hold more than {MOST_RUNS} different values.",
                hint="Check that they are the right columns, or leave them out.",
            )
        yield staged


def _batch_rows(reader: TableReader) -> int:
    """Choose how many rows to take at once, so that a batch of long texts stays small."""
    sample = reader.head(_SAMPLE_ROWS)
    size = sum(len(cell) for row in sample for cell in row if cell) // max(1, len(sample)) + 1
    return max(64, min(_MOST_BATCH_ROWS, _BATCH_BYTES // size))


def _all_rejects(reader: TableReader, staging: Staging, earlier: Sequence[RejectedRow]) -> list[RejectedRow]:
    """Join what was rejected in laying out, in reading and in mapping, by the number of the row."""
    unread = [RejectedRow(line.row_no, line.reason, line.content) for line in reader.rejects()]
    missing = sorted(row.row_no for row in unread)
    mapped = []
    for row in staging.rejects:
        number = row.row_no
        for line in missing:  # rows that could not be read were not counted on the way
            if line > number:
                break
            number += 1
        mapped.append(RejectedRow(number, row.reason, row.content))
    return sorted([*earlier, *unread, *mapped], key=lambda row: row.row_no)


def _insert_staged(cursor: Any, staged: Staged, dataset_id: str, now: datetime) -> None:  # noqa: ANN401
    same: dict[str, Any] = {
        "dataset_id": dataset_id, "created_at": stored_time(now), "written_at": stored_time(now),
        "attempt_no": 1, "answered_by": "given", "extra": "{}",
    }  # fmt: skip
    for name, columns in STAGED_COLUMNS.items():
        rows: list[tuple[Any, ...]] = getattr(staged, name)
        if rows:
            table = TABLES[name]
            values = dict(zip(columns, zip(*rows, strict=True), strict=True))
            insert_arrow(cursor, table, arrow_of(table, values), {
                column.name: same[column.name]
                for column in table.columns
                if column.name in same and column.name not in values
            })  # fmt: skip


def arrow_of(table: Table, values: Mapping[str, Sequence[Any]]) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Make an Arrow table of some columns; rare characters are written as text.py says."""
    fields = [part for part in table.schema if part.name in values]
    arrays = [_storable(pa.array(values[part.name], part.type)) for part in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def insert_arrow(cursor: Any, table: Table, arrow: Any, same: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Append an Arrow table, with columns that have the `same` value in every row."""
    constants = "".join(f", ? AS {name}" for name in same)
    cursor.register("fresh_rows", arrow)
    cursor.execute(
        f"INSERT INTO {table.name} BY NAME SELECT fresh_rows.*{constants} FROM fresh_rows",  # noqa: S608 - known names
        list(same.values()),
    ).fetchall()
    cursor.unregister("fresh_rows")


def insert_rows(cursor: Any, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401
    """Append rows that are known not to be there."""
    (batch,) = batches_of({table.name: rows})
    insert_arrow(cursor, table, batch.arrow(), {})


def _storable(array: Any) -> Any:  # noqa: ANN401
    if array.type != pa.string() or not pc.any(pc.match_substring_regex(array, _UNSTORABLE)).as_py():
        return array
    return pa.array([None if text is None else stored_text(text) for text in array.to_pylist()], pa.string())
