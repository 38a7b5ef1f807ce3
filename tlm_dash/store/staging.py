"""Rows of a file turned into rows of the tables, a batch at a time, for a preview as for an import."""

from __future__ import annotations

import json
from datetime import datetime
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.finish_reasons import is_refusal_word
from tlm_dash.responses import is_refusal
from tlm_dash.store.answer_marks import are_blank
from tlm_dash.store.arrow_text import hexadecimal, json_objects, repeated, storable
from tlm_dash.store.hygiene import Hygiene, are_whole, of_each
from tlm_dash.store.identity import EMPTY_PROMPT, PromptRows, joined, rows_of_messages, rows_of_prompts
from tlm_dash.store.import_plan import ImportedRun, ImportPlan, PlannedResponse, RejectedRow
from tlm_dash.store.import_runs import StagedRuns, imported_run_rows, run_rows, told_runs

_CONTENT_CHARACTERS = 4000
_UNSCORED_WORDS = ("", "nan", "null", "none", "na", "n/a", "#n/a", "-")
_TOTALS = (
    r"(?i)^\s*(grand total|totals?|sum|average|avg|mean|median|summe|gesamt|mittelwert|durchschnitt|moyenne|"
    r"promedio)\s*:?\s*$"
)
_LONGEST_TOTAL_BYTES = 24
TOTAL_ROW = "The row looks like a total of the rows above: it is called so and has no response."
NO_SCORE = "The file has no score here."
NO_RESPONSE = {
    "error_kind": "no_response",
    "error_message": "The file has no response here.",
    "error_hint": "Generate one in a run of its own.",
}

Staged = dict[str, list[Any]]
"""Arrow tables by the name of the table that they are for."""


