"""What an upload is: its format, its columns with their likely meaning, and what only a person can tell."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.interchange.delimited import as_untidy
from tlm_dash.interchange.detection import prepare
from tlm_dash.interchange.exports import SAFE_MARK
from tlm_dash.interchange.guessing import Guessed, Said, guess
from tlm_dash.interchange.mapping import ColumnMapping, ResponseColumns
from tlm_dash.interchange.openings import Opening, find_openings, opened
from tlm_dash.interchange.prepared import Overrides, Prepared
from tlm_dash.interchange.questions import Answer, Question, header_question
from tlm_dash.models import EXPORT_MARK, new_id
from tlm_dash.services.file_content import content_meanwhile
from tlm_dash.services.place import Place
from tlm_dash.store.datasets import same_content
from tlm_dash.store.derived import Derived
from tlm_dash.store.reading import DiskTable, TableReader, UntidyTable, read_table
from tlm_dash.store.restoring import export_columns

__all__ = [
    "Answer",
    "InspectedColumn",
    "Inspection",
    "Overrides",
    "Question",
    "Said",
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
_GUESS_ROWS = 200
_SAMPLES = 3
_SAMPLE_CHARACTERS = 300
_ANSWERING_ROLES = ("assistant", "gpt", "model", "bot", "ai", "chatgpt")


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

    `openings` say which columns are made of the cells of others, such as the answer at a conversation's end.
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
    questions: tuple[Question, ...]
    warnings: tuple[str, ...]
    same_content: tuple[str, ...]
    is_export: bool
    is_marked: bool
    laid_out: LaidOut
    openings: tuple[Opening, ...]
    work_dir: Path

    @property
    def prepared(self) -> Prepared:
        """Tell where the rows are."""
        return self.laid_out.prepared

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns in their order."""
        return tuple(column.name for column in self.columns)


def inspect(
    place: Place, paths: Sequence[Path], overrides: Overrides | None = None, said: Said | None = None
) -> Inspection:
    """Look into an upload and propose what its columns mean. Nothing is stored.

    What a person `said` of the columns stands; the rest is proposed, or asked.
    Several files are one upload where they are OpenAI Batch files. Raises InvalidInputError with one clear
    sentence where they cannot be used, StoreFullError where there is no room to lay them out.
    """
    wanted = overrides or Overrides()
    return _in_a_folder(place, lambda work_dir: _inspected(place, paths, wanted, work_dir, said))


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


def disk_table(prepared: Prepared, openings: Sequence[Opening] = ()) -> DiskTable:
    """Say in the store's words where the rows are, and what is made of their cells."""
    return DiskTable(
        prepared.layout, prepared.paths, prepared.names, prepared.delimiter, prepared.has_header,
        prepared.longest_line_bytes, keeps_empty=EXPORT_MARK in prepared.names,
        derived=tuple(Derived(o.source, o.names, o.read, o.beside) for o in openings),
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


def _inspected(
    place: Place, paths: Sequence[Path], overrides: Overrides, work_dir: Path, said: Said | None = None
) -> Inspection:
    with content_meanwhile(paths) as content:
        prepared = prepare(paths, overrides, work_dir)
        try:
            head = _head(prepared, work_dir)
        except UntidyTable:
            prepared = as_untidy(prepared, work_dir)
            head = _head(prepared, work_dir)
        names, rows = opened(head.names, head.rows, head.openings)
        guessed = guess(names, rows, said, lambda name: _more_cells(prepared, name, work_dir))
        if prepared.is_header_open and rows:
            # What the columns are called decides what else is asked.
            guessed = replace(guessed, questions=(header_question(rows[0]),))
        content_hash, size_bytes = content.result()
    same = tuple(dataset.name for dataset in same_content(place.store, content_hash))
    columns = tuple(
        InspectedColumn(name, _samples([row[number] for row in rows]), found.role, found.reason)
        for number, (name, found) in enumerate(zip(names, guessed.guesses, strict=True))
    )
    is_export = bool(export_columns(names))
    marks = {row[names.index(EXPORT_MARK)] for row in rows} if is_export else set()
    warnings = prepared.warnings + (() if is_export else _notes(head, guessed))
    if is_export:
        warnings += (OWN_EXPORT,)
    if same:
        warnings += (f"The same file was imported before, as {', '.join(same)}.",)
    as_table = said is not None and bool(said.columns)
    return Inspection(
        file_name=", ".join(path.name for path in paths), format=prepared.format, encoding=prepared.encoding,
        delimiter=prepared.delimiter, has_header=prepared.has_header, sheet=prepared.sheet,
        sheets=prepared.sheets, size_bytes=size_bytes, content_hash=content_hash, columns=columns,
        mapping=_export_mapping(columns) if is_export and not as_table else guessed.mapping,
        questions=() if is_export else guessed.questions, warnings=warnings, same_content=same,
        is_export=is_export, is_marked=SAFE_MARK in marks, laid_out=LaidOut(prepared), openings=head.openings,
        work_dir=work_dir,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Head:
    """The columns and first rows of a file as they are, and what is to be opened in them."""

    names: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    openings: tuple[Opening, ...]


def _head(prepared: Prepared, work_dir: Path) -> _Head:
    def work(reader: TableReader) -> _Head:
        names, rows = reader.names, reader.head(_GUESS_ROWS)
        if export_columns(names):
            return _Head(names, rows, ())
        openings = find_openings(names, rows, lambda name: reader.any_last_turn(name, _ANSWERING_ROLES))
        return _Head(names, rows, openings)

    return read_table(disk_table(prepared), work_dir / "engine", work)


def _more_cells(prepared: Prepared, name: str, work_dir: Path) -> Sequence[str]:
    """Give cells from all over a column of the file itself; none of one that is made of others."""

    def work(reader: TableReader) -> list[str]:
        return reader.score_cells(name) if name in reader.names else []

    return read_table(disk_table(prepared), work_dir / "engine", work)


def _notes(head: _Head, guessed: Guessed) -> tuple[str, ...]:
    """Say what was opened of the columns that have a role, and what is told of the others."""
    used = set(guessed.mapping.columns())
    notes = (opening.note for opening in head.openings if opening.note and used & set(opening.names))
    return (*notes, *guessed.notes)


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
