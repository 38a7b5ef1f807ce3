"""A file into the tables, in one transaction: all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import new_id, utc_now
from tlm_dash.store.ahead import ahead
from tlm_dash.store.database import Store
from tlm_dash.store.failures import full_failure
from tlm_dash.store.hygiene import Hygiene
from tlm_dash.store.import_plan import AnyPlan, ImportedRun, RejectedRow
from tlm_dash.store.insertion import insert_arrow, insert_new_rows, insert_rows, texts_as_they_are
from tlm_dash.store.reading import DiskTable, TableReader, read_table
from tlm_dash.store.restoring import Restoring, staging_of
from tlm_dash.store.staging import Staged, Staging
from tlm_dash.store.tables import TABLES
from tlm_dash.store.text import stored_time

_MOST_BATCH_ROWS = 32_768
_BATCH_BYTES = 24 << 20
# What is written at once: a whole row group of the database, which goes to disk while it is inserted. The
# last write must be larger: after a smaller one, it and the row group before go there when all has been done.
_ROW_GROUP_ROWS = 122_880
_LEAST_WAITING = 2 * _ROW_GROUP_ROWS + 1
_WRITE_BYTES = 384 << 20
# Batches made while a write is under way: about as many as a write takes.
_MOST_AHEAD = 8
# Their long texts are most of the work of an import where they are compressed.
_TEXT_TABLES = ("item", "completion")
_SAMPLE_ROWS = 50
_SPARE_BYTES = 64 << 20


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
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What an import would give, without doing it. `staging` holds counts, runs and rejects."""

    n_rows_in: int
    n_items: int
    rejects: tuple[RejectedRow, ...]
    hygiene: Hygiene
    notes: tuple[str, ...]


def first_rows(table: DiskTable, plan: AnyPlan, temp_dir: Path, *, n_rows: int) -> list[dict[str, Any]]:
    """Give the first items as they would be stored: prompt, messages, reference, and their responses."""

    def work(reader: TableReader) -> list[dict[str, Any]]:
        batches = reader.batches(plan.columns(), n_rows=n_rows, limit=n_rows, verbatim=plan.verbatim)
        staging = staging_of(plan)
        return [row for batch in batches if batch.num_rows for row in _shown(staging.stage(batch))]

    return read_table(table, temp_dir, work)


def _shown(staged: Staged) -> list[dict[str, Any]]:
    texts = {
        row["completion_id"]: row["response"] for part in staged.get("completion", []) for row in _rows(part)
    }
    responses: dict[int, list[dict[str, Any]]] = {}
    for part in staged.get("run_item", []):
        for row in _rows(part):
            told = {name: row[name] for name in ("trustworthiness_score", "unscored_reason")}
            responses.setdefault(row["item_no"], []).append(
                {"response": texts.get(row["completion_id"]), **told}
            )
    return [{**row, "responses": responses.get(row["item_no"], [])} for row in _rows(staged["item"][0])]


def _rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.table(dict(columns)).to_pylist()
    return rows


def check(table: DiskTable, plan: AnyPlan, rejects: Sequence[RejectedRow], temp_dir: Path) -> Checked:
    """Read a whole file as an import would, and store nothing."""

    def work(reader: TableReader) -> Checked:
        staging = staging_of(plan)
        for _ in _staged_batches(reader, staging):
            pass
        found = _all_rejects(reader, staging, rejects)
        return Checked(
            staging.n_rows + len(found), staging.n_items, tuple(found), staging.hygiene, staging.notes()
        )

    return read_table(table, temp_dir, work)


def import_table(
    store: Store,
    table: DiskTable,
    plan: AnyPlan,
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
    plan: AnyPlan,
    facts: FileFacts,
    name: str,
    earlier: Sequence[RejectedRow],
) -> Imported:
    dataset_id, now = new_id(), utc_now()
    staging = staging_of(plan)
    with ahead(_staged_batches(reader, staging), most=_MOST_AHEAD) as batches:
        waiting = _Waiting(cursor, dataset_id, now, staging.storable)
        for staged in batches:
            waiting.add(staged)
        waiting.write()
    rejects = _all_rejects(reader, staging, earlier)
    if not staging.n_items:
        reason = f" The first reason: {rejects[0].reason}" if rejects else ""
        raise InvalidInputError(
            f"No row of {facts.file_name} can be used.{reason}", hint="Check which column holds the prompts."
        )
    hygiene, n_items = staging.hygiene.as_dict(), staging.n_items
    n_rows_in = staging.n_rows + len(rejects)
    facts = replace(facts, warnings=(*facts.warnings, *staging.notes()))
    rows = staging.closing_rows(dataset_id, name, now) | {
        "dataset_reject": [
            {"dataset_id": dataset_id, "row_no": r.row_no, "reason": r.reason, "content": r.content}
            for r in rejects
        ],
        "dataset_import": [_facts_row(facts, dataset_id, (n_rows_in, n_items, len(rejects)), hygiene, now)],
        "dataset": [{"dataset_id": dataset_id, "name": name, "kind": "uploaded", "created_at": now}],
    }
    for table_name, some in rows.items():
        if some:
            # A person may have said something before.
            insert = insert_new_rows if table_name == "person" else insert_rows
            insert(cursor, TABLES[table_name], some)
    first, told = tuple(rejects[:100]), staging.told_runs(name)
    return Imported(dataset_id, n_rows_in, n_items, len(rejects), first, hygiene, told, staging.notes())


