"""What DuckDB reports, in our words: which error of errors.py it is, and who holds the file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import duckdb

from tlm_dash.errors import (
    StoreBrokenError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreTooNewError,
)

_NO_SPACE = ("no space left", "not enough space", "disk quota exceeded", "file too large", "disk is full")
_DAMAGED = ("Corrupt database", "Could not read enough bytes", "does not match stored checksum")
_INVALIDATED = "database has been invalidated"
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_NEWER = re.compile(
    r"version number (\d+), but we can only read (?:storage )?versions between (\d+) and (\d+)"
)
OTHER_FILE = "set TLM_DASH_DATABASE_URL to another file"
OTHER_FOLDER = "set TLM_DASH_DATA_DIR to a folder elsewhere"
_FREE_SPACE = (
    "Free some space; writing goes on by itself. What was stored before can still be read. For more room, "
    "stop tlm_dash, move the data folder to a larger disk and name it in TLM_DASH_DATA_DIR."
)


def opening_failure(error: duckdb.Error, path: Path | None) -> StoreError:
    """Say why the database could not be opened. The file is as it was."""
    text = str(error)
    if "Could not set lock" in text or "being used by another process" in text:
        return busy_failure(path, lock_holder(text))
    if newer := _NEWER.search(text):
        found, lowest, highest = newer.groups()
        return StoreTooNewError(
            f"The database {path} was written by a newer DuckDB: it has storage version {found}, "
            f"this one reads {lowest} to {highest}.",
            hint=f"Install the current requirements, or {OTHER_FILE}.",
        )
    if is_out_of_space(error):
        return no_room_to_open(path)
    if "Permission denied" in text or "Read-only file system" in text or "Operation not permitted" in text:
        return StoreError(
            f"The database {path} cannot be opened for writing: permission denied.",
            hint=f"Allow this user to write the file and its folder, or {OTHER_FOLDER}, or {OTHER_FILE}.",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return memory_failure()
    return broken_failure(path)


def using_failure(error: duckdb.Error, path: Path | None) -> StoreError | None:
    """Say why a statement failed; None where the statement itself is at fault, which is a bug."""
    if is_out_of_space(error):
        return full_failure(path)
    if isinstance(error, duckdb.OutOfMemoryException):
        return memory_failure()
    text = str(error)
    if any(words in text for words in _DAMAGED) or isinstance(error, duckdb.SerializationException):
        return broken_failure(path)
    if isinstance(error, duckdb.IOException):
        return StoreError(
            f"The database {path} could not be read or written.",
            hint="Check its disk, its folder and the temporary folder, then try again.",
        )
    if is_lost(error):
        return StoreError(
            "The database engine stopped after an internal failure.",
            hint="What was stored is safe. Try again; if it happens again, restart and report it.",
        )
    return None


def is_lost(error: duckdb.Error) -> bool:
    """Tell whether the open database can no longer be used and must be opened again."""
    return (
        isinstance(error, duckdb.FatalException | duckdb.InternalException)
        or _INVALIDATED in str(error)
        or is_out_of_space(error)
    )


def is_out_of_space(error: duckdb.Error) -> bool:
    """Tell whether the disk, a quota or a file size limit stopped it."""
    text = str(error).lower()
    return any(words in text for words in _NO_SPACE)


def busy_failure(path: Path | None, holder: str | None) -> StoreBusyError:
    """Make the error for a file that another process (or another store of this one) holds."""
    return StoreBusyError(
        f"The database {path} is held by {holder or 'another process'}.",
        hint=f"Only one process can open it at a time: stop that process, or {OTHER_FILE}.",
        holder=holder,
    )


def full_failure(path: Path | None) -> StoreFullError:
    """Make the error for a disk without room."""
    return StoreFullError(f"No room is left on the disk of the database {path}.", hint=_FREE_SPACE)


def no_room_to_open(path: Path | None) -> StoreFullError:
    """Make the error for a disk without room for a new database, or for a change of its tables."""
    return StoreFullError(
        f"No room is left on the disk to open the database {path}.",
        hint=f"Free some space, or {OTHER_FOLDER}, or {OTHER_FILE}.",
    )


def memory_failure() -> StoreError:
    """Make the error for a query that needs more memory than it may have."""
    return StoreError(
        "The database needs more memory than it may use.",
        hint="Close other programs, or ask for less at once.",
    )


def broken_failure(path: Path | None) -> StoreBrokenError:
    """Make the error for a file that is no database or is damaged."""
    return StoreBrokenError(
        f"The file {path} is not a database, or it is damaged.",
        hint=f"It was left as it is. Put a backup in its place, move it away to begin anew, or {OTHER_FILE}.",
    )


def lock_holder(text: str) -> str | None:
    """Name the process that DuckDB's message speaks of, as in "python3.11, process 4713"."""
    found = _HOLDER.search(text)
    if not found:
        return None
    return f"{Path(found['program']).name}, process {found['pid']}"


def this_process() -> str:
    """Name this process in the same way."""
    return f"{Path(sys.executable).resolve().name}, process {os.getpid()}"
