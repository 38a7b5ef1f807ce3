"""Uploads that are being looked into: laid out on disk, not yet saved and not yet given up.

They belong to the server process, not to a tab: a reload, or the address in another tab, shows the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, BinaryIO

import streamlit as st

from tlm_dash.errors import InvalidInputError, StoreFullError, TlmDashError
from tlm_dash.models import new_id
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.dataset_inspection import (
    Answer,
    Inspection,
    Overrides,
    Question,
    discard,
    inspect,
    sweep_uploads,
)
from tlm_dash.services.dataset_upload import Check, ColumnMapping, ImportResult, check, preview, save
from tlm_dash.ui.column_choices import KEPT, ColumnChoices

MOST_PENDING = 8
"""How many uploads are kept unsaved: each holds files on disk, so the oldest makes room."""

COPY_CHUNK_BYTES = 1 << 20
LONGEST_FILE_NAME = 120


@dataclass
class PendingUpload:
    """One upload with everything that was said about it. `folder` holds its files, None for inbox files.

    `is_table`: an export of ours is to be read as any other table.
    """

    upload_id: str
    sources: tuple[Path, ...]
    folder: Path | None
    inspection: Inspection
    choices: ColumnChoices
    name: str
    wanted: Overrides = field(default_factory=Overrides)
    seen: Overrides = field(default_factory=Overrides)
    problem: TlmDashError | None = None
    looks: int = 0
    is_table: bool = False
    answered: frozenset[str] = frozenset()
    _previewed: tuple[ColumnMapping, list[dict[str, Any]]] | None = None
    _checked: tuple[ColumnMapping, Check] | None = None

    def look_again(self, running: Dashboard) -> None:
        """Read the files anew as `wanted`; what was understood stays where they cannot be read so."""
        self.seen = self.wanted
        try:
            found = inspect(running, self.sources, self.wanted)
        except TlmDashError as error:
            self.problem = error
            return
        discard(self.inspection)
        self.inspection = found
        if found.names != self.choices.names:
            self.choices, self.answered = ColumnChoices.of(found.mapping, found.names), frozenset()
        self.problem, self._previewed, self._checked = None, None, None
        self.looks += 1

    def open_questions(self) -> tuple[Question, ...]:
        """Give the questions that nobody answered, neither by a press nor by saying what a column means."""
        if self.restores or self.choices.template is not None:
            asked = [q for q in self.inspection.questions if not self.restores and not q.is_about_prompts]
        else:
            asked = list(self.inspection.questions)
        return tuple(question for question in asked if question.question not in self.answered)

    def answer(self, question: Question, answer: Answer) -> None:
        """Give columns the roles of an answer; the file is read again where it speaks of the header."""
        self.answered |= {question.question}
        if answer.has_header is not None:
            self.wanted = with_override(self.wanted, "has_header", answer.has_header)
        for name, role in answer.roles:
            number = self.choices.names.index(name)
            self.choices = self.choices.with_role(number, role or KEPT)

    def set_role(self, number: int, role: str) -> None:
        """Say what a column means: that answers what was asked about it, or about the prompts."""
        name = self.choices.names[number]
        self.answered |= {
            question.question
            for question in self.inspection.questions
            if name in question.columns or (question.is_about_prompts and role in ("prompt", "messages"))
        }
        self.choices = self.choices.with_role(number, role)

    @property
    def restores(self) -> bool:
        """Tell whether it is an export of ours that comes back as it was."""
        return self.inspection.is_export and not self.is_table

    def read_as_table(self, is_table: bool) -> None:  # noqa: FBT001 - what a toggle says
        """Say whether an export of ours is a table like any other."""
        self.is_table, self._previewed, self._checked = is_table, None, None

    def first_items(self, mapping: ColumnMapping) -> list[dict[str, Any]]:
        """Give the first items as they would be stored. Raises InvalidInputError."""
        if self._previewed is None or self._previewed[0] != mapping:
            self._previewed = (mapping, preview(self.inspection, self._said(mapping)))
        return self._previewed[1]

    def is_checked(self, mapping: ColumnMapping) -> bool:
        """Tell whether the whole file was read with this mapping already."""
        return self._checked is not None and self._checked[0] == mapping

    def check(self, mapping: ColumnMapping) -> Check:
        """Read the whole file as saving would. Raises InvalidInputError."""
        if self._checked is None or self._checked[0] != mapping:
            self._checked = (mapping, check(self.inspection, self._said(mapping)))
        return self._checked[1]

    def save(self, running: Dashboard, mapping: ColumnMapping) -> ImportResult:
        """Make a dataset of it. Raises InvalidInputError or StoreError."""
        stated = () if self.restores else self.choices.stated
        return save(running, self.inspection, self._said(mapping), self.name, stated_labels=stated)

    def _said(self, mapping: ColumnMapping) -> ColumnMapping | None:
        return None if self.restores else mapping

    def remove_files(self) -> None:
        """Remove what it holds on disk; files of the inbox stay."""
        discard(self.inspection)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


class PendingUploads:
    """All uploads of this process that are not saved yet, oldest first."""

    def __init__(self) -> None:
        self._uploads: dict[str, PendingUpload] = {}
        self._lock = Lock()

    def add(self, running: Dashboard, sources: Sequence[Path], folder: Path | None) -> PendingUpload:
        """Look into files on disk. Raises InvalidInputError or StoreFullError; `folder` is then gone."""
        try:
            found = inspect(running, sources)
        except BaseException:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        name = sources[0].stem
        choices = ColumnChoices.of(found.mapping, found.names)
        upload = PendingUpload(new_id(), tuple(sources), folder, found, choices, name)
        with self._lock:
            self._uploads[upload.upload_id] = upload
            crowded = list(self._uploads)[:-MOST_PENDING]
        for upload_id in crowded:
            self.remove(upload_id)
        return upload

    def get(self, upload_id: str) -> PendingUpload | None:
        """Give one upload, or None where it was saved, given up, or lost with an earlier process."""
        return self._uploads.get(upload_id)

    def all(self) -> list[PendingUpload]:
        """Give all of them, oldest first."""
        with self._lock:
            return list(self._uploads.values())

    def remove(self, upload_id: str) -> None:
        """Forget an upload and remove its files."""
        with self._lock:
            upload = self._uploads.pop(upload_id, None)
        if upload is not None:
            upload.remove_files()


def pending_uploads(running: Dashboard) -> PendingUploads:
    """Give the uploads of this process over the dashboard's data folder."""
    return _pending_over(str(running.settings.data_dir), running)


