"""The backup that is made before tables are changed: beside the database, by version and time.

Of each database the newest MOST_KEPT of them stay; older ones are removed once a change has gone well.
Nothing else in the folder is touched.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tlm_dash.errors import StoreError, StoreFullError
from tlm_dash.models import utc_now
from tlm_dash.store.backup import back_up
from tlm_dash.store.connection import Connection
from tlm_dash.store.migrations import known_migrations, schema_version
from tlm_dash.store.opening import wal_path

logger = logging.getLogger(__name__)

MOST_KEPT = 3
ROOM_FACTOR = 1.1
"""So many times the size of the database must be free: a copy may be larger than what it was made of."""


@contextmanager
def backup_before_migration(connection: Connection) -> Iterator[Path | None]:
    """Copy the database where its tables are about to be changed, and give the copy; None where they are not.

    A new database, one in memory and one that is up to date have none. Raises StoreFullError or StoreError
    where no backup can be made: then nothing is changed. Where the change fails and leaves the tables as they
    were, the copy goes again.
    """
    path, version, newest = connection.path, schema_version(connection), len(known_migrations())
    if path is None or not 0 < version < newest:
        yield None
        return
    _remove_torn(path)
    made = _made(connection, path, version)
    logger.info("Tables of version %d are brought to %d; a backup was made: %s", version, newest, made)
    try:
        yield made
    except BaseException:
        with suppress(Exception):
            if schema_version(connection) == version:
                made.unlink()
        raise
    for old in _of(path)[:-MOST_KEPT]:
        with suppress(OSError):
            old.unlink()


def _made(connection: Connection, path: Path, version: int) -> Path:
    """Make the copy. A copy that fails leaves nothing behind."""
    made = path.with_name(f"{path.stem}-v{version}-{utc_now():%Y%m%d-%H%M%S-%f}.duckdb")
    try:
        sizes = [file.stat().st_size for file in (path, wal_path(path)) if file.exists()]
        needed, free = ROOM_FACTOR * sum(sizes), shutil.disk_usage(path.parent).free
        if free >= needed:
            back_up(connection, made)
            return made
        why = f"It takes about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free in {path.parent}."
    except StoreFullError as error:
        why = error.message
    except (StoreError, OSError) as error:
        told = error.message if isinstance(error, StoreError) else f"{error.strerror}."
        hint = f"Allow this user to write in {path.parent}, then start again."
        raise StoreError(f"{_left_alone(path)} {told}", hint=hint) from error
    raise StoreFullError(f"{_left_alone(path)} {why}", hint="Free some space there, then start again.")


def _remove_torn(path: Path) -> None:
    """Remove copies that a killed process left half made: they hold room that the next one needs."""
    torn = re.compile(re.escape(path.stem) + r"-v\d+-\d{8}-\d{6}-\d{6}\.duckdb\.[0-9a-f]{8}\.partial(\.wal)?")
    for file in path.parent.iterdir():
        if torn.fullmatch(file.name):
            with suppress(OSError):
                file.unlink()


def _left_alone(path: Path) -> str:
    return f"The database {path} was left as it is: no backup could be made before its tables are changed."


def _of(path: Path) -> list[Path]:
    """Give the copies of this kind, the oldest first."""
    name = re.compile(re.escape(path.stem) + r"-v\d+-(\d{8}-\d{6}-\d{6})\.duckdb")
    found = [(match[1], file) for file in path.parent.iterdir() if (match := name.fullmatch(file.name))]
    return [file for _, file in sorted(found)]
