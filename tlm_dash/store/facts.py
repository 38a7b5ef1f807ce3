"""Facts about the database itself, for the settings page and the check command."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tlm_dash.store.database import Store
from tlm_dash.store.opening import wal_path
from tlm_dash.store.tables import TABLES


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """`wal_bytes` wait in the write-ahead log; `path` is None for a database in memory, with sizes of 0."""

    path: Path | None
    size_bytes: int
    wal_bytes: int
    schema_version: int
    engine_version: str
    free_disk_bytes: int
    row_counts: dict[str, int]


def storage_facts(store: Store) -> StorageFacts:
    """Measure the database: sizes in bytes, versions, and rows per table."""
    path = store.path
    ((version,),) = store.read("SELECT max(version) FROM schema_migration")
    return StorageFacts(
        path=path,
        size_bytes=_size(path) if path else 0,
        wal_bytes=_size(wal_path(path)) if path else 0,
        schema_version=version,
        engine_version=duckdb.__version__,
        free_disk_bytes=shutil.disk_usage(path.parent if path else tempfile.gettempdir()).free,
        row_counts={name: store.read(_count_sql(name))[0][0] for name in TABLES},
    )


def _count_sql(table: str) -> str:
    return f"SELECT count(*) FROM {table}"  # noqa: S608 - a name of the fixed list


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
