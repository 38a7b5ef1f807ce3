"""Datasets in the store: the list, one of them, its rows by the page, its rejects, and taking it away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tlm_dash.errors import NotFoundError
from tlm_dash.models import utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.import_plan import RejectedRow
from tlm_dash.store.insertion import insert_rows
from tlm_dash.store.removal import remove_dataset
from tlm_dash.store.run_models import COLLECTED
from tlm_dash.store.tables import TABLES

_LIST = """
WITH made AS (
    SELECT run.dataset_id, count(*) AS n_runs, count(i.run_id) AS n_imported_runs,
        coalesce(bool_or(i.score_column IS NOT NULL), false) AS has_scores,
        coalesce(bool_or(i.label_column IS NOT NULL), false) AS has_labels
    FROM run LEFT JOIN imported_run AS i USING (run_id) GROUP BY run.dataset_id
),
grown AS (
    SELECT dataset_id, count(*) AS n_items FROM item
    WHERE dataset_id IN (SELECT dataset_id FROM dataset WHERE kind = 'collected') GROUP BY dataset_id
)
SELECT d.dataset_id, d.name, d.kind, d.created_at, coalesce(f.file_name, '') AS file_name,
    coalesce(f.format, d.kind) AS format, f.encoding, f.delimiter, f.sheet,
    coalesce(f.content_hash, '') AS content_hash, coalesce(f.size_bytes, 0) AS size_bytes,
    coalesce(f.n_rows_in, grown.n_items, 0) AS n_rows_in, coalesce(f.n_items, grown.n_items, 0) AS n_items,
    coalesce(f.n_rejected, 0) AS n_rejected, coalesce(f.mapping, '{}') AS mapping,
    coalesce(f.hygiene, '{}') AS hygiene, coalesce(f.warnings, '[]') AS warnings,
    coalesce(made.n_runs, 0) AS n_runs, coalesce(made.n_imported_runs, 0) > 0 AS has_responses,
    coalesce(made.has_scores, false) AS has_scores, coalesce(made.has_labels, false) AS has_labels
FROM dataset AS d
LEFT JOIN dataset_import AS f USING (dataset_id)
LEFT JOIN grown USING (dataset_id)
LEFT JOIN made USING (dataset_id)
WHERE d.kind = 'collected' OR (d.kind = 'uploaded' AND f.dataset_id IS NOT NULL)
ORDER BY d.created_at, d.dataset_id
"""

_RUNS = """
SELECT i.run_id, run.name, i.response_column, i.score_column, i.label_column, i.n_items
FROM imported_run AS i JOIN run USING (run_id)
WHERE i.dataset_id = ? ORDER BY run.name, i.run_id
"""

_GROWN = "SELECT run_id, count(*) FROM run_item WHERE run_id IN (SELECT unnest(?)) GROUP BY run_id"

_MATCHING = """
matching AS (
    SELECT item_no FROM item
    WHERE dataset_id = $dataset_id AND (
        contains(lower(prompt), lower($search)) OR contains(lower(coalesce(reference, '')), lower($search))
    )
    UNION
    SELECT item_no FROM completion
    WHERE dataset_id = $dataset_id AND contains(lower(response), lower($search))
)"""

_EVERY = "matching AS (SELECT item_no FROM item WHERE dataset_id = $dataset_id)"


def _beginning(column: str) -> str:
    """Write the SQL of the beginning of a text, with how much is missing where it was cut."""
    more = f"'… (' || format('{{:,}}', length({column}) - $characters) || ' more characters)'"
    return f"left({column}, $characters) || if(length({column}) > $characters, {more}, '')"


# The keys of the page first, then their texts: only those rows are read from the wide tables.
_PAGE = f""",
page AS (SELECT item_no FROM matching ORDER BY item_no LIMIT $limit OFFSET $offset),
given AS (
    SELECT k.item_no, list({{
        'run': run.name, 'response': {_beginning("k.response")}, 'score': r.trustworthiness_score
    }} ORDER BY run.name) AS responses
    FROM completion AS k SEMI JOIN page USING (item_no)
    JOIN run_item AS r ON r.completion_id = k.completion_id AND r.item_no = k.item_no
    JOIN imported_run USING (run_id) JOIN run USING (run_id)
    WHERE k.dataset_id = $dataset_id AND imported_run.dataset_id = $dataset_id
    GROUP BY k.item_no
)
SELECT i.item_no, {_beginning("i.prompt")} AS prompt, {_beginning("i.reference")} AS reference, e.source_id,
    coalesce(e.tags, '{{}}') AS tags, coalesce(e.extra, '{{}}') AS extra, given.responses
