"""Plans of what is to be labelled: written once, read with everything that was said while following them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tlm_dash.errors import NotFoundError
from tlm_dash.models import new_id, utc_now
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.person_rule import VOICES
from tlm_dash.store.runs import COMMIT_TIMEOUT_S

# A finished item has one done row; in the playground, where responses are scored again, the last one counts.
_POPULATION = """
WITH again AS (
    SELECT item_no, max(attempt_no) AS last_no FROM run_item
    WHERE run_id = $run_id AND status = 'done' AND attempt_no > 1 GROUP BY item_no
)
SELECT r.item_no, r.trustworthiness_score AS score
FROM run_item AS r ANTI JOIN again ON again.item_no = r.item_no AND again.last_no > r.attempt_no
WHERE r.run_id = $run_id AND r.status = 'done' AND r.response_hash IS NOT NULL
    AND r.completion_id IS NOT NULL
ORDER BY r.item_no
"""

_HASHES = """
SELECT DISTINCT item_no, response_hash FROM run_item
WHERE run_id = $run_id AND status = 'done' AND item_no IN (SELECT unnest($item_nos))
"""

_PLANS = """
SELECT
    plan_id, run_id, dataset_id, kind, settings, seed, n_items, n_population, double_share, is_score_blind,
    created_by, created_at
FROM label_plan
WHERE ($plan_id IS NULL OR plan_id = $plan_id) AND ($run_id IS NULL OR run_id = $run_id)
ORDER BY created_at, plan_id
"""

_ITEMS = """
SELECT position, item_no, response_hash, stratum, inclusion_probability, n_annotators
FROM label_plan_item WHERE plan_id = ? ORDER BY position
"""

# What was said of a response outside the plan is read too: a retraction takes back the last of everything.
_SAID = f"""
WITH {VOICES}
SELECT annotation_id, response_hash, kind, verdict, note, annotator,
    coalesce(voice, annotator) AS voice, plan_id, created_at
FROM annotation LEFT JOIN voice USING (person_id)
WHERE source = 'person'
    AND response_hash IN (SELECT response_hash FROM label_plan_item WHERE plan_id = ?)
ORDER BY created_at, annotation_id
"""  # noqa: S608 - fixed text

# Times between two presses of one person; a longer pause is not work on a row.
_PACE = """
WITH pressed AS (
    SELECT epoch_ms(created_at) - lag(epoch_ms(created_at)) OVER (
        PARTITION BY plan_id, annotator ORDER BY created_at
    ) AS gap_ms
    FROM annotation
    WHERE dataset_id = ? AND plan_id IS NOT NULL AND source = 'person' AND kind IN ('verdict', 'skip')
)
SELECT median(gap_ms) / 1000.0, count(*) FROM pressed WHERE gap_ms <= 300000
"""

# The item numbers are said of every table: each is kept in their order, so that little of it is read.
_TEXTS = f"""
SELECT
    r.item_no, i.messages, i.prompt, i.reference, c.response, r.trustworthiness_score AS score,
    r.unscored_reason
