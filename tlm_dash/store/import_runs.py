"""The runs that come out of a file: one for each column of responses, model, preset and scorer in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import canonical_json, new_id, text_hash
from tlm_dash.store.import_plan import ImportedRun, PlannedResponse

IMPORTED = "imported"
"""Stands where an endpoint, a preset or a scorer would: the file does not say."""

MOST_RUNS = 500


@dataclass
class StagedRun:
    """A run in the making: one column of responses by one model, preset and scorer."""

    run_id: str
    response: PlannedResponse
    model: str | None
    quality_preset: str | None
    scorer_model: str | None
    n_items: int = 0
    n_scored: int = 0


class StagedRuns:
    """All runs of one import, made as their rows appear."""

    def __init__(self) -> None:
        self._runs: dict[tuple[Any, ...], StagedRun] = {}

    def run(self, response: PlannedResponse, key: Sequence[str | None]) -> StagedRun:
        """Give the run of a column and a (model, preset, scorer); makes it where it is new.

        Raises InvalidInputError for more runs than anyone wants: then a column was mistaken.
        """
        model, preset, scorer = (value or None for value in key)
        found = self._runs.setdefault(
            (response.column, model, preset, scorer), StagedRun(new_id(), response, model, preset, scorer)
        )
        if len(self._runs) > MOST_RUNS:
            raise InvalidInputError(
                f"The columns for model, preset and scorer hold more than {MOST_RUNS} different values.",
                hint="Check that they are the right columns, or leave them out.",
            )
        return found

    def runs_of_rows(
        self,
        response: PlannedResponse,
        keys: Sequence[Any],
        given: Any,  # noqa: ANN401 - Arrow columns
    ) -> tuple[list[StagedRun], Any]:
        """Give the different runs of some rows, and for each row which of them it belongs to.

        NULL for a row that names no model, preset or scorer and has no response: nobody was asked.
        """
        rows = list(zip(*(key.to_pylist() for key in keys), strict=True))
        numbers: dict[Any, int] = {}
        runs: list[StagedRun] = []
        for key in dict.fromkeys(rows):
            numbers[key] = len(runs)
            runs.append(self.run(response, key))
        nobody = (None,) * len(keys)
        has_text = given.is_valid().to_pylist()
        of_rows = [
            None if row == nobody and not said else numbers[row]
            for row, said in zip(rows, has_text, strict=True)
        ]
        return runs, pa.array(of_rows, pa.int32())

    def used(self) -> list[StagedRun]:
        """Give the runs that have items."""
        return [run for run in self._runs.values() if run.n_items]


def run_rows(
    runs: Sequence[StagedRun], dataset_id: str, dataset_name: str, now: datetime
) -> list[dict[str, Any]]:
    """Give the rows of `run`: each a frozen configuration, as far as the file tells it."""
    rows = []
    for number, (run, told) in enumerate(zip(runs, told_runs(runs, dataset_name), strict=True)):
        settings = {"source": {"response": run.response.column, "score": run.response.score}}
        quality_preset, scorer_model = run.quality_preset or IMPORTED, run.scorer_model or IMPORTED
        frozen = canonical_json([dataset_id, settings, run.model, quality_preset, scorer_model])
        rows.append({
            "run_id": run.run_id, "dataset_id": dataset_id, "name": told.name, "mode": "score",
            "answered_by": "given", "endpoint": IMPORTED, "provider": None, "model": run.model,
            "quality_preset": quality_preset, "scorer_model": scorer_model,
            "settings": canonical_json(settings), "settings_hash": text_hash(frozen),
            "created_at": now + timedelta(microseconds=number),  # lists keep the order of the file
        })  # fmt: skip
    return rows


def imported_run_rows(runs: Sequence[StagedRun], dataset_id: str) -> list[dict[str, Any]]:
    """Give the rows of `imported_run`: which columns each run was made from."""
    return [
        {
            "run_id": run.run_id, "dataset_id": dataset_id, "response_column": run.response.column,
            "score_column": run.response.score, "label_column": run.response.label, "n_items": run.n_items,
        }
        for run in runs
    ]  # fmt: skip


def told_runs(runs: Sequence[StagedRun], dataset_name: str) -> tuple[ImportedRun, ...]:
    """Describe the runs, named by the model and preset that the file tells, else by their column."""
    several = len({run.response.column for run in runs}) > 1
    return tuple(
        ImportedRun(
            run.run_id,
            _name(run, dataset_name, several=several),
            run.response.column,
            run.n_items,
            run.n_scored,
        )
        for run in runs
    )


def _name(run: StagedRun, dataset_name: str, *, several: bool) -> str:
    told = [part for part in (run.model, run.quality_preset, run.scorer_model) if part]
    if several and run.model in (None, run.response.group):
        told = [run.response.column, *(part for part in told if part != run.response.group)]
    return " · ".join([dataset_name, *(told or [run.response.column])])
