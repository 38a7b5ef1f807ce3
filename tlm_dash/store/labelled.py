"""The rows of a run in columns, with their labels, and how far plans that may speak for them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tlm_dash.store.answer_marks import MARKED_ANSWERS
from tlm_dash.store.database import Store
from tlm_dash.store.labels import STANDING, run_labels
from tlm_dash.store.run_models import RunRecord
from tlm_dash.store.selected_items import IS_SELECTED, selection_parameters
from tlm_dash.store.text import stored_parameters

# Rows that came with a file are there as a whole, as are those of the playground, which may be several of one
# item; other runs have items that they have not come to yet.
_IMPORTED_ITEMS = "SELECT DISTINCT item_no FROM run_item WHERE run_id = $run_id"
_PLANNED_ITEMS = f"""
SELECT item_no FROM item
WHERE dataset_id = $dataset_id AND {IS_SELECTED}
    AND ($source IS NULL OR item_no IN (
        SELECT item_no FROM run_item WHERE run_id = $source AND completion_id IS NOT NULL
    ))
"""  # noqa: S608 - fixed text

# A response that came with a file has neither times nor tokens: only the others are looked for.
_COLUMNS = """
timed AS (
    SELECT completion_id, latency_ms, input_tokens, output_tokens FROM completion
    WHERE dataset_id = $dataset_id AND answered_by <> 'given'
)
SELECT
    n.item_no, i.prompt_hash, r.response_hash, coalesce(r.status, 'pending') AS status,
    r.trustworthiness_score AS score, r.label, r.label_source AS source, r.label_state AS state,
    coalesce(t.latency_ms + coalesce(r.score_latency_ms, 0), r.score_latency_ms) AS latency_ms,
    t.input_tokens, t.output_tokens, r.has_imported, r.has_column, r.has_matcher,
    {mark} AS mark
FROM member AS n
JOIN (SELECT item_no, prompt_hash FROM item WHERE dataset_id = $dataset_id) AS i ON i.item_no = n.item_no
LEFT JOIN run_label AS r ON r.item_no = n.item_no
LEFT JOIN timed AS t ON t.completion_id = r.completion_id
{joined}
ORDER BY n.item_no
"""

# Most runs have no marked answer: then they are not looked for row by row.
_MARKS = {
    "mark": "CASE WHEN r.status = 'done' THEN m.mark END",
    "joined": "LEFT JOIN marked_answer AS m ON m.completion_id = r.completion_id",
}
_NO_MARKS = {"mark": "CAST(NULL AS VARCHAR)", "joined": ""}
_HAS_MARKS = f"WITH {MARKED_ANSWERS} SELECT EXISTS (FROM marked_answer)"

_PLANS = """
SELECT plan_id, run_id, dataset_id, kind, n_items, n_population, created_by, created_at FROM label_plan
WHERE kind IN ('uniform', 'stratified') AND dataset_id = ? ORDER BY created_at, plan_id
"""

_POSITIONS = f"""
WITH {STANDING},
visit AS (
    SELECT DISTINCT response_hash FROM standing
    WHERE plan_id = $plan_id AND source = 'person' AND kind IN ('verdict', 'skip', 'resolution')
)
SELECT p.item_no, p.response_hash, p.inclusion_probability, v.response_hash IS NOT NULL
FROM label_plan_item AS p LEFT JOIN visit AS v USING (response_hash)
WHERE p.plan_id = $plan_id ORDER BY p.position
"""  # noqa: S608 - fixed text

# The answered rows of a run, each as it was answered first: in the playground some are scored again. Those
# few are looked for beforehand, so that the others need not be told apart.
_FIRST_DONE = """
    SELECT item_no, response_hash, written_at FROM run_item
    ANTI JOIN (
        SELECT item_no FROM run_item WHERE run_id = {run} AND status = 'done' AND attempt_no > 1
    ) AS again USING (item_no)
    WHERE run_id = {run} AND status = 'done'
    UNION ALL
    SELECT item_no, min(response_hash), min(written_at) FROM run_item
    SEMI JOIN (
        SELECT item_no FROM run_item WHERE run_id = {run} AND status = 'done' AND attempt_no > 1
    ) AS again USING (item_no)
    WHERE run_id = {run} AND status = 'done' GROUP BY item_no
