"""Datasets that grow answer by answer out of the playground: what is in them, and where an answer would go.

Only these grow. A dataset of a file stays as its file was: its facts, its hash and the size of each of its
runs were written down once, and plans of labels, decisions and forecasts refer to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.run_models import COLLECTED

Row = Mapping[str, Any]

_DATASETS = "SELECT dataset_id, name FROM dataset WHERE kind = ? ORDER BY created_at DESC, dataset_id"

# Runs that a person deleted hold nothing any more.
_KEPT_RUN = """
kept_run AS (
    SELECT run_id, dataset_id, settings_hash FROM run JOIN dataset AS d USING (dataset_id)
    WHERE d.kind = $kind AND run_id NOT IN (SELECT run_id FROM run_event WHERE status = 'deleted')
)"""

_HOLDERS = f"""
WITH {_KEPT_RUN},
card AS (
    SELECT c.run_id, run.settings_hash, e.item_no
    FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id) JOIN run USING (run_id)
    WHERE e.entry_id = $entry_id
),
answer AS (
    SELECT DISTINCT card.run_id, card.settings_hash, r.response_hash
    FROM run_item AS r JOIN card ON card.run_id = r.run_id AND card.item_no = r.item_no
    WHERE r.response_hash IS NOT NULL
)
SELECT DISTINCT a.run_id, d.dataset_id, d.name, d.created_at
FROM answer AS a JOIN kept_run AS k USING (settings_hash)
JOIN run_item AS r ON r.run_id = k.run_id AND r.response_hash = a.response_hash
JOIN dataset AS d ON d.dataset_id = k.dataset_id
ORDER BY d.created_at, d.dataset_id
"""  # noqa: S608 - fixed text

_CARD = """
SELECT e.dataset_id, e.item_no, e.created_at
FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id)
WHERE e.entry_id = ? AND c.run_id = ?
"""
_RESULT = f"SELECT * FROM run_item WHERE run_id = ? AND item_no = ? {COUNTING_ROW}"  # noqa: S608 - fixed text
_ITEM = "SELECT * FROM item WHERE dataset_id = ? AND item_no = ?"
_COMPLETION = "SELECT * FROM completion WHERE dataset_id = ? AND item_no = ? AND completion_id = ?"
_TEXT = "SELECT * FROM run_item_text WHERE run_id = ? AND item_no = ? AND attempt_no = ?"

_RUN = f"""
WITH {_KEPT_RUN}
SELECT k.run_id, count(r.item_no), min(r.item_no) FILTER (WHERE r.response_hash = $response_hash)
FROM kept_run AS k LEFT JOIN run_item AS r ON r.run_id = k.run_id
WHERE k.dataset_id = $dataset_id AND k.settings_hash = $settings_hash
GROUP BY k.run_id
"""  # noqa: S608 - fixed text

_NAMES = "SELECT name FROM run WHERE dataset_id = ?"

# An item that a run has been planned over stays as it is: another response to it could change what is scored.
_ROOM = """
SELECT min(item_no) FROM item
WHERE dataset_id = $dataset_id AND prompt_hash = $prompt_hash
    AND item_no > (
        SELECT coalesce(max(p.last_item_no), 0) FROM run_plan AS p JOIN run USING (run_id)
        WHERE run.dataset_id = $dataset_id
    )
    AND item_no NOT IN (SELECT item_no FROM run_item WHERE run_id = $run_id)
"""


@dataclass(frozen=True, slots=True)
class CollectedDataset:
    """A dataset that answers of the playground can be added to."""

    dataset_id: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaygroundAnswer:
    """What stands behind a card, as rows of the tables of these names; None where there is none yet."""

    asked_at: datetime
    item: Row
    run: Row
    run_item: Row | None
    completion: Row | None
    run_item_text: Row | None


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """Where an answer would go in a dataset.

    `run_id`: the run of its configuration, which has `n_rows`; None where there is none. `held_at`: the item
    at which that run holds this very answer. `free_at`: an item of this prompt that the run could answer.
    `names`: those that other runs have.
    """

    run_id: str | None
    n_rows: int
    held_at: int | None
    free_at: int | None
    names: frozenset[str]


def collected_datasets(store: Store) -> tuple[CollectedDataset, ...]:
    """Give all datasets that answers can be added to, newest first."""
    return tuple(CollectedDataset(*row) for row in store.read(_DATASETS, [COLLECTED]))


def holders(store: Store, entry_id: str) -> dict[str, tuple[CollectedDataset, ...]]:
    """Give for each card of a submission, by its run, the datasets that hold its answer; oldest first."""
    found: dict[str, tuple[CollectedDataset, ...]] = {}
    for run_id, dataset_id, name, _ in store.read(_HOLDERS, {"entry_id": entry_id, "kind": COLLECTED}):
        found[run_id] = (*found.get(run_id, ()), CollectedDataset(dataset_id, name))
    return found


def answer_of(store: Store, entry_id: str, run_id: str) -> PlaygroundAnswer | None:
    """Read what stands behind a card; None where there is no such card."""
    card = store.read(_CARD, [entry_id, run_id])
    if not card:
        return None
    ((dataset_id, item_no, asked_at),) = card
    (item,) = store.read_rows(_ITEM, [dataset_id, item_no])
    (run,) = store.read_rows("SELECT * FROM run WHERE run_id = ?", [run_id])
    result = _first(store.read_rows(_RESULT, [run_id, item_no]))
    if result is None:
        return PlaygroundAnswer(asked_at, item, run, None, None, None)
    completion = store.read_rows(_COMPLETION, [dataset_id, item_no, result["completion_id"]])
    text = store.read_rows(_TEXT, [run_id, item_no, result["attempt_no"]])
    return PlaygroundAnswer(asked_at, item, run, result, _first(completion), _first(text))


def place_of(store: Store, dataset_id: str, answer: PlaygroundAnswer) -> AnswerPlace:
    """Tell where an answer stands in a dataset, or could."""
    of_run = {
        "kind": COLLECTED, "dataset_id": dataset_id, "settings_hash": answer.run["settings_hash"],
        "response_hash": None if answer.run_item is None else answer.run_item["response_hash"],
    }  # fmt: skip
    found = store.read(_RUN, of_run)
    run_id, n_rows, held_at = found[0] if found else (None, 0, None)
    of_prompt = {
        "dataset_id": dataset_id, "prompt_hash": answer.item["prompt_hash"], "run_id": run_id or "",
    }  # fmt: skip
    ((free_at,),) = store.read(_ROOM, of_prompt)
    names = frozenset(name for (name,) in store.read(_NAMES, [dataset_id]))
    return AnswerPlace(run_id, n_rows, held_at, free_at, names)


def _first(rows: list[dict[str, Any]]) -> Row | None:
    return rows[0] if rows else None