@st.cache_resource(show_spinner=False)
def _pending_over(data_dir: str, _running: Dashboard) -> PendingUploads:  # noqa: ARG001 - the key of the cache
    # Nothing in memory knows what an earlier process left on disk.
    sweep_uploads(_running)
    return PendingUploads()


def laid_out(running: Dashboard, files: Sequence[tuple[str, BinaryIO]]) -> tuple[Path, tuple[Path, ...]]:
    """Copy uploads to disk piece by piece: gives the folder and each file. Raises StoreFullError."""
    folder = running.settings.data_dir / "tmp" / f"upload-{new_id()}"
    paths = []
    try:
        for number, (name, content) in enumerate(files):
            # Each in its own folder: two files may have the same name.
            path = folder / str(number) / _file_name(name)
            path.parent.mkdir(parents=True)
            content.seek(0)
            with path.open("wb") as target:
                shutil.copyfileobj(content, target, COPY_CHUNK_BYTES)
            paths.append(path)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreFullError(
            f"The upload cannot be written to {folder.parent} ({error.strerror or error}).",
            hint="Make room there, let this user write there, or name another folder in TLM_DASH_DATA_DIR.",
        ) from error
    if not paths:
        raise InvalidInputError("There is nothing to read.", hint="Choose a file or paste a text.")
    return folder, tuple(paths)


def with_override(overrides: Overrides, name: str, value: Any) -> Overrides:  # noqa: ANN401 - any field
    """Say one more thing about a file. What followed from another format does not hold for a new one."""
    if name == "format":
        return Overrides(format=value, encoding=overrides.encoding)
    return replace(overrides, **{name: value})


def _file_name(name: str) -> str:
    """Make a name that a file can have, as close to the one that was given as can be."""
    given = PurePosixPath(name.replace("\\", "/")).name
    clean = "".join(c if c.isprintable() else "_" for c in given).strip(". ") or "upload"
    suffix = PurePosixPath(clean).suffix[:12]
    stem = clean.removesuffix(suffix)
    while len((stem + suffix).encode()) > LONGEST_FILE_NAME:
        stem = stem[:-1]
    return stem + suffix