class Staging:
    """Takes batches in order. `runs`, `rejects` and `hygiene` grow with them."""

    storable = staticmethod(storable)

    def __init__(self, plan: ImportPlan) -> None:
        self.plan = plan
        self.hygiene = Hygiene()
        self.runs = StagedRuns()
        self.rejects: list[RejectedRow] = []
        self.n_items = 0
        self._n_told = dict.fromkeys((counted.column for counted in plan.counted), 0)

    @property
    def n_rows(self) -> int:
        """Tell how many rows were taken: each is an item."""
        return self.n_items

    def notes(self) -> tuple[str, ...]:
        """Tell of the counted columns how many items have something in them."""
        return tuple(
            counted.sentence(f"{n_rows:,} row" + ("s" if n_rows != 1 else ""))
            for counted in self.plan.counted
            if (n_rows := self._n_told[counted.column])
        )

    def told_runs(self, dataset_name: str) -> tuple[ImportedRun, ...]:
        """Describe the runs."""
        return told_runs(self.runs.used(), dataset_name)

    def closing_rows(
        self, dataset_id: str, dataset_name: str, now: datetime
    ) -> dict[str, list[dict[str, Any]]]:
        """Give the rows that can be written only when all others were seen."""
        runs = self.runs.used()
        return {
            "run": run_rows(runs, dataset_id, dataset_name, now),
            "imported_run": imported_run_rows(runs, dataset_id),
        }

    def stage(self, batch: Any) -> Staged:  # noqa: ANN401 - pyarrow ships no types
        """Make the rows of one batch (row_no, then the columns of the plan); each is an item or a reject."""
        # A space in front: no column of a file can have such a name, they are trimmed.
        columns = dict(zip([" row_no", *self.plan.columns()], batch.columns, strict=True))
        rows = self._prompts(columns, batch.num_rows)
        self._find_totals(rows, columns)
        if rows.problems:
            rows, columns = self._without_refused(rows, columns)
        digests = rows.digests()
        n_rows = len(digests)
        self.n_items += n_rows
        self.hygiene.saw_prompts(rows.prompts, digests)
        for name in self._n_told:
            self._n_told[name] += len(columns[name]) - columns[name].null_count
        item = {
            "item_no": columns[" row_no"],
            "prompt": rows.prompts,
            "messages": rows.messages,
            "prompt_hash": hexadecimal(digests),
            "reference": self._column(columns, self.plan.reference, n_rows),
        }
        staged: Staged = {"item": [item]}
        if self.plan.source_id or self.plan.tags or self.plan.extra:
            staged["item_extra"] = [self._extra(columns, n_rows)]
        for response in self.plan.responses:
            self._stage_response(staged, response, columns, rows)
        return staged

    def _find_totals(self, rows: PromptRows, columns: dict[str, Any]) -> None:
        """Refuse rows that a spreadsheet adds below its table: they would be asked as prompts."""
        if not self.plan.responses:
            return
        short = pc.less(pc.binary_length(rows.prompts), _LONGEST_TOTAL_BYTES)
        for response in self.plan.responses:
            short = pc.and_(short, columns[response.column].is_null())
        if not pc.any(short).as_py():
            return
        found = pc.and_(short, pc.match_substring_regex(rows.prompts, _TOTALS))
        for number in pc.indices_nonzero(pc.fill_null(found, fill_value=False)).to_pylist():
            rows.problems.setdefault(number, TOTAL_ROW)

    def _prompts(self, columns: dict[str, Any], n_rows: int) -> PromptRows:
        plan = self.plan
        if not plan.prompt:
            assert plan.messages is not None
            return rows_of_messages(columns[plan.messages])
        parts = [(text, None if name is None else columns[name]) for text, name in plan.prompt]
        return rows_of_prompts(joined(parts, n_rows), columns[plan.system] if plan.system else None)

    def _column(self, columns: dict[str, Any], name: str | None, n_rows: int) -> Any:  # noqa: ANN401
        return columns[name] if name is not None else repeated(None, n_rows)

    def _without_refused(
        self, rows: PromptRows, columns: dict[str, Any]
    ) -> tuple[PromptRows, dict[str, Any]]:
        for number, problem in rows.problems.items():
            self.hygiene.empty_prompts += problem == EMPTY_PROMPT
            cells = {name: columns[name][number].as_py() for name in self.plan.columns()}
            shown = {name: cell for name, cell in cells.items() if cell is not None}
            content = json.dumps(shown, ensure_ascii=False)[:_CONTENT_CHARACTERS]
            self.rejects.append(RejectedRow(columns[" row_no"][number].as_py(), problem, content))
        kept = pa.array([number not in rows.problems for number in range(len(rows.hashers))])
        return rows.without_refused(), {name: column.filter(kept) for name, column in columns.items()}

    def _extra(self, columns: dict[str, Any], n_rows: int) -> dict[str, Any]:
        plan = self.plan
        return {
            "item_no": columns[" row_no"],
            "source_id": self._column(columns, plan.source_id, n_rows),
            "tags": json_objects({name: columns[name] for name in plan.tags}, n_rows, few=True),
            "extra": json_objects({name: columns[name] for name in plan.extra}, n_rows),
        }

    def _stage_response(
        self, staged: Staged, response: PlannedResponse, columns: dict[str, Any], rows: PromptRows
    ) -> None:
        n_rows = len(rows.hashers)
        texts = columns[response.column]
        ends = self._column(columns, response.finish_reason, n_rows)
        self.hygiene.saw_responses(texts, ends)
        messages = None if response.message is None else columns[response.message]
        hashes = hexadecimal(rows.response_digests(texts, messages))
        run_ids, models, scores, reasons = self._results(response, columns, n_rows)
        item_nos = columns[" row_no"]
        given = pc.and_(texts.is_valid(), run_ids.is_valid())
        ids = pc.if_else(given, pc.binary_join_element_wise(run_ids, item_nos.cast(pa.string()), "-"), None)
        completion = {
            "completion_id": ids, "item_no": item_nos, "response_hash": hashes, "response": texts,
            "model": models, "finish_reason": ends,
            "is_complete": pc.and_not(are_whole(ends), are_blank(texts)),
            "is_refusal": of_each(ends, is_refusal_word),
        }  # fmt: skip
        if any(other.message is not None for other in self.plan.responses):
            completion["extra"] = _extras(messages, n_rows)
        if messages is not None:
            completion["is_refusal"] = pc.or_(completion["is_refusal"], _refusals(messages))
        run_item = {
            "run_id": run_ids, "item_no": item_nos, "status": pc.if_else(given, "done", "error"),
            "completion_id": ids, "response_hash": hashes,
            "trustworthiness_score": pc.if_else(given, scores, None),
            "unscored_reason": pc.if_else(given, reasons, None),
        } | {name: pc.if_else(given, None, told) for name, told in NO_RESPONSE.items()}  # fmt: skip
        _add(staged, "completion", completion, given)
        _add(staged, "run_item", run_item, run_ids.is_valid())
        if response.label is not None:
            labels = columns[response.label]
            verdict = {"run_id": run_ids, "item_no": item_nos, "response_hash": hashes, "label": labels}
            _add(staged, "imported_label", verdict, pc.and_(labels.is_valid(), run_ids.is_valid()))

    def _results(
        self, response: PlannedResponse, columns: dict[str, Any], n_rows: int
    ) -> tuple[Any, Any, Any, Any]:
        """Give run_id, model, score and the reason of no score of every row, and count them in their runs."""
        scores, reasons = self._scores(self._column(columns, response.score, n_rows))
        texts = columns[response.column]
        scored = pc.and_(scores.is_valid(), texts.is_valid())
        sources = (response.model or self.plan.model, self.plan.quality_preset, self.plan.scorer_model)
        if sources == (None, None, None):
            run = self.runs.run(response, (response.group, None, None))
            run.n_items += n_rows
            run.n_scored += int(pc.sum(scored).as_py() or 0)
            return repeated(run.run_id, n_rows), repeated(run.model, n_rows), scores, reasons
        keys = [self._column(columns, source, n_rows) for source in sources]
        runs, of_rows = self.runs.runs_of_rows(response, keys, texts)
        for number, run in enumerate(runs):
            mine = pc.equal(of_rows, number)
            run.n_items += int(pc.sum(mine).as_py() or 0)
            run.n_scored += int(pc.sum(pc.and_(mine, scored)).as_py() or 0)
        run_ids = pa.array([run.run_id for run in runs], pa.string()).take(of_rows)
        models = pa.array([run.model for run in runs], pa.string()).take(of_rows)
        return run_ids, models, scores, reasons

    def _scores(self, said: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Read scores: numbers from 0 to 1, or NULL with the reason."""
        try:
            numbers = said.cast(pa.float64())
            fits = pc.and_(pc.greater_equal(numbers, 0.0), pc.less_equal(numbers, 1.0))
            if pc.all(fits).as_py() is not False:
                # + 0.0: no "-0.0"
                return pc.add(numbers, 0.0), pc.if_else(numbers.is_valid(), None, NO_SCORE)
        except pa.ArrowInvalid:
            pass
        read = [self._score(text) for text in said.to_pylist()]
        return pa.array([s for s, _ in read], pa.float64()), pa.array([r for _, r in read], pa.string())

    def _score(self, said: str | None) -> tuple[float | None, str | None]:
        if said is None or said.strip().lower() in _UNSCORED_WORDS:
            return None, NO_SCORE
        try:
            score = float(said)
        except ValueError:
            score = float("nan")
        if isfinite(score) and 0 <= score <= 1:
            return score + 0.0, None
        self.hygiene.bad_scores += 1
        return None, f"The file says {said[:40]!r}, which is not a number from 0 to 1."


def _extras(messages: Any | None, n_rows: int) -> Any:  # noqa: ANN401 - Arrow columns
    """Write what answers hold beside their text as `completion.extra` has it."""
    if messages is None:
        return repeated("{}", n_rows)
    return pc.fill_null(pc.binary_join_element_wise('{"message":', messages, "}", ""), "{}")


def _refusals(messages: Any) -> Any:  # noqa: ANN401 - an Arrow column
    """Tell which answers hold a refusal in a field of its own."""
    read = (None if text is None else json.loads(text) for text in messages.to_pylist())
    return pa.array([rest is not None and is_refusal({"message": rest}, None) for rest in read], pa.bool_())


def _add(staged: Staged, table: str, columns: dict[str, Any], kept: Any) -> None:  # noqa: ANN401
    if not pc.all(kept).as_py():
        columns = {name: column.filter(kept) for name, column in columns.items()}
    staged.setdefault(table, []).append(columns)
