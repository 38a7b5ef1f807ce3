"""From an inspected upload to a dataset: see the first items, count what would come of it, save it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.column_names import table_model
from tlm_dash.interchange.mapping import (
    ColumnMapping,
    ResponseColumns,
    checked_mapping,
    mapping_from_pairs,
    template_parts,
)
from tlm_dash.interchange.openings import hidden_message
from tlm_dash.interchange.prepared import Prepared
from tlm_dash.interchange.questions import OpenQuestionsError
from tlm_dash.interchange.request_parts import answer_taken, kept_beside, left_out_parts
from tlm_dash.interchange.spreadsheet_text import from_cells
from tlm_dash.services import label_spellings
from tlm_dash.services.dataset_inspection import Inspection, discard, disk_table, inspect, whole
from tlm_dash.services.free_names import free_name
from tlm_dash.services.place import Place
from tlm_dash.settings import REPOSITORY
from tlm_dash.store import importing
from tlm_dash.store.datasets import datasets
from tlm_dash.store.import_plan import (
    Counted,
    ImportedRun,
    ImportPlan,
    PlannedResponse,
    RejectedRow,
    RestorePlan,
)
from tlm_dash.store.restoring import export_columns

__all__ = [
    "LONGEST_NAME",
    "Check",
    "ColumnMapping",
    "ImportResult",
    "OpenQuestionsError",
    "ResponseColumns",
    "check",
    "mapping_from_pairs",
    "preview",
    "save",
    "save_sample",
]

SAMPLE_FILE = REPOSITORY / "data" / "sample_questions.csv"
SAMPLE_NAME = "Sample questions"
LONGEST_NAME = 200
"""Characters of the name of a dataset."""


@dataclass(frozen=True, slots=True)
class Check:
    """What saving would give: rows in are items and rejects together. `hygiene` holds counts by name.

    `notes` say what of the rows is not sent, with its count.
    """

    n_rows_in: int
    n_items: int
    rejects: tuple[RejectedRow, ...]
    hygiene: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How an import ended; the names of `datasets import --json`."""

    dataset_id: str
    name: str
    n_rows_in: int
    n_items: int
    n_rejected: int
    rejected: tuple[RejectedRow, ...]
    mapping: Mapping[str, str | list[str]]
    format: str
    encoding: str | None
    warnings: tuple[str, ...]
    hygiene: Mapping[str, int]
    runs: tuple[ImportedRun, ...]


def preview(
    inspection: Inspection, mapping: ColumnMapping | None, *, n_rows: int = 5
) -> list[dict[str, Any]]:
    """Give the first items exactly as they would be stored: item_no, prompt, messages, reference, responses.

    Without a mapping an export of ours is taken as that. Raises InvalidInputError where the mapping cannot be
    used.
    """
    plan = _plan(inspection, mapping)
    return whole(
        inspection,
        lambda prepared: importing.first_rows(
            disk_table(prepared, inspection.openings), plan, _temp_dir(inspection), n_rows=n_rows
        ),
    )


def check(inspection: Inspection, mapping: ColumnMapping | None) -> Check:
    """Read the whole file as saving would: rows in, items, rejects and hygiene. Stores nothing.

    An export of several runs has more rows than items.
    """
    plan = _plan(inspection, mapping)
    found = whole(
        inspection,
        lambda prepared: importing.check(
            disk_table(prepared, inspection.openings), plan, _earlier_rejects(prepared), _temp_dir(inspection)
        ),
    )
    return Check(found.n_rows_in, found.n_items, found.rejects, found.hygiene.as_dict(), found.notes)


def _name_said(name: str) -> str:
    """Give a name on one line. Raises InvalidInputError for one that no list could show."""
    called = " ".join(name.split())
    if len(called) > LONGEST_NAME:
        raise InvalidInputError(
            f"The name of the dataset is {len(called):,} characters long.",
            hint=f"Enter a name of up to {LONGEST_NAME} characters.",
        )
    return called


