"""Opening the database file: fixed configuration, and a plain reason where it cannot be used."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import duckdb

from tlm_dash.errors import StoreBrokenError, StoreError
from tlm_dash.models import new_id
from tlm_dash.store.failures import OTHER_FILE, OTHER_FOLDER, broken_failure, opening_failure

MOST_MEMORY_BYTES = 4 * 1024**3
"""What the database of a dashboard may keep in memory; larger work goes to the temporary folder."""

_HEADER_BYTES = 3 * 4096
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
# Files of this storage version are read by DuckDB 1.5 too: a way back where a 2.x release misbehaves.
STORAGE_VERSION = "v1.5.0"


def wal_path(path: Path) -> Path:
    """Name the write-ahead log that DuckDB keeps beside a database."""
    return path.with_name(path.name + ".wal")


def opened(path: Path | None, temp_dir: Path, most_memory_bytes: int = MOST_MEMORY_BYTES) -> Any:  # noqa: ANN401 - duckdb ships no types that fit
    """Open the database, making it and its folder where they do not exist. Raises StoreError kinds."""
    configuration = _configuration(temp_dir, most_memory_bytes)
    _make_folder(temp_dir, "temporary")
    if path is not None:
        _check_place(path)
    try:
        if path is not None and not path.exists():
            _make_file(path, configuration)
        connection = duckdb.connect(":memory:" if path is None else str(path), config=configuration)
        with ExitStack() as undo:
            undo.callback(connection.close)
            connection.execute("SET enable_progress_bar = false").fetchall()
            if path is not None:
                _check_whole(connection, path)
            undo.pop_all()
    except duckdb.Error as error:
        raise opening_failure(error, path) from error
    return connection


def _configuration(temp_dir: Path, most_memory_bytes: int) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "memory_limit": f"{min(_memory_bytes() // 2, most_memory_bytes) // 1024**2}MiB",
        "threads": os.cpu_count() or 1,
        "temp_directory": str(temp_dir),
        # No surprise downloads in the middle of a query.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if int(duckdb.__version__.partition(".")[0]) >= 2:
        configuration["storage_compatibility_version"] = STORAGE_VERSION
    return configuration


def _memory_bytes() -> int:
    """Tell how much memory this machine has, or its container may use."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not told on this system
        memory = 2 * MOST_MEMORY_BYTES
    with suppress(OSError, ValueError):
        memory = min(memory, int(_CONTAINER_LIMIT.read_text()))
    return memory


def _check_place(path: Path) -> None:
    """Refuse what DuckDB would explain badly, or would answer by deleting a file."""
    try:
        if path.is_dir():
            raise StoreError(
                f"The database {path} is a folder.", hint=f"Name a file inside it, or {OTHER_FILE}."
            )
        exists = path.exists()
        log = wal_path(path)
        orphaned_log = not exists and log.exists() and log.stat().st_size > 0
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be reached ({error.strerror}).", hint=_reach_hint()
        ) from None
    if orphaned_log:
        # DuckDB would make a new database and delete the log, with all that is only in it.
        raise StoreBrokenError(
            f"The database {path} is missing, but its write-ahead log {log.name} is there.",
            hint="Put the database back beside its log, or move the log away to begin anew.",
        )
    if not exists:
        _make_folder(path.parent, "database")


def _make_file(path: Path, configuration: dict[str, Any]) -> None:
    """Put an empty database in place in one step: half of one, left by a crash, could never be opened."""
    fresh = path.with_name(f".{path.name}.{new_id()[:8]}.new")
    try:
        duckdb.connect(str(fresh), config=configuration).close()
        # Unlike a rename, a link never replaces what another process has made meanwhile. Where the disk
        # knows no links or the file is there by now, opening it will do.
        with suppress(OSError):
            path.hardlink_to(fresh)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _make_folder(folder: Path, purpose: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The {purpose} folder {folder} cannot be made ({error.strerror}).", hint=_reach_hint()
        ) from None


def _reach_hint() -> str:
    return f"Check that this user may write there, or {OTHER_FOLDER}, or {OTHER_FILE}."


def _check_whole(connection: Any, path: Path) -> None:  # noqa: ANN401
    """Refuse a file that lost its end: DuckDB would open it and fail at some later query."""
    if wal_path(path).exists():
        return  # Its blocks may be in the log still.
    ((block_bytes, blocks),) = connection.execute(
        # Not all blocks: those that were free at the end may have been cut off.
        "SELECT block_size, used_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchall()
    if path.stat().st_size < _HEADER_BYTES + block_bytes * blocks:
        raise broken_failure(path)
