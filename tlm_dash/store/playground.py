"""The playground in the store: one dataset, an item per submission, a run per frozen configuration."""

from __future__ import annotations

import json
from typing import Any

from tlm_dash.models import utc_now
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.playground_history import history
from tlm_dash.store.playground_models import (
    HistoryCell,
    HistoryPage,
    HistoryRow,
    LatencyNote,
    PlaygroundCell,
    PlaygroundEntry,
    Standing,
)
from tlm_dash.store.recovery import close_interrupted

__all__ = [
    "HistoryCell",
    "HistoryPage",
    "HistoryRow",
    "LatencyNote",
    "PlaygroundCell",
    "PlaygroundEntry",
    "Standing",
    "close_interrupted",
    "ensure_playground_dataset",
    "entry",
    "entry_of",
    "find_run",
    "history",
    "next_item_no",
    "preset_latencies",
    "standing",
]

# A fixed id, so that two who make it at the same time make the same one.
PLAYGROUND_DATASET_ID = "playground"

_RUN = """
SELECT run_id FROM run WHERE dataset_id = ? AND settings_hash = ?
ORDER BY created_at, run_id LIMIT 1
"""

_ENTRY = """
SELECT e.entry_id, e.created_at, e.dataset_id, e.item_no, i.messages, i.prompt, e.request
FROM playground_entry AS e JOIN item AS i USING (dataset_id, item_no)
WHERE e.entry_id = ?
"""

_CELLS = f"""
WITH cell AS (SELECT run_id, position FROM playground_cell WHERE entry_id = $entry_id),
tried AS (
    SELECT r.* FROM run_item AS r SEMI JOIN cell USING (run_id) WHERE r.item_no = $item_no
),
result AS (
    SELECT * FROM tried
    {COUNTING_ROW}
),
latest AS (
    SELECT * FROM tried
    QUALIFY row_number() OVER (
        PARTITION BY run_id ORDER BY attempt_no DESC, status = 'pending', written_at DESC
    ) = 1
)
SELECT
    run.run_id, cell.position, run.mode, run.answered_by, run.model, run.quality_preset, run.scorer_model,
    coalesce(result.status, 'pending') AS status, coalesce(latest.attempt_no, 1) AS attempt_no,
    k.response, k.is_complete, k.is_refusal, coalesce(k.extra, '{{}}') AS extra,
    k.resolved_model, k.finish_reason, k.input_tokens, k.output_tokens,
    k.latency_ms, k.first_token_ms,
    result.trustworthiness_score, result.unscored_reason, t.explanation, coalesce(t.log, '{{}}') AS log,
    result.score_latency_ms, latest.error_kind, latest.error_message, latest.error_hint,
    result.completion_id, result.written_at
FROM cell
JOIN run ON run.run_id = cell.run_id
LEFT JOIN result ON result.run_id = cell.run_id
LEFT JOIN latest ON latest.run_id = cell.run_id
LEFT JOIN completion AS k ON k.completion_id = result.completion_id AND k.item_no = $item_no
LEFT JOIN run_item_text AS t
    ON t.run_id = result.run_id AND t.item_no = $item_no AND t.attempt_no = result.attempt_no
ORDER BY cell.position
"""  # noqa: S608 - fixed text

_ENTRY_OF = """
SELECT e.entry_id FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id)
WHERE c.run_id = $run_id AND ($item_no IS NULL OR e.item_no = $item_no)
ORDER BY e.created_at DESC, e.item_no DESC LIMIT 1
"""

_SCORED = f"""
SELECT trustworthiness_score, written_at
FROM run_item
WHERE run_id = ? AND item_no = ?
{COUNTING_ROW}
"""  # noqa: S608 - fixed text

# What the other items had when this score was made: it stays the same when asked again later.
_STANDING = f"""
WITH peer AS (
    SELECT other.run_id
    FROM run AS this
    JOIN run AS other
        ON other.endpoint = this.endpoint AND other.quality_preset = this.quality_preset
        AND other.model IS NOT DISTINCT FROM this.model
        AND other.scorer_model IS NOT DISTINCT FROM this.scorer_model
        AND other.provider IS NOT DISTINCT FROM this.provider
    JOIN dataset AS d ON d.dataset_id = other.dataset_id
    WHERE this.run_id = $run_id AND d.kind = 'playground'
),
earlier AS (
    SELECT status, trustworthiness_score AS score
    FROM run_item SEMI JOIN peer USING (run_id)
    WHERE item_no <> $item_no AND written_at < $written_at
    {COUNTING_ROW}
)
SELECT
    count(*) FILTER (WHERE score < $score) AS n_below,
    count(*) FILTER (WHERE score = $score) AS n_equal,
    count(*) AS n
FROM earlier
WHERE status = 'done' AND score IS NOT NULL
"""  # noqa: S608 - fixed text

