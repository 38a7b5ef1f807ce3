"""Many readers beside the writer: no errors, no half transactions, also while the database is opened anew."""

from __future__ import annotations

import threading
from collections.abc import Callable

import duckdb
import pytest

from tests.store.conftest import OpenStore
from tests.store.rows import attempt_row, item_row, make_entry, make_runs, run_item_row, write
from tlm_dash.errors import StoreClosedError
from tlm_dash.store import Store
from tlm_dash.store.playground import history

READERS = 8
BOTH = "SELECT (SELECT count(*) FROM run_item), (SELECT count(*) FROM attempt)"


def run_together(*works: Callable[[], None]) -> list[BaseException]:
    """Run each work in a thread of its own; gives what they raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not [thread for thread in threads if thread.is_alive()]
    return failures


def test_readers_see_whole_transactions(store: Store) -> None:
    (run,) = make_runs(store, {})
    make_entry(store, run)
    done = threading.Event()
    seen: list[int] = []

    def append() -> None:
        try:
            for number in range(60):
                write(store, run_item=run_item_row(run, number), attempt=attempt_row(run, number))
        finally:
            done.set()

    def look() -> None:
        before = 0
        while not done.is_set():
            ((results, attempts),) = store.read(BOTH)
            assert results == attempts >= before
            before = results
            assert history(store).total == 1
        seen.append(before)

    assert run_together(append, *[look] * READERS) == []
    assert len(seen) == READERS
    assert store.read(BOTH) == [(60, 60)]


def test_readers_do_not_notice_that_it_is_opened_anew(store: Store) -> None:
    write(store, item=[item_row(number) for number in range(1000)])
    done = threading.Event()
    failing = iter(range(12))

    def lose() -> None:
        def fatal(_cursor: object) -> None:
            if next(failing) % 2 == 0:
                raise duckdb.FatalException("FATAL Error: database has been invalidated")

        try:
            for _ in range(6):
                store._connection.use(fatal)
        finally:
            done.set()

    def look() -> None:
        while not done.is_set():
            assert store.read("SELECT count(*), count(DISTINCT prompt_hash) FROM item") == [(1000, 1)]

    def append() -> None:
        for number in range(1000, 1030):
            write(store, attempt=attempt_row("run", number))

    assert run_together(lose, append, *[look] * READERS) == []
    assert store._connection._generation == 6
    assert store.read("SELECT count(*) FROM attempt") == [(30,)]


def test_many_writers(store: Store) -> None:
    def append(first: int) -> None:
        for number in range(first, first + 50):
            write(store, item=item_row(number), attempt=attempt_row("run", number))

    works = [lambda first=first: append(first) for first in range(0, 400, 50)]  # type: ignore[misc]
    assert run_together(*works) == []
    assert store.read("SELECT count(*), count(DISTINCT item_no) FROM item") == [(400, 400)]
    assert store.read("SELECT count(*), count(DISTINCT attempt_id) FROM attempt") == [(400, 400)]


def test_closing_while_others_use_it(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long query is interrupted, what comes later is refused, and the file is whole."""
    monkeypatch.setattr("tlm_dash.store.connection._PATIENCE_S", 0.05)
    store = open_store()
    write(store, item=item_row(1))
    started = threading.Barrier(3)

    def long_query() -> None:
        started.wait()
        store.read("SELECT count(*) FROM range(100000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3")

    def close() -> None:
        started.wait()
        threading.Event().wait(0.3)
        store.close()

    failures = run_together(long_query, long_query, close)
    assert [type(failure) for failure in failures] == [StoreClosedError] * 2
    assert open_store().read("SELECT count(*) FROM item") == [(1,)]
