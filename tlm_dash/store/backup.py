"""A copy of the whole database while it is in use."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from tlm_dash.errors import InvalidInputError, StoreError, StoreFullError
from tlm_dash.models import new_id
from tlm_dash.store.connection import Connection
from tlm_dash.store.failures import is_out_of_space
from tlm_dash.store.opening import STORAGE_VERSION, wal_path

_HINT = "Free some space or choose another folder. Nothing was left behind."


def back_up(connection: Connection, destination: Path) -> None:
    """Copy everything to `destination`, which must not exist. A copy that fails leaves nothing behind.

    The engine copies, never the operating system: closing any other handle of a file gives up the lock
    that this process has on it.
    """
    if destination.exists():
        raise InvalidInputError(f"The file {destination} exists already.", hint="Choose another name.")
    partial = destination.with_name(f"{destination.name}.{new_id()[:8]}.partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        connection.use(lambda cursor: _copy(cursor, partial))
        partial.rename(destination)
    except OSError as error:
        raise StoreError(
            f"The backup {destination} cannot be written ({error.strerror}).", hint=_HINT
        ) from None
    finally:
        for left_over in (partial, wal_path(partial)):
            with suppress(OSError):
                left_over.unlink(missing_ok=True)


def _copy(cursor: Any, target: Path) -> None:  # noqa: ANN401 - duckdb ships no types that fit
    alias = f"backup_{new_id()}"
    ((source,),) = cursor.execute("SELECT current_database()").fetchall()
    # These statements take no parameters.
    target_text, source_name = _quoted(str(target), mark="'"), _quoted(source, mark='"')
    attach = f"ATTACH {target_text} AS {alias} (STORAGE_VERSION '{STORAGE_VERSION}')"
    copy = f"COPY FROM DATABASE {source_name} TO {alias}"
    try:
        cursor.execute(attach).fetchall()
        try:
            cursor.execute(copy).fetchall()
        finally:
            cursor.execute(f"DETACH {alias}").fetchall()
    except duckdb.Error as error:
        # It is the copy that ran out of room, not our own database, which would otherwise be opened anew.
        if is_out_of_space(error):
            raise StoreFullError(f"No room is left for a backup in {target.parent}.", hint=_HINT) from error
        if isinstance(error, duckdb.IOException):
            raise StoreError(f"The backup in {target.parent} cannot be written.", hint=_HINT) from error
        raise


def _quoted(text: str, *, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark
