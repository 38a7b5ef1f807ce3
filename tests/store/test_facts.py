"""The facts that the settings page shows are those of the file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.store.rows import completion_row, item_row, write
from tlm_dash.store import Store
from tlm_dash.store.facts import storage_facts
from tlm_dash.store.migrations import known_migrations
from tlm_dash.store.tables import TABLES


def test_facts_of_a_file(store: Store) -> None:
    write(store, item=[item_row(1), item_row(2)], completion=completion_row(1))
    facts = storage_facts(store)
    assert store.path is not None
    assert facts.path == store.path
    assert facts.size_bytes == store.path.stat().st_size > 0
    assert facts.wal_bytes > 0
    assert facts.free_disk_bytes > 0
    assert facts.schema_version == len(known_migrations())
    assert facts.engine_version == duckdb.__version__
    assert set(facts.row_counts) == set(TABLES)
    assert {name: n for name, n in facts.row_counts.items() if n} == {"item": 2, "completion": 1}


def test_facts_in_memory(tmp_path: Path) -> None:
    store = Store.open("duckdb:///:memory:", temp_dir=tmp_path)
    facts = storage_facts(store)
    assert (facts.path, facts.size_bytes, facts.wal_bytes) == (None, 0, 0)
    assert facts.free_disk_bytes > 0
    store.close()


def test_files_stay_readable_for_the_engine_before(store: Store) -> None:
    ((tags,),) = store.read("SELECT tags FROM duckdb_databases() WHERE database_name = current_database()")
    assert tags["storage_version"].startswith("v1.5")
