"""Verdicts from a file, each found its response: by item number, id, or text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services.dataset_inspection import Inspection, Overrides, discard, disk_table, inspect, whole
from tlm_dash.services.label_spellings import MEANINGS, unmistakable
from tlm_dash.services.labels import LONGEST_NOTE, checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.store.annotations import append_annotations
from tlm_dash.store.import_targets import Key, Target, targets, text_key
from tlm_dash.store.person_rule import name_key
from tlm_dash.store.reading import read_table
from tlm_dash.store.runs import records

__all__ = ["ImportedLabels", "Unmatched", "import_labels"]

SHOWN_UNMATCHED = 100
BATCH_ROWS = 10_000
MOST_SPELLINGS = 50

_COLUMNS: dict[str, tuple[str, ...]] = {
    "item_no": ("item_no", "item no", "item"),
    "id": ("id", "source_id", "item_id", "row_id"),
    "prompt": ("prompt", "question"),
    "response": ("response", "answer", "completion", "output"),
    "verdict": ("verdict", "label", "is_correct", "correct"),
    "note": ("note", "notes", "comment"),
    "annotator": ("annotator", "reviewer", "labeller", "labeler"),
}


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A row of the file that speaks of no response of the run. `row` counts from 1 without the header."""

    row: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedLabels:
    """How an import of labels ended: rows in are labelled, unsure, left out, replaced and unmatched together.

    A row is replaced where a later one says something of the same row of the run under the same name.
    """

    run_id: str
    matched_by: Key
    n_rows_in: int
    n_labelled: int
    n_unsure: int
    n_ignored: int
    n_replaced: int
    n_unmatched: int
    unmatched: tuple[Unmatched, ...]
    spellings: Mapping[str, str]


@dataclass
class _Tally:
    n_rows_in: int = 0
    n_ignored: int = 0
    unmatched: list[Unmatched] = field(default_factory=list)
    n_unmatched: int = 0

    def miss(self, row: int, key: str, reason: str) -> None:
        self.n_unmatched += 1
        if len(self.unmatched) < SHOWN_UNMATCHED:
            self.unmatched.append(Unmatched(row, key[:80], reason))


def import_labels(
    place: Place,
    run_id: str,
    path: Path,
    *,
    meanings: Mapping[str, str] | None = None,
    annotator: str | None = None,
    overrides: Overrides | None = None,
) -> ImportedLabels:
    """Take verdicts on responses of a run from a file; each is an annotation with the source imported.

    The file has a column item_no, id or response (with prompt where texts repeat), a column verdict or label,
    and may have note and annotator. `meanings` says what spellings mean; 1/0, true/false, yes/no and
    correct/incorrect (and unsure) need none. `annotator` is whose they are where no column says it. Raises
    InvalidInputError, NotFoundError, StoreError.
    """
    found = records(place.store, [run_id])
    if not found:
        raise NotFoundError("This run is not here any more.", hint="Choose another run.")
    for spelling, meaning in (meanings or {}).items():
        if meaning not in MEANINGS:
            raise InvalidInputError(
                f"{spelling!r} cannot mean {meaning!r}.", hint=f"It means one of: {', '.join(MEANINGS)}."
            )
    inspection = inspect(place, [path], overrides)
    try:
        columns = _columns(inspection)
        key = _key(columns)
        spelled = _meanings(_spellings(inspection, columns["verdict"]), meanings or {})
        by_key = targets(place.store, run_id, found[0].dataset_id, key, with_response="response" in columns)
        same = {
            "dataset_id": found[0].dataset_id, "kind": "verdict", "source": "imported", "run_id": run_id,
            "plan_id": None, "inclusion_probability": None, "score_visible": True,
        }  # fmt: skip
        name = checked_annotator(annotator or path.stem[:60])
        tally = _Tally()
        found_rows = [
            row
            for cells in _rows_of_file(inspection, columns)
            if (row := _row(cells, key, spelled, by_key, name, tally)) is not None
        ]
    finally:
        discard(inspection)
    last = _last_said(found_rows)
    if last:
        append_annotations(place.store, [{**same, **row} for row in last])
    n_unsure = sum(row["verdict"] == "unsure" for row in last)
    return ImportedLabels(
        run_id, key, tally.n_rows_in, len(last) - n_unsure, n_unsure, tally.n_ignored,
        len(found_rows) - len(last), tally.n_unmatched, tuple(tally.unmatched), spelled,
    )  # fmt: skip


