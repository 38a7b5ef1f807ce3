"""Rows of an export turned back into rows of the tables: the same items, runs, scores, labels and notes.

Nothing of the file is taken on trust that can be computed: hashes are made anew, and a row whose texts were
changed after the export is rejected, since its score and labels belong to what stood there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import EXPORT_MARK
from tlm_dash.store.arrow_text import repeated, storable
from tlm_dash.store.export_query import EXPORT_COLUMNS
from tlm_dash.store.hygiene import Hygiene
from tlm_dash.store.import_plan import AnyPlan, ImportedRun, RejectedRow, RestorePlan
from tlm_dash.store.restored_items import KnownItems, RowHashes
from tlm_dash.store.restored_labels import RestoredLabels, are_annotations
from tlm_dash.store.restored_results import result_tables
from tlm_dash.store.restored_runs import RUN_COLUMNS, RestoredRun, RestoredRuns
from tlm_dash.store.restored_values import JSON_KINDS, typed_columns
from tlm_dash.store.staging import Staged, Staging
from tlm_dash.store.text import ESCAPE, original_text, stored_text

NEEDED_COLUMNS = frozenset({"item_no", "run_id", "prompt", "status", EXPORT_MARK})
"""Without these a file is a table like any other."""

_STATUSES = ("done", "error", "pending")
_CONTENT_CHARACTERS = 4000
_CHANGED = "The prompt or response is not the one that was exported, so that score and labels do not fit it."
_NAMES = tuple(column.name for column in EXPORT_COLUMNS)


def export_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of a file that are read where it is an export of ours; none where it is not."""
    return tuple(name for name in _NAMES if name in names) if set(names) >= NEEDED_COLUMNS else ()


