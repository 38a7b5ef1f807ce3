"""Rows of a file turned into rows of the tables, a batch at a time, for a preview as for an import."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from tlm_dash.models import canonical_json, new_id, text_hash
from tlm_dash.store.identity import PromptRow, rows_of_messages, rows_of_prompts
from tlm_dash.store.import_plan import Hygiene, ImportPlan, PlannedResponse, RejectedRow

IMPORTED = "imported"
"""Stands where an endpoint, a preset or a scorer would: the file does not say."""

MOST_RUNS = 500
_CONTENT_CHARACTERS = 4000
NO_SCORE = "The file has no score here."
NO_RESPONSE = ("no_response", "The file has no response here.", "Generate one in a run of its own.")

Columns = Mapping[str, Sequence[str | None]]


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


# What a batch brings to each table; the rest of the columns is the same for the whole import.
STAGED_COLUMNS = {
    "item": ("item_no", "prompt", "messages", "prompt_hash", "reference"),
    "item_extra": ("item_no", "source_id", "tags", "extra"),
    "completion": (
        "completion_id", "item_no", "response_hash", "response", "model", "finish_reason", "is_complete",
    ),
    "run_item": (
        "run_id", "item_no", "status", "completion_id", "response_hash", "trustworthiness_score",
        "unscored_reason", "error_kind", "error_message", "error_hint",
    ),
    "imported_label": ("run_id", "item_no", "response_hash", "label"),
}  # fmt: skip


@dataclass
class Staged:
    """Rows for the tables, values in the order of STAGED_COLUMNS."""

    item: list[tuple[Any, ...]] = field(default_factory=list)
    item_extra: list[tuple[Any, ...]] = field(default_factory=list)
    completion: list[tuple[Any, ...]] = field(default_factory=list)
    run_item: list[tuple[Any, ...]] = field(default_factory=list)
    imported_label: list[tuple[Any, ...]] = field(default_factory=list)


class Staging:
    """Takes batches in order. `runs`, `rejects` and `hygiene` grow with them."""

    def __init__(self, plan: ImportPlan) -> None:
        self.plan = plan
        self.hygiene = Hygiene()
        self.runs: dict[tuple[Any, ...], StagedRun] = {}
        self.rejects: list[RejectedRow] = []
        self.n_items = 0

    def stage(self, row_nos: Sequence[int], columns: Columns) -> Staged:
        """Make the rows of one batch. Every row becomes an item or a reject."""
        plan = self.plan
        rows = self._prompts(columns, len(row_nos))
        if any(row.problem is not None for row in rows):
            row_nos, columns, rows = self._without_refused(row_nos, columns, rows)
        hashes = [row.prompt_hash for row in rows]
        prompts = [row.prompt for row in rows]
        self.n_items += len(rows)
        self.hygiene.saw_prompts(prompts, hashes)
        references = columns[plan.reference] if plan.reference else [None] * len(rows)
        messages = [row.messages for row in rows]
        staged = Staged(item=list(zip(row_nos, prompts, messages, hashes, references, strict=True)))
        if plan.source_id or plan.tags or plan.extra:
            staged.item_extra = self._extra(row_nos, columns)
        for response in plan.responses:
            self._stage_response(staged, response, row_nos, columns, rows)
        return staged

    def _prompts(self, columns: Columns, n_rows: int) -> list[PromptRow]:
        plan = self.plan
        if plan.messages is not None:
            return rows_of_messages(columns[plan.messages])
        systems = columns[plan.system] if plan.system else None
        if len(plan.prompt) == 1 and plan.prompt[0][0] == "" and plan.prompt[0][1] is not None:
            return rows_of_prompts(columns[plan.prompt[0][1]], systems)
        filled = [
            "".join([t + ((columns[c][n] or "") if c else "") for t, c in plan.prompt]) for n in range(n_rows)
        ]
        return rows_of_prompts(filled, systems)

    def _without_refused(
        self, row_nos: Sequence[int], columns: Columns, rows: Sequence[PromptRow]
    ) -> tuple[list[int], Columns, list[PromptRow]]:
        kept = [number for number, row in enumerate(rows) if row.problem is None]
        for number, row in enumerate(rows):
            if row.problem is not None:
                self.hygiene.empty_prompts += "empty" in row.problem
                cells = {
                    name: values[number] for name, values in columns.items() if values[number] is not None
                }
                content = json.dumps(cells, ensure_ascii=False)[:_CONTENT_CHARACTERS]
                self.rejects.append(RejectedRow(row_nos[number], row.problem, content))
        picked = {name: [values[number] for number in kept] for name, values in columns.items()}
        return [row_nos[number] for number in kept], picked, [rows[number] for number in kept]

    def _extra(self, row_nos: Sequence[int], columns: Columns) -> list[tuple[Any, ...]]:
        plan = self.plan
        n_rows = len(row_nos)
        ids = columns[plan.source_id] if plan.source_id else [None] * n_rows
        tags, extra = _objects(plan.tags, columns, n_rows), _objects(plan.extra, columns, n_rows)
        return list(zip(row_nos, ids, tags, extra, strict=True))

    def _stage_response(
        self,
        staged: Staged,
        response: PlannedResponse,
        row_nos: Sequence[int],
        columns: Columns,
        rows: Sequence[PromptRow],
    ) -> None:
        def of(column: str | None) -> Sequence[str | None]:
            return [None] * len(rows) if column is None else columns[column]

        runs = self._runs_of(response, columns, len(row_nos))
        cells = zip(of(response.column), of(response.score), of(response.label), of(response.finish_reason),
                    strict=True)  # fmt: skip
        for row_no, row, run, (text, said, label, end) in zip(row_nos, rows, runs, cells, strict=True):
            if run is None:
                self.hygiene.empty_responses += 1
                continue
            run.n_items += 1
            score, unscored = (None, NO_SCORE) if said is None else self._score(said)
            hashed = None
            if text is None:
                self.hygiene.empty_responses += 1
                staged.run_item.append((run.run_id, row_no, "error", None, None, None, None, *NO_RESPONSE))
            else:
                self.hygiene.saw_response(text, end)
                hashed = row.response_hash(text)
                run.n_scored += score is not None
                given = f"{run.run_id}-{row_no}"
                staged.completion.append((given, row_no, hashed, text, run.model, end, end != "length"))
                staged.run_item.append(
                    (run.run_id, row_no, "done", given, hashed, score, unscored, None, None, None)
                )
            if label is not None:
                staged.imported_label.append((run.run_id, row_no, hashed, label))

    def _score(self, said: str) -> tuple[float | None, str | None]:
        """Read a score: a number from 0 to 1, or none with the reason."""
        try:
            score = float(said)
        except ValueError:
            score = float("nan")
        if isfinite(score) and 0 <= score <= 1:
            return score + 0.0, None  # + 0.0: no "-0.0"
        if not said.strip() or said.strip().lower() in ("nan", "null", "none", "na", "n/a"):
            return None, NO_SCORE
        self.hygiene.bad_scores += 1
        return None, f"The file says {said[:40]!r}, which is not a number from 0 to 1."

    def _runs_of(
        self, response: PlannedResponse, columns: Columns, n_rows: int
    ) -> Sequence[StagedRun | None]:
        """Give the run of every row; a new model, preset or scorer in the file begins a new run.

        None for a row that names none of them and has no response: nobody was asked.
        """
        plan = self.plan
        sources = (response.model or plan.model, plan.quality_preset, plan.scorer_model)
        if sources == (None, None, None):
            return [self._run(response, (response.group, None, None))] * n_rows
        values = [columns[name] if name else [None] * n_rows for name in sources]
        keys = list(zip(*values, strict=True))
        texts = columns[response.column]
        nobody = (None, None, None)
        asked = [
            None if key == nobody and text is None else key for key, text in zip(keys, texts, strict=True)
        ]
        found = {key: None if key is None else self._run(response, key) for key in dict.fromkeys(asked)}
        return [found[key] for key in asked]

    def _run(self, response: PlannedResponse, key: tuple[str | None, ...]) -> StagedRun:
        model, preset, scorer = (value or None for value in key)
        return self.runs.setdefault(
            (response.column, model, preset, scorer), StagedRun(new_id(), response, model, preset, scorer)
        )


def _objects(names: Sequence[str], columns: Columns, n_rows: int) -> list[str]:
    """Write the cells of some columns as a JSON object per row; empty cells are left out."""
    if not names:
        return ["{}"] * n_rows
    cells = zip(*(columns[name] for name in names), strict=True)
    return [
        canonical_json({name: cell for name, cell in zip(names, row, strict=True) if cell is not None})
        for row in cells
    ]


def run_rows(
    runs: Mapping[tuple[Any, ...], StagedRun], dataset_id: str, dataset_name: str, now: datetime
) -> list[dict[str, Any]]:
    """Give the rows of `run`: each a frozen configuration, as far as the file tells it."""
    several = len({run.response.column for run in runs.values()}) > 1
    rows = []
    for run in runs.values():
        settings = {"source": {"response": run.response.column, "score": run.response.score}}
        quality_preset, scorer_model = run.quality_preset or IMPORTED, run.scorer_model or IMPORTED
        frozen = canonical_json([dataset_id, settings, run.model, quality_preset, scorer_model])
        rows.append({
            "run_id": run.run_id, "dataset_id": dataset_id,
            "name": run_name(run, dataset_name, several=several), "mode": "score", "answered_by": "given",
            "endpoint": IMPORTED, "provider": None, "model": run.model, "quality_preset": quality_preset,
            "scorer_model": scorer_model, "settings": canonical_json(settings),
            "settings_hash": text_hash(frozen), "created_at": now,
        })  # fmt: skip
    return rows


def run_name(run: StagedRun, dataset_name: str, *, several: bool) -> str:
    """Name a run by the model and preset that the file tells, else by its column."""
    told = [part for part in (run.model, run.quality_preset, run.scorer_model) if part]
    by_column = not told or (several and run.model in (None, run.response.group))
    parts = [dataset_name, *([run.response.column] if by_column else [])]
    if told and not (by_column and run.model == run.response.group and len(told) == 1):
        parts.extend(part for part in told if part != run.response.group or not by_column)
    return " · ".join(parts)
