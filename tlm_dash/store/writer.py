"""The one thread that writes: calls that wait together share one commit."""

from __future__ import annotations

import shutil
import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from tlm_dash.errors import StoreClosedError, StoreError
from tlm_dash.store.batches import Batch, batches_of, merged
from tlm_dash.store.connection import Connection
from tlm_dash.store.failures import full_failure

# What one commit may hold at most, so that a long queue does not become one huge transaction.
_MAX_ROWS = 50_000
# Room that a commit needs beside its own size: the write-ahead log grows to 16 MiB, and is then copied.
_SPARE_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class _Call:
    batches: Sequence[Batch]
    is_fresh: bool
    done: Future[None] = field(default_factory=Future)

    @property
    def n_rows(self) -> int:
        return sum(len(batch.rows) for batch in self.batches)


class Writer:
    """Appends rows in the order of the calls."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[_Call] = deque()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self.n_commits: Counter[str] = Counter()
        """Commits so far that brought rows to a table, by its name."""

    def append(
        self, tables: Mapping[str, Sequence[Mapping[str, Any]]], *, is_fresh: bool = False
    ) -> Future[None]:
        """Queue rows; the future is done when they are committed, and cannot be cancelled."""
        call = _Call(batches_of(tables), is_fresh)
        # Rows stand for requests that were paid for: a caller that stops waiting does not unwrite them.
        call.done.set_running_or_notify_cancel()
        with self._lock:
            try:
                self._thread.submit(self._commit_waiting)
            except RuntimeError:
                raise StoreClosedError("The database is closed.", hint="Nothing was written.") from None
            self._waiting.append(call)
        return call.done

    def close(self) -> None:
        """Write what is queued and end the thread."""
        with self._lock:
            thread = self._thread
        thread.shutdown(wait=True)

    def _commit_waiting(self) -> None:
        """Commit the calls that wait now; one that was taken along earlier leaves nothing to do."""
        calls: list[_Call] = []
        n_rows = 0
        with self._lock:
            while self._waiting and n_rows < _MAX_ROWS:
                calls.append(self._waiting.popleft())
                n_rows += calls[-1].n_rows
        if calls:
            self._commit_calls(calls)

    def _commit_calls(self, calls: Sequence[_Call]) -> None:
        try:
            batches = merged([batch for call in calls for batch in call.batches])
            self._commit(batches, is_fresh=all(call.is_fresh for call in calls))
        except Exception as error:  # noqa: BLE001 - each failure is the future's to tell
            if len(calls) == 1 or isinstance(error, StoreError):
                for call in calls:
                    call.done.set_exception(error)
            else:
                # One of them is at fault; the others must not fail with it.
                for call in calls:
                    self._commit_calls([call])
        else:
            for call in calls:
                call.done.set_result(None)

    def _commit(self, batches: Sequence[Batch], *, is_fresh: bool) -> None:
        path = self._connection.path
        inserts = [(batch, batch.arrow()) for batch in batches]
        if path is not None and _free_bytes(path) < _SPARE_BYTES + 2 * sum(
            arrow.nbytes for _, arrow in inserts
        ):
            raise full_failure(path)
        tries = count()
        # Done again after the database had to be opened anew, nobody knows what was written before.
        self._connection.use(lambda cursor: _insert(cursor, inserts, is_fresh=is_fresh and not next(tries)))
        self.n_commits.update(batch.table.name for batch in batches)


def _free_bytes(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} of the database cannot be reached ({error.strerror}).",
            hint="Put it back; writing goes on by itself.",
        ) from error


def _insert(cursor: Any, inserts: Sequence[tuple[Batch, Any]], *, is_fresh: bool) -> None:  # noqa: ANN401 - duckdb ships no types that fit
    """Insert all batches in one transaction. Rows that are there already are left out: it can be repeated.

    Fresh rows cannot be there: that saves the search, half of what a small commit costs.
    """
    cursor.begin()
    try:
        # DuckDB finds the Arrow table by the name of the variable: to register it would cost as much again.
        for batch, fresh_rows in inserts:  # noqa: B007
            if is_fresh:
                cursor.execute(f"INSERT INTO {batch.table.name} BY NAME SELECT * FROM fresh_rows").fetchall()  # noqa: S608 - known names
            else:
                cursor.execute(batch.table.insert_sql("fresh_rows"), batch.near_bounds()).fetchall()
        cursor.commit()
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise
