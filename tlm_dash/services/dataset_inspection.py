"""What an upload is: its format, its columns with their likely meaning, and what only a person can tell."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.interchange.delimited import as_untidy
from tlm_dash.interchange.detection import prepare
from tlm_dash.interchange.exports import SAFE_MARK
from tlm_dash.interchange.guessing import guess
from tlm_dash.interchange.mapping import ColumnMapping, ResponseColumns
from tlm_dash.interchange.prepared import Overrides, Prepared
from tlm_dash.models import EXPORT_MARK, new_id
from tlm_dash.services.place import Place
from tlm_dash.store.datasets import same_content
from tlm_dash.store.reading import DiskTable, UntidyTable, read_table
from tlm_dash.store.restoring import export_columns

__all__ = [
    "InspectedColumn",
    "Inspection",
    "Overrides",
    "discard",
    "inspect",
    "inspect_text",
    "sweep_uploads",
    "whole",
]

Result = TypeVar("Result")

OWN_EXPORT = (
    "This file was exported by tlm_dash: items, runs, scores, labels and notes of its rows come back as they "
    "were, save for rows that are rejected."
)
_HASHED_AT_ONCE_BYTES = 1 << 20
_GUESS_ROWS = 200
_SAMPLES = 3
_SAMPLE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class InspectedColumn:
    """A column with its first different values, cut, and the role that is proposed, with the reason."""

    name: str
    samples: tuple[str, ...]
    role: str | None
    reason: str


@dataclass
class LaidOut:
    """Where the rows of an upload are: somewhere else once reading it all has shown that they must be."""

    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was understood of an upload. `mapping` is the proposal; `questions` are what only a person knows.

    `same_content` names the datasets made from the very same bytes. `is_export`: it is an export of
    ours, that can come back as it was; `is_marked`: with cells marked as text for spreadsheets. Holds files
    in `work_dir` until `save` or `discard`.
    """

    file_name: str
    format: str
    encoding: str | None
    delimiter: str | None
    has_header: bool
    sheet: str | None
    sheets: tuple[str, ...]
    size_bytes: int
    content_hash: str
    columns: tuple[InspectedColumn, ...]
    mapping: ColumnMapping
    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    same_content: tuple[str, ...]
    is_export: bool
    is_marked: bool
    laid_out: LaidOut
    work_dir: Path

    @property
    def prepared(self) -> Prepared:
        """Tell where the rows are."""
        return self.laid_out.prepared

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns in their order."""
        return tuple(column.name for column in self.columns)


def inspect(place: Place, paths: Sequence[Path], overrides: Overrides | None = None) -> Inspection:
    """Look into an upload and propose what its columns mean. Nothing is stored.

    Several files are one upload where they are OpenAI Batch files. Raises InvalidInputError with one clear
    sentence where they cannot be used, StoreFullError where there is no room to lay them out.
    """
    return _in_a_folder(place, lambda work_dir: _inspected(place, paths, overrides or Overrides(), work_dir))


def _in_a_folder(place: Place, work: Callable[[Path], Inspection]) -> Inspection:
    """Run `work` in a new folder; it goes where that fails."""
    work_dir = place.settings.data_dir / "tmp" / f"upload-{new_id()}"
    try:
        work_dir.mkdir(parents=True)
        return work(work_dir)
    except OSError as error:
        shutil.rmtree(work_dir, ignore_errors=True)
        raise _no_room(work_dir.parent, error) from error
    except BaseException:
        shutil.rmtree(work_dir, ignore_errors=True)
        raise


def inspect_text(place: Place, text: str, overrides: Overrides | None = None) -> Inspection:
    """Look into pasted text: JSON Lines, a table with its header, or one prompt a line."""
    if not text.strip():
        raise InvalidInputError("There is no text to import.", hint="Paste one prompt a line, or JSON lines.")

    def pasted(work_dir: Path) -> Inspection:
        # Beside what is laid out: a table is read where it is, so it must stay as long as that.
        file = work_dir / "pasted.txt"
        file.write_text(text, encoding="utf-8", errors="replace", newline="")
        return _inspected(place, [file], overrides or Overrides(), work_dir)

    return _in_a_folder(place, pasted)


def _no_room(folder: Path, error: OSError) -> StoreFullError:
    return StoreFullError(
        f"The upload cannot be laid out in {folder} ({error.strerror or error}).",
        hint="Make room there, let this user write there, or name another folder in TLM_DASH_DATA_DIR.",
    )


def discard(inspection: Inspection) -> None:
    """Remove what an inspection laid out on disk."""
    shutil.rmtree(inspection.work_dir, ignore_errors=True)


def sweep_uploads(place: Place) -> None:
    """Remove what earlier processes laid out and left; to be called before anything is uploaded."""
    for folder in (place.settings.data_dir / "tmp").glob("upload-*"):
        with suppress(OSError):
            shutil.rmtree(folder)


def disk_table(prepared: Prepared) -> DiskTable:
    """Say in the store's words where the rows are."""
    return DiskTable(
        prepared.layout, prepared.paths, prepared.names, prepared.delimiter, prepared.has_header,
        prepared.longest_line_bytes, keeps_empty=EXPORT_MARK in prepared.names,
    )  # fmt: skip


