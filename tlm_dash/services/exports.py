"""Runs as files that can be imported again: every column, written piece by piece, complete or not at all."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.interchange.exports import (
    EXPORT_FORMATS,
    MARK,
    SAFE_ENDING,
    SAFE_MARK,
    ExportFormat,
    Written,
    write_csv,
    write_lines,
    write_parquet,
)
from tlm_dash.interchange.workbook_export import write_workbook
from tlm_dash.models import new_id, text_hash
from tlm_dash.services.place import Place
from tlm_dash.services.private_files import put_in_place
from tlm_dash.settings import Settings
from tlm_dash.store.exporting import EVERY_ROW, EXPORT_SCHEMA, JSON_COLUMNS, ExportRequest, export_rows
from tlm_dash.store.json_lines import json_lines
from tlm_dash.store.row_filters import RowFilter

__all__ = [
    "EVERY_ROW",
    "EXPORT_FORMATS",
    "Download",
    "ExportFormat",
    "ExportResult",
    "RowFilter",
    "download",
    "download_path",
    "export",
    "format_of",
    "prepared_download",
    "sweep_downloads",
]

# Texts of which hardly two are equal.
_LONG_TEXTS = ("prompt", "messages", "response", "explanation", "prompt_hash", "response_hash")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TOKEN = re.compile("[0-9a-f]{32}")
_MOST_DOWNLOADS = 8
_NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A file that was written; the names of `runs export --json`."""

    output: Path
    format: ExportFormat
    n_rows: int
    n_shortened_cells: int
    is_spreadsheet_safe: bool


@dataclass(frozen=True, slots=True)
class Download:
    """A file that waits to be downloaded under `url`, which is relative to the dashboard's address."""

    url: str
    name: str
    size_bytes: int
    n_rows: int
    n_shortened_cells: int


def format_of(output: Path) -> ExportFormat:
    """Tell the format of a file to be written by its ending. Raises InvalidInputError for another one."""
    for known in EXPORT_FORMATS:
        if output.suffix.lower() == f".{known}":
            return known
    raise InvalidInputError(
        f"The ending of {output.name!r} names no format that can be written.",
        hint=f"Endings: {', '.join('.' + known for known in EXPORT_FORMATS)}.",
    )