FROM (
    SELECT item_no, completion_id, trustworthiness_score, unscored_reason FROM run_item
    WHERE run_id = $run_id AND status = 'done' AND item_no IN (SELECT unnest($item_nos))
    {COUNTING_ROW}
) AS r
JOIN (
    SELECT item_no, messages, prompt, reference FROM item
    WHERE dataset_id = $dataset_id AND item_no IN (SELECT unnest($item_nos))
) AS i ON i.item_no = r.item_no
JOIN (
    SELECT completion_id, response FROM completion
    WHERE dataset_id = $dataset_id AND item_no IN (SELECT unnest($item_nos))
) AS c ON c.completion_id = r.completion_id
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """A plan; the columns of `label_plan`. `settings` is what its kind needs."""

    plan_id: str
    run_id: str
    dataset_id: str
    kind: str
    settings: Mapping[str, Any]
    seed: int
    n_items: int
    n_population: int
    double_share: float
    is_score_blind: bool
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlanItem:
    """A row of a plan; the columns of `label_plan_item`."""

    position: int
    item_no: int
    response_hash: str
    stratum: int | None
    inclusion_probability: float | None
    n_annotators: int


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said of a response of a plan, in it or elsewhere (`plan_id`)."""

    annotation_id: str
    response_hash: str
    kind: str
    verdict: str | None
    note: str | None
    annotator: str
    voice: str
    plan_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ItemTexts:
    """What a reviewer reads, and the score that they may not see yet; None where there is none."""

    item_no: int
    messages: tuple[Mapping[str, Any], ...]
    prompt: str
    reference: str | None
    response: str
    score: float | None
    unscored_reason: str | None


def population(store: Store, run_id: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Give item_no and score (NaN where unscored) of all answered rows of a run, by item. Shape (n,) each."""

    def fetch(cursor: Any) -> Any:  # noqa: ANN401 - duckdb ships no types
        return cursor.execute(_POPULATION, {"run_id": run_id}).fetchnumpy()

    columns = store.transact(fetch)
    scores: Any = np.ma.filled(np.ma.asarray(columns["score"], dtype=float), np.nan)
    return np.asarray(columns["item_no"], dtype=np.int64), np.asarray(scores, dtype=float)


def response_hashes(store: Store, run_id: str, item_nos: Sequence[int]) -> dict[int, str]:
    """Give the response_hash of some answered items of a run."""
    return dict(store.read(_HASHES, {"run_id": run_id, "item_nos": list(item_nos)}))


def write_plan(store: Store, plan: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """Write a plan with its rows, all or nothing; gives its plan_id when it is safe on disk."""
    row: dict[str, Any] = {"plan_id": new_id(), "created_at": utc_now(), **plan}
    rows = [{"plan_id": row["plan_id"], **item} for item in items]
    store.append({"label_plan": [row], "label_plan_item": rows}).result(COMMIT_TIMEOUT_S)
    return str(row["plan_id"])


def plans_of_run(store: Store, run_id: str) -> tuple[LabelPlan, ...]:
    """Give all plans that were made for a run, oldest first."""
    return tuple(_plan(row) for row in store.read_rows(_PLANS, {"plan_id": None, "run_id": run_id}))


def find_plan(store: Store, plan_id: str) -> LabelPlan:
    """Give a plan. Raises NotFoundError where it is gone."""
    for row in store.read_rows(_PLANS, {"plan_id": plan_id, "run_id": None}):
        return _plan(row)
    raise NotFoundError(
        "This labelling plan is not here any more.", hint="Choose another one, or make a new one."
    )


def plan_items(store: Store, plan_id: str) -> tuple[PlanItem, ...]:
    """Give the rows of a plan in its order."""
    return tuple(PlanItem(*row) for row in store.read(_ITEMS, [plan_id]))


def said_of_plan(store: Store, plan_id: str) -> list[Said]:
    """Give everything that people said of the responses of a plan, oldest first, retractions too."""
    return [Said(*row) for row in store.read(_SAID, [plan_id])]


def seconds_a_row(store: Store, dataset_id: str) -> tuple[float | None, int]:
    """Give the median time that people took for a row of this dataset, in seconds, and on how many rows."""
    ((seconds, n),) = store.read(_PACE, [dataset_id])
    return seconds, n


def item_texts(store: Store, run_id: str, dataset_id: str, item_nos: Sequence[int]) -> dict[int, ItemTexts]:
    """Give the texts of some answered items of a run."""
    parameters = {"run_id": run_id, "dataset_id": dataset_id, "item_nos": list(item_nos)}
    return {
        row["item_no"]: ItemTexts(**{**row, "messages": messages_of_item(row["messages"], row["prompt"])})
        for row in store.read_rows(_TEXTS, parameters)
    }


def _plan(row: Mapping[str, Any]) -> LabelPlan:
    return LabelPlan(**{**row, "settings": json.loads(row["settings"])})
