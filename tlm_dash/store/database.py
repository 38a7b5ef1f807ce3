"""The store as the layers above see it: open, read, append, back up, close."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from tlm_dash.errors import StoreFullError
from tlm_dash.store.backup import back_up
from tlm_dash.store.connection import Connection
from tlm_dash.store.failures import busy_failure, no_room_to_open, this_process
from tlm_dash.store.location import database_path
from tlm_dash.store.migration_backup import backup_before_migration
from tlm_dash.store.migrations import migrate
from tlm_dash.store.opening import MOST_MEMORY_BYTES
from tlm_dash.store.text import Parameters, original_value, stored_parameters
from tlm_dash.store.writer import Writer

Result = TypeVar("Result")

_open_paths: set[Path] = set()
_open_paths_lock = threading.Lock()


class Store:
    """One open database. Every method may be called from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writer = Writer(connection)
        self._n_transactions = 0
        self._closing = threading.Lock()
        self._item_numbers: dict[str, int] = {}
        self._item_numbers_lock = threading.Lock()

    @classmethod
    def open(cls, database_url: str, *, temp_dir: Path, most_memory_bytes: int = MOST_MEMORY_BYTES) -> Self:
        """Open the database of a URL, making it where there is none, and bring its tables up to date.

        Before tables that hold something are changed, a backup is made beside the database.
        Raises SettingsError, StoreBusyError (with its holder), StoreTooNewError, StoreBrokenError,
        StoreFullError or StoreError. A file that cannot be used is left as it is.
        """
        path = database_path(database_url)
        with ExitStack() as undo:
            _claim(path)
            undo.callback(_release, path)
            connection = Connection(path, temp_dir, most_memory_bytes)
            undo.callback(connection.close)
            with backup_before_migration(connection):
                try:
                    migrate(connection)
                except StoreFullError as error:
                    raise no_room_to_open(path) from error
            undo.pop_all()
        return cls(connection)

    @property
    def path(self) -> Path | None:
        """The database file; None for a database in memory."""
        return self._connection.path

    def read(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        """Give all rows of a query; texts as they were written, times aware and in UTC.

        `params` is a list for `?` or a mapping for `$name`. Raises StoreClosedError when closed, or the
        StoreError that tells what is wrong with the database.
        """
        return self._read(sql, params)[1]

    def read_rows(self, sql: str, params: Parameters = ()) -> list[dict[str, Any]]:
        """Give all rows of a query by column name."""
        names, rows = self._read(sql, params)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def append(
        self, tables: Mapping[str, Sequence[Mapping[str, Any]]], *, is_fresh: bool = False
    ) -> Future[None]:
        """Queue rows of one or several tables, to be written in one transaction, all or none.

        Columns left out are NULL; a JSON column takes JSON text or the value itself. A row whose key
        columns are in the table already is left out, so that a call of unknown outcome can be repeated;
        `is_fresh` promises that no row is there (the keys were just made), which costs half.
        The future is done when the rows are safe on disk; it fails with StoreFullError or another
        StoreError. Raises StoreClosedError after `close`, ValueError or KeyError for rows that do not fit.
        """
        return self._writer.append(tables, is_fresh=is_fresh)

    def transact(self, work: Callable[[Any], Result]) -> Result:
        """Run `work` with a cursor of its own in one transaction, for what is too large for `append`.

        All of it is kept, or nothing where it raises. It may be run again, from the beginning, after the
        database had to be opened anew. Rows that others append meanwhile are not kept waiting.
        """

        def whole(cursor: Any) -> Result:  # noqa: ANN401 - duckdb ships no types that fit
            cursor.begin()
            try:
                result = work(cursor)
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.rollback()
                raise
            return result

        result = self._connection.use(whole)
        self._n_transactions += 1
        return result

    def version(self, *tables: str) -> tuple[int, ...]:
        """Give a mark that changes when rows of these tables are committed; costs nothing to ask for.

        Ask for it before reading: what is read then is at least as new as the mark.
        """
        return self._n_transactions, *(self._writer.n_commits[table] for table in tables)

    def reserve_item_no(self, dataset_id: str) -> int:
        """Give the next free item number of a dataset, never the same one twice."""
        with self._item_numbers_lock:
            ((highest,),) = self.read(
                "SELECT coalesce(max(item_no), 0) FROM item WHERE dataset_id = ?", [dataset_id]
            )
            number: int = max(highest, self._item_numbers.get(dataset_id, 0)) + 1
            self._item_numbers[dataset_id] = number
            return number

    def backup(self, destination: Path) -> None:
        """Copy the whole database, as it is at this moment, to a new file.

        Raises InvalidInputError where the file exists already, StoreFullError or StoreError where it
        cannot be written; then nothing is left behind.
        """
        back_up(self._connection, destination)

    def close(self) -> None:
        """Write what is queued, then close the file. Safe to call twice."""
        with self._closing:
            self._writer.close()
            self._connection.close()
            _release(self.path)

    def _read(self, sql: str, params: Parameters) -> tuple[list[str], list[tuple[Any, ...]]]:
        parameters = stored_parameters(params)

        def fetch(cursor: Any) -> tuple[list[str], list[tuple[Any, ...]]]:  # noqa: ANN401
            cursor.execute(sql, parameters)
            return [column[0] for column in cursor.description], cursor.fetchall()

        names, rows = self._connection.use(fetch)
        return names, [tuple(original_value(value) for value in row) for row in rows]


def _claim(path: Path | None) -> None:
    """Note that this process has the file. DuckDB itself would share it, with two writers."""
    with _open_paths_lock:
        if path is not None and path in _open_paths:
            raise busy_failure(path, this_process())
        if path is not None:
            _open_paths.add(path)


def _release(path: Path | None) -> None:
    with _open_paths_lock:
        if path is not None:
            _open_paths.discard(path)
