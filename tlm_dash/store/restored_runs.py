"""The runs of an export that is imported again: what they were, under ids of their own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import AnsweredBy, RunMode, canonical_json, new_id, text_hash
from tlm_dash.store.import_plan import ImportedRun
from tlm_dash.store.import_runs import IMPORTED, MOST_RUNS
from tlm_dash.store.restored_values import json_value

RUN_COLUMNS = (
    "run", "mode", "answered_by", "endpoint", "provider", "model", "quality_preset", "scorer_model",
    "label_column",
)  # fmt: skip


@dataclass
class RestoredRun:
    """A run in the making; `told` is what the first of its rows says of it, by the names of RUN_COLUMNS."""

    run_id: str
    told: Mapping[str, str | None]
    settings: Any = field(default_factory=dict)
    n_items: int = 0
    n_scored: int = 0
    label_column: str | None = None

    def read_settings(self, text: str) -> None:
        """Take the frozen settings from their JSON; what is none changes nothing."""
        with suppress(ValueError, RecursionError):
            self.settings = json_value(text)

    def row(self, dataset_id: str, now: datetime) -> dict[str, Any]:
        """Give its row of `run`."""
        told = self.told
        mode = told["mode"] if told["mode"] in get_args(RunMode) else "score"
        answered_by = told["answered_by"] if told["answered_by"] in get_args(AnsweredBy) else "given"
        frozen = [dataset_id, self.settings, *(told[name] for name in RUN_COLUMNS[1:-1])]
        return {
            "run_id": self.run_id, "dataset_id": dataset_id, "name": told["run"] or "run", "mode": mode,
            "answered_by": answered_by, "endpoint": told["endpoint"] or IMPORTED,
            "provider": told["provider"], "model": told["model"],
            "quality_preset": told["quality_preset"] or IMPORTED, "scorer_model": told["scorer_model"],
            "settings": canonical_json(self.settings), "settings_hash": text_hash(canonical_json(frozen)),
            "created_at": now,
        }  # fmt: skip

    def imported_row(self, dataset_id: str) -> dict[str, Any]:
        """Give its row of `imported_run`."""
        return {
            "run_id": self.run_id, "dataset_id": dataset_id, "response_column": "response",
            "score_column": "trustworthiness_score" if self.n_scored else None,
            "label_column": self.label_column, "n_items": self.n_items,
        }  # fmt: skip

    def as_imported(self) -> ImportedRun:
        """Describe it as it is shown after an import."""
        return ImportedRun(self.run_id, self.told["run"] or "run", "response", self.n_items, self.n_scored)


class RestoredRuns:
    """All runs of one export, by the id that they have there."""

    def __init__(self) -> None:
        self._runs: dict[str, RestoredRun] = {}

    def run(self, old_id: str, told: Mapping[str, str | None]) -> RestoredRun:
        """Give a run; makes it where it is new. Raises InvalidInputError for more runs than anyone wants."""
        if old_id not in self._runs:
            if len(self._runs) >= MOST_RUNS:
                raise InvalidInputError(
                    f"The file holds more than {MOST_RUNS} runs.", hint="Check its column run_id."
                )
            self._runs[old_id] = RestoredRun(new_id(), told, label_column=told["label_column"])
        return self._runs[old_id]

    def used(self) -> list[RestoredRun]:
        """Give the runs that have items."""
        return [run for run in self._runs.values() if run.n_items]
