"""Large inserts: texts that are not compressed while they are written, and the setting afterwards."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tlm_dash.models import utc_now
from tlm_dash.store import Store
from tlm_dash.store.insertion import insert_rows, texts_as_they_are
from tlm_dash.store.tables import TABLES

METHODS = "SELECT current_setting('disabled_compression_methods')"
KEPT_AS = """
SELECT DISTINCT compression FROM pragma_storage_info('item')
WHERE column_name = 'prompt' AND segment_type = 'VARCHAR'
"""


def items(dataset_id: str) -> list[dict[str, Any]]:
    return [
        {
            "dataset_id": dataset_id, "item_no": number, "prompt": f"Who is number {number}? " * 9,
            "prompt_hash": str(number), "created_at": utc_now(),
        }
        for number in range(5000)
    ]  # fmt: skip


@pytest.mark.parametrize("is_plain", [True, False])
def test_texts_are_written_as_they_are(store: Store, is_plain: bool) -> None:
    def work(cursor: duckdb.DuckDBPyConnection) -> None:
        insert_rows(cursor, TABLES["item"], items("one"))
        cursor.execute("COMMIT; CHECKPOINT; BEGIN").fetchall()

    def plain(cursor: duckdb.DuckDBPyConnection) -> None:
        with texts_as_they_are(cursor):
            work(cursor)

    store.transact(plain if is_plain else work)
    assert ({kept for (kept,) in store.read(KEPT_AS)} == {"Uncompressed"}) is is_plain
    assert store.read(METHODS) == [("",)]
    assert store.read("SELECT count(DISTINCT prompt), count(messages) FROM item") == [(5000, 0)]


@pytest.mark.parametrize("failing", ["SELECT error('no')", "INSERT INTO item BY NAME SELECT 1 AS item_no"])
def test_the_setting_goes_back_after_a_failure(store: Store, failing: str) -> None:
    def work(cursor: duckdb.DuckDBPyConnection) -> None:
        with texts_as_they_are(cursor):
            assert cursor.execute(METHODS).fetchall() == [("DICT_FSST",)]
            cursor.execute(failing).fetchall()

    with pytest.raises(Exception, match=r"no|NOT NULL"):
        store.transact(work)
    assert store.read(METHODS) == [("",)]