FROM (SELECT * FROM item WHERE dataset_id = $dataset_id) AS i SEMI JOIN page USING (item_no)
LEFT JOIN (SELECT * FROM item_extra WHERE dataset_id = $dataset_id) AS e USING (item_no)
LEFT JOIN given USING (item_no)
ORDER BY i.item_no
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class ImportedRunFacts:
    """A run that came with the file, or out of the playground."""

    run_id: str
    name: str
    response_column: str
    score_column: str | None
    label_column: str | None
    n_items: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset with what is known of its file. `hygiene` holds counts by name.

    One that is collected in the playground has no file: its name, hash and size are empty, and nothing is
    known of its hygiene.
    """

    dataset_id: str
    name: str
    kind: str
    created_at: datetime
    file_name: str
    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    content_hash: str
    size_bytes: int
    n_rows_in: int
    n_items: int
    n_rejected: int
    mapping: Mapping[str, Any]
    hygiene: Mapping[str, int]
    warnings: Sequence[str]
    n_runs: int
    has_responses: bool
    has_scores: bool
    has_labels: bool

    @property
    def is_collected(self) -> bool:
        """Tell whether it grows by answers that are added in the playground."""
        return self.kind == COLLECTED

    @property
    def has_references(self) -> bool:
        """Tell whether a column of the file was the reference."""
        return "reference" in self.mapping


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """An item as the preview shows it; long texts are cut. `responses`: run, response and score of each."""

    item_no: int
    prompt: str
    reference: str | None
    source_id: str | None
    tags: Mapping[str, str]
    extra: Mapping[str, str]
    responses: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Some rows, and how many match in all."""

    rows: tuple[DatasetRow, ...]
    total: int


def datasets(store: Store) -> list[Dataset]:
    """Give all datasets but the playground's own, oldest first."""
    return [_dataset(row) for row in store.read_rows(_LIST)]


def find_dataset(store: Store, wanted: str) -> Dataset:
    """Find a dataset by id, by a unique beginning of one, or by a unique name. Raises NotFoundError."""
    all_of_them = datasets(store)
    for matches in (
        [d for d in all_of_them if d.dataset_id == wanted],
        [d for d in all_of_them if d.name == wanted],
        [d for d in all_of_them if wanted and d.dataset_id.startswith(wanted)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(d.dataset_id for d in matches[:5])
            raise NotFoundError(f"{len(matches)} datasets are called {wanted!r}.", hint=f"Use an id: {ids}.")
    hint = (
        f"There are: {', '.join(d.name for d in all_of_them[-5:])}." if all_of_them else "Import one first."
    )
    raise NotFoundError(f"There is no dataset {wanted!r}.", hint=hint)


def imported_runs(store: Store, dataset_id: str) -> tuple[ImportedRunFacts, ...]:
    """Give the runs that came with the file of a dataset."""
    rows = store.read_rows(_RUNS, [dataset_id])
    # A run that grows does not say how many items it has.
    growing = [row["run_id"] for row in rows if not row["n_items"]]
    counted = dict(store.read(_GROWN, [growing])) if growing else {}
    return tuple(
        ImportedRunFacts(**row | {"n_items": counted.get(row["run_id"], row["n_items"])}) for row in rows
    )


def same_content(store: Store, content_hash: str) -> list[Dataset]:
    """Give the datasets that were made from a file with these very bytes."""
    return [dataset for dataset in datasets(store) if dataset.content_hash == content_hash]


def dataset_page(
    store: Store,
    dataset_id: str,
    *,
    search: str = "",
    limit: int = 50,
    offset: int = 0,
    characters: int = 20_000,
) -> DatasetPage:
    """Give items in their order; with `search` those whose prompt, reference or a response has that text.

    Upper and lower case do not matter, and no character has a special meaning. Texts are cut after
    `characters`; one that was cut ends in how much is missing.
    """
    matching = f"WITH {_MATCHING if search else _EVERY}"
    wanted: dict[str, Any] = {"dataset_id": dataset_id} | ({"search": search} if search else {})
    ((total,),) = store.read(matching + " SELECT count(*) FROM matching", wanted)  # noqa: S608 - our own text
    paging = {"limit": limit, "offset": offset, "characters": characters}
    rows = store.read_rows(matching + _PAGE, wanted | paging)
    return DatasetPage(tuple(_row(row) for row in rows), total)


def rejects(store: Store, dataset_id: str) -> list[RejectedRow]:
    """Give the rows of the file that are no items, in order."""
    rows = store.read(
        "SELECT row_no, reason, content FROM dataset_reject WHERE dataset_id = ? ORDER BY row_no",
        [dataset_id],
    )
    return [RejectedRow(*row) for row in rows]


def delete_dataset(store: Store, dataset: Dataset) -> None:
    """Take a dataset away for good, with its runs and all that belongs to them; a note of it stays."""

    def work(cursor: Any) -> None:  # noqa: ANN401 - duckdb ships no types that fit
        remove_dataset(cursor, dataset.dataset_id)
        row = {
            "dataset_id": dataset.dataset_id, "name": dataset.name, "n_items": dataset.n_items,
            "deleted_at": utc_now(),
        }  # fmt: skip
        insert_rows(cursor, TABLES["dataset_deletion"], [row])

    store.transact(work)


def _dataset(row: dict[str, Any]) -> Dataset:
    return Dataset(**{**row, **{name: json.loads(row[name]) for name in ("mapping", "hygiene", "warnings")}})


def _row(row: dict[str, Any]) -> DatasetRow:
    return DatasetRow(
        item_no=row["item_no"],
        prompt=row["prompt"],
        reference=row["reference"],
        source_id=row["source_id"],
        tags=json.loads(row["tags"]),
        extra=json.loads(row["extra"]),
        responses=tuple(row["responses"] or ()),
    )