def whole(inspection: Inspection, work: Callable[[Prepared], Result]) -> Result:
    """Run `work`, which reads an upload to its end, on where its rows are.

    It is run again, from the beginning, where the rows of a text table have to be laid out one by one first.
    """
    try:
        return work(inspection.prepared)
    except UntidyTable:
        inspection.laid_out.prepared = as_untidy(inspection.prepared, inspection.work_dir)
        return work(inspection.prepared)


def _inspected(place: Place, paths: Sequence[Path], overrides: Overrides, work_dir: Path) -> Inspection:
    with _content_meanwhile(paths) as content:
        prepared = prepare(paths, overrides, work_dir)
        try:
            names, rows = _head(prepared, work_dir)
        except UntidyTable:
            prepared = as_untidy(prepared, work_dir)
            names, rows = _head(prepared, work_dir)
        guessed = guess(names, rows)
        content_hash, size_bytes = content.result()
    same = tuple(dataset.name for dataset in same_content(place.store, content_hash))
    columns = tuple(
        InspectedColumn(name, _samples([row[number] for row in rows]), found.role, found.reason)
        for number, (name, found) in enumerate(zip(names, guessed.guesses, strict=True))
    )
    is_export = bool(export_columns(names))
    marks = {row[names.index(EXPORT_MARK)] for row in rows} if is_export else set()
    warnings = prepared.warnings
    if is_export:
        warnings += (OWN_EXPORT,)
    if same:
        warnings += (f"The same file was imported before, as {', '.join(same)}.",)
    return Inspection(
        file_name=", ".join(path.name for path in paths), format=prepared.format, encoding=prepared.encoding,
        delimiter=prepared.delimiter, has_header=prepared.has_header, sheet=prepared.sheet,
        sheets=prepared.sheets, size_bytes=size_bytes, content_hash=content_hash, columns=columns,
        mapping=_export_mapping(columns) if is_export else guessed.mapping,
        questions=() if is_export else guessed.questions, warnings=warnings, same_content=same,
        is_export=is_export, is_marked=SAFE_MARK in marks, laid_out=LaidOut(prepared), work_dir=work_dir,
    )  # fmt: skip


def _head(prepared: Prepared, work_dir: Path) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    return read_table(
        disk_table(prepared), work_dir / "engine", lambda reader: (reader.names, reader.head(_GUESS_ROWS))
    )


def _export_mapping(columns: Sequence[InspectedColumn]) -> ColumnMapping:
    """Say what the columns of an export mean, as far as a mapping can; empty ones are left out."""
    filled = {column.name for column in columns if column.samples}

    def of(name: str) -> str | None:
        return name if name in filled else None

    response = ResponseColumns("response", of("trustworthiness_score"), of("label"), of("finish_reason"))
    return ColumnMapping(
        prompt="prompt", system=of("system"), reference=of("reference"), id=of("source_id"),
        model=of("model"), preset=of("quality_preset"), scorer_model=of("scorer_model"),
        responses=(response,) if of("response") else (),
    )  # fmt: skip


def _samples(values: Sequence[str | None]) -> tuple[str, ...]:
    different = dict.fromkeys(
        value[:_SAMPLE_CHARACTERS] for value in values if value is not None and value.strip()
    )
    return tuple(different)[:_SAMPLES]


@contextmanager
def _content_meanwhile(paths: Sequence[Path]) -> Iterator[Future[tuple[str, int]]]:
    """Hash an upload, which may be large, while it is looked into; given up at once where that fails."""
    given_up = threading.Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="content") as thread:
        try:
            yield thread.submit(_content, paths, given_up)
        except BaseException:
            given_up.set()
            raise


def _content(paths: Sequence[Path], given_up: threading.Event) -> tuple[str, int]:
    """Give the hash of all bytes and their number; of a part where it is given up."""
    digest, size = hashlib.sha256(), 0
    for path in sorted(paths):
        if not path.is_file():
            continue  # refused elsewhere; to open a pipe would wait for somebody to write into it
        with path.open("rb") as file:
            while not given_up.is_set() and (part := file.read(_HASHED_AT_ONCE_BYTES)):
                digest.update(part)
                size += len(part)
    return digest.hexdigest(), size
