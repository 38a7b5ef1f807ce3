"""A backup is whole, opens by itself, and never costs anything that exists."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.store.conftest import OpenStore
from tests.store.rows import item_row, write
from tlm_dash.errors import InvalidInputError, StoreClosedError, StoreError
from tlm_dash.store import Store
from tlm_dash.store.migrations import known_migrations


def test_a_backup_is_a_database(tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store()
    write(store, item=[item_row(number, "x\x00\ud83d") for number in range(100)])
    store.backup(tmp_path / "backups" / "today.duckdb")
    assert [file.name for file in (tmp_path / "backups").iterdir()] == ["today.duckdb"]
    write(store, item=item_row(100))
    copy = open_store("backups/today.duckdb")
    assert copy.read("SELECT count(*), any_value(prompt) FROM item") == [(100, "x\x00\ud83d")]
    assert copy.read("SELECT * FROM schema_migration") == store.read("SELECT * FROM schema_migration")
    comments = (
        "SELECT table_name, column_name, comment FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = ?"
    )
    names = [one.read("SELECT current_database()")[0][0] for one in (store, copy)]
    assert sorted(store.read(comments, names[:1])) == sorted(copy.read(comments, names[1:]))


def test_quotes_in_names(tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store('it\'s "mine".duckdb')
    store.backup(tmp_path / "it's 'theirs'.duckdb")
    applied = open_store("it's 'theirs'.duckdb").read("SELECT count(*) FROM schema_migration")
    assert applied == [(len(known_migrations()),)]


def test_a_backup_while_rows_come_in(tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store()
    done = threading.Event()

    def append() -> None:
        number = 0
        while not done.is_set():
            write(store, item=[item_row(number), item_row(number + 1)])
            number += 2

    thread = threading.Thread(target=append)
    thread.start()
    for number in range(3):
        store.backup(tmp_path / f"{number}.duckdb")
    done.set()
    thread.join()
    counts = [open_store(f"{number}.duckdb").read("SELECT count(*) FROM item")[0][0] for number in range(3)]
    assert counts == sorted(counts)
    assert not [count for count in counts if count % 2]


def test_nothing_is_overwritten(tmp_path: Path, store: Store) -> None:
    (tmp_path / "there.duckdb").write_text("mine")
    with pytest.raises(InvalidInputError, match="exists already") as caught:
        store.backup(tmp_path / "there.duckdb")
    assert caught.value.hint
    assert (tmp_path / "there.duckdb").read_text() == "mine"
    assert store.path is not None
    with pytest.raises(InvalidInputError):
        store.backup(store.path)


def test_where_nothing_can_be_written(tmp_path: Path, store: Store) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        store.backup(tmp_path / "file" / "a.duckdb")
    assert caught.value.hint
    write(store, item=item_row(1))
    assert store.read("SELECT count(*) FROM item") == [(1,)]
    assert store._connection._generation == 0


def test_a_closed_store_has_no_backup(tmp_path: Path, store: Store) -> None:
    store.close()
    with pytest.raises(StoreClosedError):
        store.backup(tmp_path / "a.duckdb")
    assert not (tmp_path / "a.duckdb").exists()
