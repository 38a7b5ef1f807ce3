"""Backups: a copy of the whole database while it is in use, and where such copies are kept."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.models import utc_now
from tlm_dash.services.place import Place
from tlm_dash.store.facts import storage_facts

FOLDER = "backups"
ROOM_FACTOR = 1.1
"""So many times the size of the database must be free: a copy may be larger than what it was made of."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is there: its file, its size in bytes, and when it was made."""

    path: Path
    size_bytes: int
    made_at: datetime

    def facts(self) -> Mapping[str, Any]:
        """Give the facts under the names that scripts rely on."""
        return {
            "output": str(self.path), "size_bytes": self.size_bytes, "made_at": self.made_at.isoformat()
        }  # fmt: skip


def back_up(place: Place, destination: Path) -> Backup:
    """Copy the whole database, as it is at this moment, to a new file that is a database of its own.

    Raises InvalidInputError where the file exists, StoreFullError where it would not fit, StoreError where it
    cannot be written; nothing is left behind then.
    """
    destination = destination.expanduser().absolute()
    if destination.exists():
        raise InvalidInputError(
            f"{destination} exists already, and is not overwritten.", hint="Choose another name."
        )
    _check_room(place, destination)
    place.store.backup(destination)
    return _backup(destination)


def back_up_here(place: Place) -> Backup:
    """Make a backup in the data folder, named by database and time. Raises as `back_up` does."""
    path = place.store.path
    stem = "tlm_dash" if path is None else path.stem
    # To the millisecond: two presses of a button are two backups.
    made = f"{utc_now():%Y-%m-%d-%H%M%S-%f}"[:-3]
    return back_up(place, folder(place) / f"{stem}-{made}.duckdb")


def latest(place: Place) -> Backup | None:
    """Give the newest backup in the data folder; None where there is none."""
    found = [_backup(file) for file in folder(place).glob("*.duckdb")]
    return max(found, key=lambda backup: backup.made_at, default=None)


def folder(place: Place) -> Path:
    """Give where backups are made that name no place of their own."""
    return place.settings.data_dir.absolute() / FOLDER


def _check_room(place: Place, destination: Path) -> None:
    """Refuse what would fill a disk: where it is that of the database, nothing could be stored any more."""
    there = next(parent for parent in destination.parents if parent.exists())
    stored = storage_facts(place.store)
    needed, free = ROOM_FACTOR * (stored.size_bytes + stored.wal_bytes), shutil.disk_usage(there).free
    if free < needed:
        raise StoreFullError(
            f"A backup takes about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free in {there}.",
            hint="Free some space or choose another folder. Nothing was left behind.",
        )


def _backup(path: Path) -> Backup:
    found = path.stat()
    return Backup(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
