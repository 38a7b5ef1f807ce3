"""The one open database of this process: a cursor per use, and opening again after a fatal failure.

DuckDB shares nothing with a second process and, after a fatal failure such as a full disk, answers no query
until every cursor is closed and the file is opened again. Here are both rules; nothing else holds a cursor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from tlm_dash.errors import StoreClosedError, StoreError
from tlm_dash.store.failures import is_lost, using_failure
from tlm_dash.store.opening import MOST_MEMORY_BYTES, opened

Result = TypeVar("Result")

# Of the same work: the first failure may be another thread's doing, the second a coincidence.
_TRIES = 3
# How long work under way may go on when the database is to be closed, before it is interrupted.
_PATIENCE_S = 3.0


class Connection:
    """Opens the database at once. Raises the StoreError kinds of `opened`."""

    def __init__(self, path: Path | None, temp_dir: Path, most_memory_bytes: int = MOST_MEMORY_BYTES) -> None:
        self.path = path
        self._temp_dir, self._most_memory_bytes = temp_dir, most_memory_bytes
        self._state = threading.Condition()
        self._active: dict[int, Any] = {}
        self._generation = 0
        self._draining = False
        self._closed = False
        self._connection: Any = self._opened()

    def use(self, work: Callable[[Any], Result]) -> Result:
        """Give `work` a cursor of its own, and again after the database had to be opened anew.

        `work` must fetch its results to the end, and be repeatable where it writes. Raises StoreClosedError,
        or the StoreError kind that tells what failed; a faulty statement raises DuckDB's own error.
        """
        for tries_left in reversed(range(_TRIES)):
            cursor, generation = self._lease()
            try:
                return work(cursor)
            except duckdb.Error as error:
                failure = error
            finally:
                self._give_back(cursor)
            if self._closed and isinstance(failure, duckdb.InterruptException):
                raise _closed_failure() from failure
            told = using_failure(failure, self.path)
            if not is_lost(failure):
                raise (told or failure) from failure
            self._reopen(generation)
            if told and not tries_left:
                raise told from failure
        raise AssertionError("every failure that repeats has been raised")

    def close(self) -> None:
        """Wait for what is under way, write everything into the file, close it. Safe to call twice."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            self._drain()
            if self._connection is not None:
                # Without room for it, what was committed stays in the write-ahead log and is safe there.
                with suppress(duckdb.Error):
                    self._connection.execute("CHECKPOINT").fetchall()
                self._drop()

    def _lease(self) -> tuple[Any, int]:
        with self._state:
            self._state.wait_for(lambda: self._closed or not self._draining)
            if self._closed:
                raise _closed_failure()
            if self._connection is None:
                self._connection = self._opened()
            try:
                cursor = self._connection.cursor()
            except duckdb.Error as error:
                raise (using_failure(error, self.path) or error) from error
            self._active[id(cursor)] = cursor
            return cursor, self._generation

    def _give_back(self, cursor: Any) -> None:  # noqa: ANN401 - duckdb ships no types that fit
        with self._state:
            del self._active[id(cursor)]
            with suppress(duckdb.Error):
                cursor.close()
            self._state.notify_all()

    def _reopen(self, generation: int) -> None:
        """Open the file again, unless another thread has done it since `generation`."""
        with self._state:
            self._state.wait_for(lambda: self._closed or not self._draining)
            if self._closed:
                raise _closed_failure()
            if self._generation != generation:
                return
            if self.path is None:
                raise StoreError(
                    "The database in memory is lost.", hint="Restart, with a file to keep what is stored."
                )
            self._generation += 1
            self._drain()
            if self._closed:  # while this waited
                raise _closed_failure()
            self._drop()
            self._connection = self._opened()

    def _drain(self) -> None:
        """Wait until no cursor is in use, interrupting what takes too long; new ones wait meanwhile."""
        self._draining = True
        try:
            if not self._state.wait_for(lambda: not self._active, _PATIENCE_S):
                for cursor in self._active.values():
                    cursor.interrupt()
                self._state.wait_for(lambda: not self._active)
        finally:
            self._draining = False
            self._state.notify_all()

    def _opened(self) -> Any:  # noqa: ANN401 - duckdb ships no types that fit
        return opened(self.path, self._temp_dir, self._most_memory_bytes)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(duckdb.Error):
                connection.close()


def _closed_failure() -> StoreClosedError:
    return StoreClosedError("The database is closed.", hint="Try again when the dashboard is running.")