def export(
    place: Place,
    run_ids: Sequence[str],
    output: Path,
    *,
    wanted: RowFilter = EVERY_ROW,
    is_spreadsheet_safe: bool = False,
) -> ExportResult:
    """Write rows of runs of one dataset into a file; its ending says the format, an earlier file is replaced.

    `is_spreadsheet_safe` is for CSV: cells that begin like a formula are marked as text, and the name of the
    file says so. Raises InvalidInputError, StoreFullError where there is no room, StoreError; then no file
    is left, and an earlier one is as it was.
    """
    known = format_of(output)
    if is_spreadsheet_safe and known != "csv":
        raise InvalidInputError(
            "Safe for spreadsheets is an option of CSV.",
            hint="A workbook is safe as it is; Parquet and JSON Lines are not read by spreadsheet programs.",
        )
    if is_spreadsheet_safe and not output.name.endswith(SAFE_ENDING):
        output = output.with_name(output.name[: -len(".csv")] + SAFE_ENDING)
    request = ExportRequest(tuple(run_ids), wanted, SAFE_MARK if is_spreadsheet_safe else MARK)
    partial = output.with_name(f".{output.name[:_NAME_CHARACTERS]}.{new_id()}.partial")
    try:
        written = export_rows(place.store, request, _writing(known, partial, is_safe=is_spreadsheet_safe))
        put_in_place(partial, output)
    except OSError as error:
        raise _unwritable(output, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return ExportResult(output, known, written.n_rows, written.n_shortened_cells, is_spreadsheet_safe)


def _writing(known: ExportFormat, path: Path, *, is_safe: bool) -> Callable[[int, Iterator[Any]], Written]:
    def write(n_rows: int, batches: Iterator[Any]) -> Written:
        if known == "csv":
            return write_csv(path, EXPORT_SCHEMA, batches, is_safe=is_safe)
        if known == "jsonl":
            return write_lines(path, json_lines(batches, JSON_COLUMNS))
        if known == "parquet":
            return write_parquet(path, EXPORT_SCHEMA, batches, _LONG_TEXTS)
        return write_workbook(path, EXPORT_SCHEMA, batches, n_rows)

    return write


def _unwritable(output: Path, error: OSError) -> InvalidInputError | StoreFullError:
    if error.errno in _FULL or "no space left" in str(error).lower():
        return StoreFullError(
            f"There is no room for the export in {output.parent}; nothing of it was kept.",
            hint="Free some space, or write it to another disk. Parquet takes the least room.",
        )
    return InvalidInputError(
        f"{output} cannot be written ({error.strerror or error}).",
        hint="Choose a folder that exists and may be written to.",
    )


def download(
    place: Place,
    run_ids: Sequence[str],
    known: ExportFormat,
    *,
    name: str,
    wanted: RowFilter = EVERY_ROW,
    is_spreadsheet_safe: bool = False,
) -> Download:
    """Write an export into the data folder, to be downloaded from there; the oldest ones make room.

    Raises as `export` does.
    """
    folder = _folder(place.settings, run_ids, known, wanted, is_safe=is_spreadsheet_safe)
    shutil.rmtree(folder, ignore_errors=True)
    fresh = folder.with_name(new_id())
    try:
        fresh.mkdir(parents=True)
        output = fresh / f"{_file_name(name)}.{known}"
        done = export(place, run_ids, output, wanted=wanted, is_spreadsheet_safe=is_spreadsheet_safe)
        (fresh / "rows").write_text(f"{done.n_rows} {done.n_shortened_cells}", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _make_room(folder.parent)
    found = _download_in(folder)
    assert found is not None
    return found


def prepared_download(
    place: Place,
    run_ids: Sequence[str],
    known: ExportFormat,
    *,
    wanted: RowFilter = EVERY_ROW,
    is_spreadsheet_safe: bool = False,
) -> Download | None:
    """Give the download that was written for this very request; None where there is none."""
    return _download_in(_folder(place.settings, run_ids, known, wanted, is_safe=is_spreadsheet_safe))


def download_path(settings: Settings, token: str, name: str) -> Path | None:
    """Find a file that waits to be downloaded; None for anything else."""
    path = _downloads(settings) / token / name
    known = _TOKEN.fullmatch(token) is not None and path.name == name and path.suffix[1:] in EXPORT_FORMATS
    return path if known and path.is_file() and not path.is_symlink() else None


def sweep_downloads(place: Place) -> None:
    """Remove the downloads of earlier processes; to be called before anything is prepared."""
    shutil.rmtree(_downloads(place.settings), ignore_errors=True)


def _downloads(settings: Settings) -> Path:
    return settings.data_dir / "tmp" / "downloads"


def _folder(
    settings: Settings, run_ids: Sequence[str], known: str, wanted: RowFilter, *, is_safe: bool
) -> Path:
    """Name the folder by what is asked for. Ids of runs cannot be guessed, so neither can it."""
    return _downloads(settings) / text_hash(*run_ids, known, repr(wanted), str(is_safe))[:32]


def _download_in(folder: Path) -> Download | None:
    try:
        n_rows, n_shortened = (folder / "rows").read_text(encoding="utf-8").split()
        (file,) = (path for path in folder.iterdir() if path.name != "rows")
        return Download(
            f"downloads/{folder.name}/{file.name}",
            file.name,
            file.stat().st_size,
            int(n_rows),
            int(n_shortened),
        )
    except (OSError, ValueError):
        return None


def _make_room(folder: Path) -> None:
    made = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in made[:-_MOST_DOWNLOADS]:
        shutil.rmtree(old, ignore_errors=True)


def _file_name(name: str) -> str:
    """Make a name for a file: letters, digits and - of the given one."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_NAME_CHARACTERS] or "export"
