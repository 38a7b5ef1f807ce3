"""Datasets that are there: list them, look into one, download its rejects, delete it."""

from __future__ import annotations

import csv
import io

from tlm_dash.errors import InvalidInputError
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.store import datasets as stored
from tlm_dash.store.datasets import Dataset, DatasetPage, DatasetRow, ImportedRunFacts

__all__ = [
    "Dataset",
    "DatasetPage",
    "DatasetRow",
    "ImportedRunFacts",
    "delete",
    "listed",
    "page",
    "rejects_csv",
    "runs_of",
    "show",
]


def listed(place: Place) -> list[Dataset]:
    """Give all datasets, of files and collected in the playground, oldest first."""
    return stored.datasets(place.store)


def show(place: Place, wanted: str) -> Dataset:
    """Find a dataset by id, unique beginning of one, or unique name. Raises NotFoundError."""
    return stored.find_dataset(place.store, wanted)


def runs_of(place: Place, dataset_id: str) -> tuple[ImportedRunFacts, ...]:
    """Give the runs that came with the file of a dataset."""
    return stored.imported_runs(place.store, dataset_id)


def page(place: Place, dataset_id: str, *, search: str = "", limit: int = 50, offset: int = 0) -> DatasetPage:
    """Give items in order, `limit` from `offset` on; `search` is literal text."""
    return stored.dataset_page(place.store, dataset_id, search=search.strip(), limit=limit, offset=offset)


def rejects_csv(place: Place, dataset_id: str) -> str:
    """Write the rows that are no items as CSV: row, reason, content."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["row", "reason", "content"])
    for row in stored.rejects(place.store, dataset_id):
        writer.writerow([row.row_no, row.reason, row.content])
    return buffer.getvalue()


def delete(place: Place, wanted: str, *, confirmed: bool) -> Dataset:
    """Take a dataset away for good, with its runs, scores and labels. Gives what it was.

    Raises NotFoundError, or InvalidInputError where nobody confirmed it or a run of it is under way: what
    that brings, and was paid for, would belong to nothing.
    """
    dataset = show(place, wanted)
    if isinstance(place, Dashboard) and any(
        view.live is not None or view.status in runs.UNDER_WAY
        for view in runs.list_runs(place, with_pilots=True)
        if view.record.dataset_id == dataset.dataset_id
    ):
        raise InvalidInputError(
            f"{dataset.name!r} has runs under way.", hint="Cancel them on the Runs page, then delete it."
        )
    if not confirmed:
        raise InvalidInputError(
            f"{dataset.name!r} has {dataset.n_items} items and {dataset.n_runs} runs; all would be gone.",
            hint="Confirm it (on the command line with --yes).",
        )
    stored.delete_dataset(place.store, dataset)
    return dataset