"""

_COVERED_SAME = f"""
SELECT count(*), count(*) FILTER (WHERE written_at <= $made_at)
FROM ({_FIRST_DONE.format(run="$run_id")})
"""  # noqa: S608 - fixed text
_COVERED_OTHER = f"""
SELECT count(*), count(p.item_no)
FROM ({_FIRST_DONE.format(run="$run_id")}) AS r
LEFT JOIN (
    SELECT item_no, response_hash FROM ({_FIRST_DONE.format(run="$drawn_from")})
    WHERE written_at <= $made_at
) AS p USING (item_no, response_hash)
"""  # noqa: S608 - fixed text

# A verdict belongs to a response, which other rows of the run may hold too: these are the rows it came for.
_IMPORTED_AT = """
SELECT DISTINCT item_no, response_hash FROM annotation
WHERE dataset_id = ? AND source = 'imported' AND kind <> 'retraction'
"""

_STATED = """
SELECT source, is_uniform, decided_by, note FROM label_basis WHERE run_id = ?
QUALIFY row_number() OVER (PARTITION BY source ORDER BY created_at DESC) = 1
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan whose labels feed estimates; the columns of `label_plan`."""

    plan_id: str
    run_id: str
    dataset_id: str
    kind: str
    n_items: int
    n_population: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """A row of a plan. `is_visited`: the plan led somebody to it, who gave a verdict or skipped it."""

    item_no: int
    response_hash: str
    inclusion_probability: float | None
    is_visited: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A person said whether the labels of a source are a uniform sample of a run."""

    source: str
    is_uniform: bool
    decided_by: str | None
    note: str | None


def run_columns(store: Store, record: RunRecord) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Give all rows of a run in the order of their items, as an Arrow table with the columns of _COLUMNS."""
    items, parameters = _items(record)
    ((has_marks,),) = store.read(_HAS_MARKS, {"dataset_id": record.dataset_id})
    columns = (f"{MARKED_ANSWERS},{_COLUMNS}" if has_marks else _COLUMNS).format(
        **(_MARKS if has_marks else _NO_MARKS)
    )
    sql = f"WITH {run_labels(store, [record.run_id])},\nmember AS ({items}),{columns}"  # noqa: S608 - our own text
    named = stored_parameters({
        **parameters, "run_ids": [record.run_id], "dataset_id": record.dataset_id,
    })  # fmt: skip

    def fetch(cursor: Any) -> Any:  # noqa: ANN401
        return cursor.sql(sql, params=named).to_arrow_table()

    return store.transact(fetch)


def plans_of(store: Store, dataset_id: str) -> tuple[Plan, ...]:
    """Give the uniform and stratified plans of a dataset, oldest first."""
    return tuple(Plan(**row) for row in store.read_rows(_PLANS, [dataset_id]))


def positions(store: Store, plan_id: str) -> Sequence[Position]:
    """Give the rows of a plan in its order, with whether anybody has been there."""
    return [
        Position(item_no, hashed, chance, visited)
        for item_no, hashed, chance, visited in store.read(_POSITIONS, {"plan_id": plan_id})
    ]


def covered_rows(store: Store, run_id: str, plan: Plan) -> tuple[int, int]:
    """Count the answered rows of a run, and those of them that the plan could have taken."""
    parameters: dict[str, Any] = {"run_id": run_id, "made_at": plan.created_at}
    if plan.run_id == run_id:
        ((n, covered),) = store.read(_COVERED_SAME, parameters)
    else:
        ((n, covered),) = store.read(_COVERED_OTHER, {**parameters, "drawn_from": plan.run_id})
    return n, covered


def imported_at(store: Store, dataset_id: str) -> set[tuple[int, str]]:
    """Give the rows (item and response) that label files spoke of, copies of their responses left out."""
    return {(item_no, hashed) for item_no, hashed in store.read(_IMPORTED_AT, [dataset_id])}


def statements(store: Store, run_id: str) -> dict[str, Statement]:
    """Give by source what a person last said of how its labels were chosen."""
    return {row["source"]: Statement(**row) for row in store.read_rows(_STATED, [run_id])}


def _items(record: RunRecord) -> tuple[str, dict[str, Any]]:
    if record.selection is None:
        return _IMPORTED_ITEMS, {"run_id": record.run_id}
    return _PLANNED_ITEMS, selection_parameters(record.selection) | {"source": record.source_run_id}