class Restoring:
    """Takes batches of an export in order, as Staging does of any file; the counts grow with them."""

    def __init__(self, plan: RestorePlan) -> None:
        self.plan = plan
        self.hygiene = Hygiene()
        self.rejects: list[RejectedRow] = []
        self.n_rows = 0
        self._items = KnownItems()
        self._runs = RestoredRuns()
        self._labels = RestoredLabels()
        self._dataset: str | None = None

    @property
    def n_items(self) -> int:
        """Tell how many different items there were: each run has a row for its own."""
        return self._items.n_items

    def notes(self) -> tuple[str, ...]:
        """Tell nothing: an export comes back whole."""
        return ()

    def stage(self, batch: Any) -> Staged:  # noqa: ANN401 - pyarrow ships no types
        """Make the rows of one batch (row_no, then the columns of the plan); each is kept or rejected."""
        columns = {name: repeated(None, batch.num_rows) for name in _NAMES}
        columns |= dict(zip([" row_no", *self.plan.columns()], batch.columns, strict=True))
        if self.plan.undo is not None:
            columns |= {name: self.plan.undo(columns[name]) for name in self.plan.columns()}
        typed = typed_columns(columns)
        hashes = RowHashes(columns, typed["response_extra"])
        problems = self._problems(columns, typed, hashes)
        if problems:
            self._reject(columns, problems)
            kept = pa.array([number not in problems for number in range(batch.num_rows)], pa.bool_())
            columns = {name: column.filter(kept) for name, column in columns.items()}
            typed = {name: column.filter(kept) for name, column in typed.items()}
            hashes.keep(kept)
        columns["response"] = hashes.responses
        typed["is_refusal"] = pc.if_else(pa.array(hashes.refused), True, typed["is_refusal"])
        self.n_rows += len(hashes)
        return self._staged(columns, typed, hashes)

    @staticmethod
    def storable(array: Any) -> Any:  # noqa: ANN401 - an Arrow column
        """Write rare characters as text.py says; what an export left as it is stored stays so."""
        if array.type != pa.string() or not pc.any(pc.match_substring(array, ESCAPE)).as_py():
            return storable(array)
        return pa.array([None if text is None else _stored(text) for text in array.to_pylist()], pa.string())

    def told_runs(self, dataset_name: str) -> tuple[ImportedRun, ...]:  # noqa: ARG002 - they have their names
        """Describe the runs."""
        return tuple(run.as_imported() for run in self._runs.used())

    def closing_rows(
        self,
        dataset_id: str,
        dataset_name: str,  # noqa: ARG002 - runs have their names
        now: datetime,
    ) -> dict[str, list[dict[str, Any]]]:
        """Give the rows that can be written only when all others were seen."""
        runs = self._runs.used()
        made: dict[str, list[dict[str, Any]]] = {
            # Lists keep the order of the file.
            "run": [
                run.row(dataset_id, now + timedelta(microseconds=number)) for number, run in enumerate(runs)
            ],
            "imported_run": [run.imported_row(dataset_id) for run in runs],
        }
        return made | self._labels.closing_rows(dataset_id, now)

    def _problems(
        self, columns: Mapping[str, Any], typed: Mapping[str, Any], hashes: RowHashes
    ) -> dict[int, str]:
        """Say by number why rows cannot be used."""
        found = dict(hashes.problems)

        def say(mask: Any, reason: str) -> None:  # noqa: ANN401 - an Arrow column of truths
            for number in pc.indices_nonzero(pc.fill_null(mask, fill_value=False)).to_pylist():
                found.setdefault(number, reason)

        if self._dataset is None and hashes:
            self._dataset = columns["dataset_id"][0].as_py()
        say(pc.fill_null(pc.less(typed["item_no"], 1), fill_value=True), "The row has no number of its item.")
        say(pc.is_null(columns["run_id"]), "The row does not say which run it belongs to.")
        known = pc.is_in(columns["status"], pa.array(_STATUSES))
        say(pc.invert(known), "The status of the row is none of done, error and pending.")
        if self._dataset is not None:
            other = pc.not_equal(columns["dataset_id"], self._dataset)
            say(other, "The row belongs to another dataset than the rows before it.")
        say(pc.not_equal(columns["prompt_hash"], hashes.prompt_hash), _CHANGED)
        other = pc.not_equal(columns["response_hash"], hashes.response_hash)
        say(pc.and_(other, pa.array(~hashes.is_older)), _CHANGED)
        for name in JSON_KINDS:
            broken = pc.and_(pc.is_valid(columns[name]), pc.is_null(typed[name]))
            say(broken, f"What stands in the column {name} is not what an export writes.")
        for number in pc.indices_nonzero(pc.is_valid(columns["annotations"])).to_pylist():
            if not are_annotations(columns["annotations"][number].as_py()):
                found.setdefault(number, "The annotations of the row cannot be read.")
        usable = pa.array([number not in found for number in range(len(hashes))], pa.bool_())
        return found | self._items.problems(typed["item_no"], columns["run_id"], hashes, usable)

    def _reject(self, columns: Mapping[str, Any], problems: Mapping[int, str]) -> None:
        for number, reason in sorted(problems.items()):
            cells = {name: columns[name][number].as_py() for name in self.plan.columns()}
            shown = {name: cell for name, cell in cells.items() if cell is not None}
            content = json.dumps(shown, ensure_ascii=False)[:_CONTENT_CHARACTERS]
            self.rejects.append(RejectedRow(columns[" row_no"][number].as_py(), reason, content))

    def _staged(self, columns: Mapping[str, Any], typed: Mapping[str, Any], hashes: RowHashes) -> Staged:
        fresh = self._items.add(typed["item_no"], columns["run_id"], hashes)
        staged = self._item_tables(columns, typed, hashes, fresh)
        runs, of_rows = self._runs_of(columns)
        run_ids = pa.array([run.run_id for run in runs], pa.string()).take(of_rows)
        self.hygiene.saw_responses(columns["response"], columns["finish_reason"])
        tables, scored = result_tables(columns, typed, hashes, run_ids, self.hygiene)
        staged |= tables
        for number, run in enumerate(runs):
            mine = pc.equal(of_rows, number)
            run.n_items += int(pc.sum(mine).as_py() or 0)
            run.n_scored += int(pc.sum(pc.and_(mine, scored)).as_py() or 0)
        said = pc.and_(pc.is_valid(columns["annotations"]), pa.array(hashes.is_older))
        if n_aside := int(pc.sum(said).as_py() or 0):
            self.hygiene.labels_set_aside += n_aside
            columns = {**columns, "annotations": pc.if_else(said, None, columns["annotations"])}
        staged |= self._labels.tables(columns, typed, hashes, [runs[n] for n in of_rows.to_pylist()])
        return staged

    def _item_tables(
        self,
        columns: Mapping[str, Any],
        typed: Mapping[str, Any],
        hashes: RowHashes,
        fresh: Any,  # noqa: ANN401
    ) -> Staged:
        prompts = hashes.prompts.filter(fresh)
        is_fresh = fresh.to_pylist()
        digests = [digest for digest, first in zip(hashes.digests(), is_fresh, strict=True) if first]
        self.hygiene.saw_prompts(prompts, digests)
        item_no = typed["item_no"].filter(fresh)
        item = {
            "item_no": item_no, "prompt": prompts, "messages": hashes.messages.filter(fresh),
            "prompt_hash": hashes.prompt_hash.filter(fresh), "reference": columns["reference"].filter(fresh),
        }  # fmt: skip
        if all(columns[name].null_count == len(hashes) for name in ("source_id", "tags", "extra")):
            return {"item": [item]}
        extra = {"item_no": item_no, "source_id": columns["source_id"].filter(fresh)}
        extra |= {name: pc.fill_null(typed[name].filter(fresh), "{}") for name in ("tags", "extra")}
        return {"item": [item], "item_extra": [extra]}

    def _runs_of(self, columns: Mapping[str, Any]) -> tuple[list[RestoredRun], Any]:
        """Give the runs of some rows, and for each row the number of its run."""
        coded = columns["run_id"].dictionary_encode()
        runs = []
        for number, old_id in enumerate(coded.dictionary.to_pylist()):
            row = pc.index(coded.indices, number).as_py()
            runs.append(self._runs.run(old_id, {name: columns[name][row].as_py() for name in RUN_COLUMNS}))
        for row in pc.indices_nonzero(pc.is_valid(columns["run_settings"])).to_pylist():
            runs[coded.indices[row].as_py()].read_settings(columns["run_settings"][row].as_py())
        for row in pc.indices_nonzero(pc.is_valid(columns["label_order"])).to_pylist():
            self._labels.learn_order(columns["label_order"][row].as_py())
        return runs, coded.indices


def staging_of(plan: AnyPlan) -> Staging | Restoring:
    """Give what takes the batches of an import."""
    return Restoring(plan) if isinstance(plan, RestorePlan) else Staging(plan)


def _stored(text: str) -> str:
    return text if stored_text(original_text(text)) == text else stored_text(text)
