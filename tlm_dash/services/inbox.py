"""The inbox folder: where files too large for a browser are put, to be read where they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.place import Place


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file that can be read."""

    name: str
    size_bytes: int


def folder(place: Place) -> Path:
    """Give the inbox folder; it need not be there."""
    return place.settings.data_dir / "inbox"


def files(place: Place) -> list[InboxFile]:
    """Give the files directly in the folder, by name. Links and hidden files are not offered."""
    try:
        found = [path for path in folder(place).iterdir() if _is_offered(path)]
        return [InboxFile(path.name, path.stat().st_size) for path in sorted(found)]
    except OSError:
        return []


def resolved(place: Place, name: str) -> Path:
    """Give the path of a file in the folder. Raises InvalidInputError for anything else."""
    path = folder(place) / name
    if path.parent != folder(place) or not _is_offered(path):
        raise InvalidInputError(
            f"There is no file {name!r} in the inbox folder.", hint=f"Put it into {folder(place)}."
        )
    return path


def _is_offered(path: Path) -> bool:
    return not path.name.startswith(".") and not path.is_symlink() and path.is_file()