def _facts_row(
    facts: FileFacts,
    dataset_id: str,
    counts: tuple[int, int, int],
    hygiene: Mapping[str, int],
    now: datetime,
) -> dict[str, Any]:
    n_rows_in, n_items, n_rejected = counts
    return {
        "dataset_id": dataset_id, "file_name": facts.file_name, "format": facts.format,
        "encoding": facts.encoding, "delimiter": facts.delimiter, "sheet": facts.sheet,
        "content_hash": facts.content_hash, "size_bytes": facts.size_bytes, "n_rows_in": n_rows_in,
        "n_items": n_items, "n_rejected": n_rejected, "mapping": facts.mapping,
        "hygiene": hygiene, "warnings": list(facts.warnings), "created_at": now,
    }  # fmt: skip


def _staged_batches(reader: TableReader, staging: Staging | Restoring) -> Iterator[Staged]:
    plan = staging.plan
    batches = reader.batches(plan.columns(), n_rows=_batch_rows(reader), verbatim=plan.verbatim)
    for batch in batches:
        if batch.num_rows:
            yield staging.stage(batch)


def _batch_rows(reader: TableReader) -> int:
    """Choose how many rows to take at once, so that a batch of long texts stays small."""
    sample = reader.head(_SAMPLE_ROWS)
    size = sum(len(cell) for row in sample for cell in row if cell) // max(1, len(sample)) + 1
    return max(64, min(_MOST_BATCH_ROWS, _BATCH_BYTES // size))


def _all_rejects(
    reader: TableReader, staging: Staging | Restoring, earlier: Sequence[RejectedRow]
) -> list[RejectedRow]:
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


class _Waiting:
    """Staged rows on their way into the tables, written when there are enough of them."""

    def __init__(
        self,
        cursor: Any,  # noqa: ANN401
        dataset_id: str,
        now: datetime,
        storable: Callable[[Any], Any],
    ) -> None:
        self._cursor = cursor
        self._storable = storable
        self._same: dict[str, Any] = {
            "dataset_id": dataset_id, "created_at": stored_time(now), "written_at": stored_time(now),
            "attempt_no": 1, "answered_by": "given", "extra": "{}",
        }  # fmt: skip
        self._waiting: dict[str, Any] = {}

    def add(self, staged: Staged) -> None:
        """Take the rows of one batch, and write the tables that have enough of them."""
        while staged:  # emptied on the way, so that what is written is not kept
            name, parts = staged.popitem()
            fresh = [
                pa.table({column: self._storable(values) for column, values in part.items()})
                for part in parts
            ]
            del parts
            waiting = pa.concat_tables(
                [*([self._waiting.pop(name)] if name in self._waiting else []), *fresh]
            )
            del fresh
            while waiting.num_rows >= _LEAST_WAITING or waiting.nbytes >= _WRITE_BYTES:
                self._write(name, waiting.slice(0, _ROW_GROUP_ROWS))
                waiting = waiting.slice(_ROW_GROUP_ROWS)
            if waiting.num_rows:
                self._waiting[name] = waiting

    def write(self) -> None:
        """Write what waits still."""
        while self._waiting:
            self._write(*self._waiting.popitem())

    def _write(self, name: str, rows: Any) -> None:  # noqa: ANN401
        same = {
            column.name: self._same[column.name]
            for column in TABLES[name].columns
            if column.name in self._same and column.name not in rows.column_names
        }
        groups = rows.combine_chunks().to_batches(max_chunksize=_ROW_GROUP_ROWS)
        del rows
        with texts_as_they_are(self._cursor) if name in _TEXT_TABLES else nullcontext():
            insert_arrow(self._cursor, TABLES[name], pa.Table.from_batches(groups), same)