def save(
    place: Place,
    inspection: Inspection,
    mapping: ColumnMapping | None = None,
    name: str | None = None,
    *,
    stated_labels: Collection[str] = (),
) -> ImportResult:
    """Make a dataset of an inspected upload, all of it or nothing; its work folder is then gone.

    Without a mapping an export of ours comes back as it was, and any other file as it was understood.

    `stated_labels` are the columns of which a person said that they are labels. Others may look like labels;
    they wait until somebody says what they mean.

    Raises OpenQuestionsError where nothing was said and the file has more than one reading,
    InvalidInputError where the mapping or the file cannot be used, StoreError where it cannot be written.
    """
    if mapping is None and inspection.questions:
        raise OpenQuestionsError(inspection.questions)
    taken = checked_mapping(mapping or inspection.mapping, inspection.names)
    plan = _plan(inspection, mapping)
    called = _name_said(name or "") or " ".join(Path(inspection.file_name.partition(", ")[0]).stem.split())
    called = free_name(called, {dataset.name for dataset in datasets(place.store)})
    warnings = inspection.warnings
    facts = importing.FileFacts(
        inspection.file_name, inspection.format, inspection.encoding, inspection.delimiter, inspection.sheet,
        inspection.content_hash, inspection.size_bytes, taken.as_dict(), warnings,
    )  # fmt: skip
    done = whole(
        inspection,
        lambda prepared: importing.import_table(
            place.store, disk_table(prepared, inspection.openings), plan, facts, called,
            _earlier_rejects(prepared), _temp_dir(inspection),
        ),
    )  # fmt: skip
    discard(inspection)
    warnings += done.notes + label_spellings.adopt_stated(place, done.dataset_id, stated_labels)
    return ImportResult(
        done.dataset_id, called, done.n_rows_in, done.n_items, done.n_rejected, done.first_rejects,
        taken.as_dict(), inspection.format, inspection.encoding, warnings, done.hygiene, done.runs,
    )  # fmt: skip


def save_sample(place: Place) -> ImportResult:
    """Import the sample dataset that comes with tlm_dash."""
    return save(place, inspect(place, [SAMPLE_FILE]), name=SAMPLE_NAME)


def _temp_dir(inspection: Inspection) -> Path:
    return inspection.work_dir / "engine"


def _earlier_rejects(prepared: Prepared) -> list[RejectedRow]:
    return [RejectedRow(r.row_no, r.reason, r.content) for r in prepared.rejects]


def _plan(inspection: Inspection, mapping: ColumnMapping | None) -> ImportPlan | RestorePlan:
    if mapping is None and inspection.is_export:
        return RestorePlan(export_columns(inspection.names), from_cells if inspection.is_marked else None)
    mapping = checked_mapping(mapping or inspection.mapping, inspection.names)
    prompt: tuple[tuple[str, str | None], ...] = ()
    if mapping.template is not None:
        prompt = template_parts(mapping.template)
    elif mapping.prompt is not None:
        prompt = (("", mapping.prompt),)
    if not prompt and mapping.system is not None:
        # Messages have their own beginning: a column of system prompts is kept beside them, and told.
        mapping = replace(mapping, system=None)
    several = len(mapping.responses) > 1
    sources = {opening.source for opening in inspection.openings}
    extra = _kept_beside(inspection, mapping)
    return ImportPlan(
        prompt=prompt, messages=None if prompt else mapping.messages, system=mapping.system,
        reference=mapping.reference, source_id=mapping.id, model=mapping.model, quality_preset=mapping.preset,
        scorer_model=mapping.scorer_model,
        responses=tuple(
            PlannedResponse(
                r.response, r.score, r.label, r.finish_reason, r.model,
                table_model(r.response) or ((r.response.rpartition(".")[0] or None) if several else None),
                _message_of(inspection, r.response),
            )
            for r in mapping.responses
        ),
        tags=mapping.tags, extra=extra, verbatim=tuple(name for name in extra if name in sources),
        counted=_counted(inspection, mapping, extra),
    )  # fmt: skip


def _kept_beside(inspection: Inspection, mapping: ColumnMapping) -> tuple[str, ...]:
    """Name what has no role; what was made of the cells of such a column is in it already."""
    used = set(mapping.columns())
    kept = [name for name in inspection.names if name not in used]
    made = {name for o in inspection.openings if o.source in kept for name in o.names[1:]}
    return tuple(name for name in kept if name not in made)


def _message_of(inspection: Inspection, response: str) -> str | None:
    hidden = hidden_message(response)
    made = {name for opening in inspection.openings for name in opening.names}
    return hidden if hidden in made or hidden in inspection.prepared.names else None


def _counted(inspection: Inspection, mapping: ColumnMapping, extra: Sequence[str]) -> tuple[Counted, ...]:
    """Name the columns of which it must be told how many rows have something that is not sent."""
    answers = [
        Counted(response.response, answer_taken(opening.source, response.response))
        for response in mapping.responses
        for opening in inspection.openings
        if opening.source == mapping.messages and response.response in opening.names[1:]
    ]
    samples = {column.name: column.samples for column in inspection.columns}
    every = inspection.format == "openai-batch"
    parts = left_out_parts(
        [(name, samples.get(name, ())) for name in extra],
        every=every,
        has_messages=mapping.messages is not None,
    )
    return (*answers, *(Counted(name, kept_beside(name)) for name in parts))