def _last_said(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give what counts, one for each item: of the same response and person the last row says it for all.

    Copies of a response keep an annotation each, so that it is known which rows of the run the file took.
    """
    last = {(row["response_hash"], name_key(row["annotator"])): row for row in rows}
    items = {(row["item_no"], row["response_hash"], name_key(row["annotator"])) for row in rows}
    return [{**last[hashed, who], "item_no": item_no} for item_no, hashed, who in sorted(items)]


def _columns(inspection: Inspection) -> dict[str, str]:
    """Find the columns by their names. Raises InvalidInputError where what must be there is not."""
    by_name = {name.strip().lower(): name for name in inspection.names}
    columns = {
        role: next(by_name[name] for name in names if name in by_name)
        for role, names in _COLUMNS.items()
        if any(name in by_name for name in names)
    }
    named = ", ".join(inspection.names)
    if "verdict" not in columns:
        raise InvalidInputError(
            "No column of this file is called verdict or label.", hint=f"It has: {named}. Rename one."
        )
    if not columns.keys() & {"item_no", "id", "response"}:
        raise InvalidInputError(
            "Nothing in this file says which response a verdict speaks of.",
            hint=f"Call a column item_no, id or response. It has: {named}.",
        )
    return columns


def _key(columns: Mapping[str, str]) -> Key:
    if "item_no" in columns:
        return "item_no"
    if "id" in columns:
        return "id"
    return "prompt and response" if "prompt" in columns else "response"


def _spellings(inspection: Inspection, column: str) -> tuple[str, ...]:
    """Give the different spellings of verdicts in a file. Raises InvalidInputError for too many."""
    held: dict[str, None] = {}

    def work(reader: Any) -> None:  # noqa: ANN401 - the store's reader
        for batch in reader.batches([column], n_rows=BATCH_ROWS):
            held.update(dict.fromkeys(cell.strip() for cell in batch.columns[1].to_pylist() if cell))

    whole(
        inspection,
        lambda prepared: read_table(
            disk_table(prepared, inspection.openings), inspection.work_dir / "engine", work
        ),
    )
    held.pop("", None)
    if len(held) > MOST_SPELLINGS:
        raise InvalidInputError(
            f"The column {column!r} has {len(held):,} different values: these are no verdicts.",
            hint="Check that the column called verdict or label holds them.",
        )
    return tuple(held)


def _meanings(spellings: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """Say what every spelling means. Raises InvalidInputError where nobody has said it."""
    known = {spelling.strip(): meaning for spelling, meaning in said.items()}
    absent = [spelling for spelling in known if spelling not in spellings]
    if absent:
        held = ", ".join(repr(spelling[:40]) for spelling in spellings[:8])
        raise InvalidInputError(f"{absent[0]!r} is no verdict of this file.", hint=f"It has: {held}.")
    rest = [spelling for spelling in spellings if spelling not in known]
    unsure = {spelling: "unsure" for spelling in rest if spelling.lower() == "unsure"}
    sure = [spelling for spelling in rest if spelling not in unsure]
    # Who says that yes is wrong has not said that no is wrong too.
    is_turned = any(
        unmistakable([spelling]).get(spelling, known[spelling]) != known[spelling] for spelling in known
    )
    read = {} if is_turned else unmistakable(sure)
    if sure and not read:
        shown = ", ".join(repr(spelling[:40]) for spelling in sure[:8])
        raise InvalidInputError(
            f"Nobody has said what these verdicts mean: {shown}.",
            hint=f"Say it for each: --map {sure[0][:40]!r}=correct (or incorrect, unsure, ignored).",
        )
    return {spelling: {**known, **unsure, **read}[spelling] for spelling in spellings}


def _rows_of_file(inspection: Inspection, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the rows of the file by role, with their number."""
    names = ["row", *columns]

    def work(reader: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the store's reader
        return [
            dict(zip(names, cells, strict=True))
            for batch in reader.batches(list(columns.values()), n_rows=BATCH_ROWS)
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]

    return whole(
        inspection,
        lambda prepared: read_table(
            disk_table(prepared, inspection.openings), inspection.work_dir / "engine", work
        ),
    )


def _row(
    cells: Mapping[str, Any], key: Key, spelled: Mapping[str, str], by_key: Mapping[str, list[Target]],
    name: str, tally: _Tally,
) -> dict[str, Any] | None:  # fmt: skip
    """Make an annotation of a row of the file, or count why it is none."""
    tally.n_rows_in += 1
    meaning = spelled.get((cells["verdict"] or "").strip(), "ignored")
    shown = (cells[key] if key in cells else cells["response"]) or ""
    found = by_key.get(_identity(cells, key), [])
    if len(found) != 1 or found[0].response_hash is None:
        what = {0: f"the run has no such {key}", 1: "the run has no response here"}
        tally.miss(cells["row"], shown, what.get(len(found), f"{len(found)} rows of the run have it"))
        return None
    if _says_another_response(cells, found[0]):
        tally.miss(
            cells["row"],
            shown,
            f"the run has another response here; leave out the column of responses to go by {key} alone",
        )
        return None
    if meaning == "ignored":
        tally.n_ignored += 1
        return None
    note = (cells.get("note") or "").strip() or None
    if note is not None and len(note) > LONGEST_NOTE:
        raise InvalidInputError(
            f"The note in row {cells['row']:,} has {len(note):,} characters; "
            f"a note can have {LONGEST_NOTE:,}.",
            hint="Shorten it in the file: nothing is cut off silently, and nothing was imported.",
        )
    who = checked_annotator(cells["annotator"]) if (cells.get("annotator") or "").strip() else name
    return {
        "item_no": found[0].item_no, "response_hash": found[0].response_hash, "verdict": meaning,
        "note": note, "annotator": who,
    }  # fmt: skip


def _says_another_response(cells: Mapping[str, Any], target: Target) -> bool:
    """Tell whether a row speaks of a response that is not the run's: a verdict belongs to its response.

    An apostrophe in front is the mark of a cell that is safe for spreadsheets.
    """
    given = cells.get("response") or ""
    if target.response_key is None or not given.strip():
        return False
    return target.response_key not in (text_key(given), text_key(given.removeprefix("'")))


def _identity(cells: Mapping[str, Any], key: Key) -> str:
    if key == "item_no":
        text = (cells["item_no"] or "").strip()
        return text.removesuffix(".0").lstrip("0") if text.removesuffix(".0").isdigit() else text
    if key == "id":
        return cells["id"] or ""
    response = cells["response"] or ""
    return text_key(response) if key == "response" else text_key(cells["prompt"] or "", response)