# Of scores that were asked for alone: what came together with an answer says nothing of the preset.
_LATENCIES = f"""
WITH asked AS (
    SELECT run.run_id, run.quality_preset FROM run JOIN dataset AS d USING (dataset_id)
    WHERE d.kind = 'playground' AND run.endpoint = ?
),
result AS (
    SELECT status, score_latency_ms, quality_preset
    FROM run_item JOIN asked USING (run_id)
    {COUNTING_ROW}
)
SELECT quality_preset, median(score_latency_ms), count(*)
FROM result
WHERE status = 'done' AND score_latency_ms IS NOT NULL
GROUP BY quality_preset
"""  # noqa: S608 - fixed text


def ensure_playground_dataset(store: Store) -> str:
    """Make the playground's dataset where there is none, and give its id."""
    if not store.read("SELECT 1 FROM dataset WHERE dataset_id = ?", [PLAYGROUND_DATASET_ID]):
        row = {
            "dataset_id": PLAYGROUND_DATASET_ID,
            "name": "Playground",
            "kind": "playground",
            "created_at": utc_now(),
        }
        store.append({"dataset": [row]}).result()
    return PLAYGROUND_DATASET_ID


def next_item_no(store: Store, dataset_id: str) -> int:
    """Give the number for a new item, from 1 upwards; each call gives another one."""
    return store.reserve_item_no(dataset_id)


def find_run(store: Store, dataset_id: str, settings_hash: str) -> str | None:
    """Give the run of a dataset that has this frozen configuration; None where there is none yet."""
    found = store.read(_RUN, [dataset_id, settings_hash])
    return found[0][0] if found else None


def entry(store: Store, entry_id: str) -> PlaygroundEntry | None:
    """Give a submission with its cards; None for an unknown id."""
    found = store.read_rows(_ENTRY, [entry_id])
    if not found:
        return None
    row = found[0]
    cells = store.read_rows(_CELLS, {"entry_id": entry_id, "item_no": row["item_no"]})
    return PlaygroundEntry(
        entry_id=row["entry_id"],
        created_at=row["created_at"],
        dataset_id=row["dataset_id"],
        item_no=row["item_no"],
        messages=messages_of_item(row["messages"], row["prompt"]),
        request=json.loads(row["request"]),
        cells=tuple(_cell(cell) for cell in cells),
    )


def entry_of(store: Store, run_id: str, item_no: int | None = None) -> str | None:
    """Give the submission that a row of a run belongs to, without `item_no` the newest one of the run."""
    found = store.read(_ENTRY_OF, {"run_id": run_id, "item_no": item_no})
    return found[0][0] if found else None


def standing(store: Store, run_id: str, item_no: int) -> Standing | None:
    """Tell where an item's score lies among the scores that other items had before it.

    Compared are all playground runs with the same endpoint, provider, model, quality preset and scorer
    model, since other scores must not be compared by size. None where the item has no score.
    """
    found = store.read(_SCORED, [run_id, item_no])
    if not found or found[0][0] is None:
        return None
    score, written_at = found[0]
    parameters = {"run_id": run_id, "item_no": item_no, "score": score, "written_at": written_at}
    ((n_below, n_equal, n),) = store.read(_STANDING, parameters)
    return Standing(n_below, n_equal, n)


def preset_latencies(store: Store, endpoint: str) -> dict[str, LatencyNote]:
    """Tell per quality preset how long a score alone took so far over this endpoint."""
    rows = store.read(_LATENCIES, [endpoint])
    return {preset: LatencyNote(median_ms, n) for preset, median_ms, n in rows}


def _cell(row: dict[str, Any]) -> PlaygroundCell:
    return PlaygroundCell(**{**row, "log": json.loads(row["log"]), "extra": json.loads(row["extra"])})
