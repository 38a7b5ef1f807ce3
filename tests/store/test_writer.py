"""Appending: all or nothing, once only, in order, and every failure told to the one it belongs to."""

from __future__ import annotations

import asyncio
import shutil
import threading
from concurrent.futures import Future, wait
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import OpenStore
from tests.store.rows import completion_row, dataset_row, item_row, run_item_row, write
from tlm_dash.errors import StoreClosedError, StoreError, StoreFullError
from tlm_dash.models import new_id
from tlm_dash.store import Store
from tlm_dash.store import writer as writer_module


def count(store: Store, table: str) -> int:
    return int(store.read(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a name in a test


def test_what_is_left_out_is_null(store: Store) -> None:
    write(store, run_item=run_item_row("r", 1))
    assert store.read("SELECT completion_id, trustworthiness_score, error_kind FROM run_item") == [
        (None,) * 3
    ]


def test_rows_of_several_tables_come_together(store: Store) -> None:
    write(store, dataset=dataset_row(dataset_id="d"), item=[item_row(1, "a", "d"), item_row(2, "b", "d")])
    assert store.read("SELECT item_no, prompt FROM item JOIN dataset USING (dataset_id) ORDER BY 1") == [
        (1, "a"),
        (2, "b"),
    ]


def test_nothing_to_write_is_done_at_once(store: Store) -> None:
    store.append({}).result(30)
    store.append({"item": []}).result(30)


@pytest.mark.parametrize("table", ["dataset", "item", "completion", "run_item"])
def test_repeating_a_call_adds_nothing(open_store: OpenStore, table: str) -> None:
    rows = {
        "dataset": dataset_row(),
        "item": item_row(1),
        "completion": completion_row(1),
        "run_item": run_item_row("r", 1),
    }
    store = open_store()
    write(store, **{table: [rows[table], rows[table]]})
    write(store, **{table: rows[table]})
    wait([store.append({table: [rows[table]]}) for _ in range(20)])
    store.close()
    store = open_store()
    write(store, **{table: rows[table]})
    assert count(store, table) == 1


def test_of_rows_with_one_key_the_first_stays(store: Store) -> None:
    write(store, item=[item_row(1, "first"), item_row(1, "second")])
    write(store, item=[item_row(1, "third"), item_row(2, "other")])
    assert store.read("SELECT item_no, prompt FROM item ORDER BY 1") == [(1, "first"), (2, "other")]


@settings(deadline=None)
@given(calls=st.lists(st.lists(st.integers(1, 12), max_size=6), min_size=1, max_size=12))
def test_any_mixture_of_repetitions_keeps_each_row_once(shared_store: Store, calls: list[list[int]]) -> None:
    dataset_id = new_id()
    futures = [
        shared_store.append({"item": [item_row(number, f"{index}", dataset_id) for number in numbers]})
        for index, numbers in enumerate(calls)
    ]
    wait(futures)
    first: dict[int, str] = {}
    for index, numbers in enumerate(calls):
        for number in numbers:
            first.setdefault(number, f"{index}")
    held = shared_store.read("SELECT item_no, prompt FROM item WHERE dataset_id = ?", [dataset_id])
    assert sorted(held) == sorted(first.items())


def test_waiting_calls_share_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    holding, go_on = threading.Event(), threading.Event()
    insert = writer_module._insert

    def counted(cursor: Any, inserts: Any, **how: Any) -> None:  # noqa: ANN401
        holding.set()
        assert go_on.wait(30)
        commits.append(sum(len(batch.rows) for batch, _ in inserts))
        insert(cursor, inserts, **how)

    monkeypatch.setattr(writer_module, "_insert", counted)
    futures = [store.append({"item": [item_row(0)]})]
    assert holding.wait(30)
    futures += [store.append({"item": [item_row(number)]}) for number in range(1, 40)]
    go_on.set()
    assert not wait(futures, 30).not_done
    assert commits == [1, 39]


@pytest.mark.parametrize(
    ("tables", "error"),
    [
        ({"no_such_table": [{}]}, KeyError),
        ({"item": [item_row(1, colour="red")]}, ValueError),
        ({"item": [item_row(1) | {"prompt": None}]}, ValueError),
        ({"item": [{"dataset_id": "d"}]}, ValueError),
        ({"run_item": [run_item_row("r", 1, trustworthiness_score=float("nan"))]}, ValueError),
        ({"run_item": [run_item_row("r", 1, trustworthiness_score=float("inf"))]}, ValueError),
        ({"item": [item_row(1, prompt=5)]}, TypeError),  # type: ignore[arg-type]
    ],
)
def test_rows_that_do_not_fit_are_refused_at_the_door(
    store: Store, tables: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.append(tables)
    assert count(store, "item") == count(store, "run_item") == 0


def test_a_faulty_call_fails_alone_and_leaves_nothing(store: Store) -> None:
    """Found only when it is written: it must take neither its neighbours nor half of itself along."""
    for _ in range(5):
        faulty = {"dataset": [dataset_row()], "item": [item_row(2**70)]}
        futures: list[Future[None]] = []
        for number in range(10):
            futures.append(store.append({"item": [item_row(number)]}))
            futures.append(store.append(faulty))
        wait(futures, 30)
        assert [type(f.exception()) for f in futures[1::2]] == [OverflowError] * 10
        assert not [f for f in futures[::2] if f.exception()]
    assert (count(store, "item"), count(store, "dataset")) == (10, 0)


def test_a_caller_that_stops_waiting_does_not_stop_the_write(store: Store) -> None:
    async def give_up() -> None:
        for number in range(20):
            asyncio.wrap_future(store.append({"item": [item_row(number)]})).cancel()
        await asyncio.wrap_future(store.append({"item": [item_row(20)]}))

    asyncio.run(give_up())
    assert count(store, "item") == 21


def test_closing_writes_what_is_queued(open_store: OpenStore) -> None:
    store = open_store()
    futures = [store.append({"item": [item_row(number)]}) for number in range(200)]
    store.close()
    assert all(future.done() and not future.exception() for future in futures)
    assert count(open_store(), "item") == 200


def test_closed_is_closed(store: Store) -> None:
    write(store, item=item_row(0))
    threads = set(threading.enumerate())
    store.close()
    store.close()
    with pytest.raises(StoreClosedError):
        store.read("SELECT 1")
    with pytest.raises(StoreClosedError):
        store.append({"item": [item_row(1)]})
    assert len(threads - set(threading.enumerate())) == 1


def test_too_little_room_is_told_before_writing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, item=item_row(1))
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(StoreFullError, match="No room is left") as caught:
        store.append({"item": [item_row(2)]}).result(30)
    assert caught.value.hint
    assert count(store, "item") == 1
    monkeypatch.undo()
    write(store, item=item_row(2))
    assert count(store, "item") == 2


def test_a_folder_that_is_gone_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    with pytest.raises(StoreError, match="cannot be reached"):
        store.append({"item": [item_row(2)]}).result(30)


@pytest.mark.parametrize("is_fresh", [False, True], ids=["known or not", "fresh"])
@pytest.mark.parametrize("durable", [True, False], ids=["after the commit", "before the commit"])
def test_a_fatal_failure_is_survived(
    store: Store, monkeypatch: pytest.MonkeyPatch, durable: bool, is_fresh: bool
) -> None:
    """The engine must be opened anew; whether the rows were committed is unknown, and they come once."""
    write(store, item=item_row(1))
    insert = writer_module._insert
    failures = [duckdb.FatalException("FATAL Error: database has been invalidated")]

    def failing(cursor: Any, inserts: Any, **how: Any) -> None:  # noqa: ANN401
        if durable or not failures:
            insert(cursor, inserts, **how)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(writer_module, "_insert", failing)
    generation = store._connection._generation
    store.append({"item": [item_row(2)]}, is_fresh=is_fresh).result(30)
    assert store._connection._generation == generation + 1
    assert store.read("SELECT item_no FROM item ORDER BY 1") == [(1,), (2,)]


def test_a_lasting_fatal_failure_is_told_and_reading_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, item=item_row(1))

    def failing(_cursor: object, _inserts: object, **_how: object) -> None:
        raise duckdb.FatalException("FATAL Error: something inside")

    monkeypatch.setattr(writer_module, "_insert", failing)
    with pytest.raises(StoreError, match="internal failure") as caught:
        store.append({"item": [item_row(2)]}).result(30)
    assert caught.value.hint
    assert count(store, "item") == 1
    monkeypatch.undo()
    write(store, item=item_row(2))
    assert count(store, "item") == 2


def test_large_columns_keep_their_types(store: Store) -> None:
    """A group where every value of a column is NULL has the column's type all the same."""
    write(store, completion=[completion_row(number, model=None) for number in range(300)])
    assert store.read("SELECT typeof(any_value(input_tokens)), count(*) FROM completion") == [("BIGINT", 300)]
