"""Everything that is known of one row of a run: texts in whole, tries, and the same prompt in other runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tlm_dash.store.answer_marks import MARK
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.row_filters import RowScope
from tlm_dash.store.rows import listed_sql

MOST_OTHERS = 20
MOST_ITEMS = 200
"""Items with one prompt that are looked at: it may be the same in all of a dataset."""

_DETAIL = f"""
SELECT
    r.item_no, r.attempt_no, r.status, r.trustworthiness_score, r.unscored_reason, r.error_kind,
    r.error_message, r.error_hint, r.score_latency_ms, r.written_at, r.response_hash, r.label, r.label_state,
    r.label_source, i.prompt_hash, i.messages, i.prompt, i.reference, e.source_id,
    coalesce(e.tags, '{{}}') AS tags, coalesce(e.extra, '{{}}') AS extra, c.response, c.model,
    c.resolved_model,
    c.finish_reason, c.input_tokens, c.output_tokens, c.latency_ms, c.first_token_ms, c.is_complete, c.mark,
    c.extra AS response_extra, t.explanation, t.log
FROM (SELECT * FROM listed WHERE item_no = $item_no) AS r
JOIN (SELECT * FROM item WHERE dataset_id = $dataset_id AND item_no = $item_no) AS i
    ON i.item_no = r.item_no
LEFT JOIN (SELECT * FROM item_extra WHERE dataset_id = $dataset_id AND item_no = $item_no) AS e
    ON e.item_no = r.item_no
LEFT JOIN (
    SELECT *, {MARK} AS mark FROM completion WHERE dataset_id = $dataset_id AND item_no = $item_no
) AS c
    ON c.completion_id = r.completion_id
LEFT JOIN (SELECT * FROM run_item_text WHERE run_id IN (SELECT unnest($run_ids)) AND item_no = $item_no) AS t
    ON t.attempt_no = r.attempt_no
"""  # noqa: S608 - fixed text

_TRIES = """
SELECT
    a.attempt_no, a.call, a.sent_at, e.outcome, e.error_kind, e.error_message, e.http_status, e.latency_ms
FROM attempt AS a LEFT JOIN attempt_end AS e USING (attempt_id)
WHERE a.run_id = ? AND a.item_no = ? ORDER BY a.sent_at, a.attempt_id
"""

_SAME = "SELECT dataset_id, item_no FROM item WHERE prompt_hash = ? ORDER BY dataset_id, item_no LIMIT ?"

# The same prompt, in the same dataset or in another one, in runs that are still listed; what the playground
# has is told there alone. A join with few numbers, twice: only the parts of the large tables that hold them
# are read.
_OTHERS = f"""
WITH same AS (SELECT unnest($dataset_ids) AS dataset_id, unnest($item_nos) AS item_no),
gone AS (
    SELECT run_id FROM run_event QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY event_no DESC) = 1
        AND status = 'deleted'
),
other AS (
    SELECT run.*, same.item_no FROM run JOIN same USING (dataset_id) JOIN dataset AS d USING (dataset_id)
    WHERE (d.kind <> 'playground' OR dataset_id = $dataset_id) AND run.run_id NOT IN (SELECT run_id FROM gone)
        AND NOT (run.run_id = $run_id AND same.item_no = $item_no)
),
result AS (
    SELECT run_id, item_no, completion_id, trustworthiness_score FROM run_item
    WHERE item_no IN (SELECT unnest($item_nos)) AND status = 'done' AND run_id IN (SELECT run_id FROM other)
    {COUNTING_ROW}
),
answer AS (
    SELECT dataset_id, item_no, completion_id, response, response_hash FROM completion
    WHERE item_no IN (SELECT unnest($item_nos))
)
SELECT
    o.run_id, o.item_no, o.name, o.model, o.quality_preset, o.scorer_model, r.trustworthiness_score,
    c.response, c.response_hash
FROM other AS o
JOIN result AS r ON r.run_id = o.run_id AND r.item_no = o.item_no
JOIN answer AS c
    ON c.dataset_id = o.dataset_id AND c.item_no = o.item_no AND c.completion_id = r.completion_id
ORDER BY o.created_at, o.name, o.run_id, o.item_no LIMIT $most
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Try:
    """One request that was sent for a row. `outcome` is None while it is under way."""

    attempt_no: int
    call: str
    sent_at: datetime
    outcome: str | None
    error_kind: str | None
    error_message: str | None
    http_status: int | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class OtherResponse:
    """What another run has for the same prompt."""

    run_id: str
    item_no: int
    name: str
    model: str | None
    quality_preset: str
    scorer_model: str | None
    trustworthiness_score: float | None
    response: str
    response_hash: str


@dataclass(frozen=True, slots=True)
class RowDetail:
    """One row in whole; fields are those of the tables `run_item`, `item`, `completion` and their kin."""

    item_no: int
    attempt_no: int
    status: str
    trustworthiness_score: float | None
    unscored_reason: str | None
    error_kind: str | None
    error_message: str | None
    error_hint: str | None
    score_latency_ms: float | None
    written_at: datetime | None
    response_hash: str | None
    label: int | None
    label_state: str
    label_source: str | None
    prompt_hash: str
    messages: Sequence[Mapping[str, Any]]
    reference: str | None
    source_id: str | None
    tags: Mapping[str, str]
    extra: Mapping[str, str]
    response: str | None
    model: str | None
    resolved_model: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: float | None
    first_token_ms: float | None
    is_complete: bool | None
    mark: str | None
    response_extra: Mapping[str, Any]
    explanation: str | None
    log: Mapping[str, Any]
    tries: tuple[Try, ...] = ()
    others: tuple[OtherResponse, ...] = ()


def row_detail(store: Store, scope: RowScope, item_no: int) -> RowDetail | None:
    """Read one row in whole; None where the run does not take this item."""
    rows, params = listed_sql(store, scope, with_labels=True)
    asked = {"dataset_id": scope.dataset_id, "item_no": item_no}
    found = store.read_rows(f"{rows} {_DETAIL}", params | asked)
    if not found:
        return None
    values = found[0]
    values["messages"] = messages_of_item(values["messages"], values.pop("prompt"))
    for name in ("tags", "extra", "response_extra", "log"):
        values[name] = json.loads(values[name] or "{}")
    detail = RowDetail(**values)
    tries = store.read(_TRIES, [scope.run_id, item_no])
    others = _others(store, scope, detail)
    return replace(
        detail,
        tries=tuple(Try(*row) for row in tries),
        others=others,
    )


def _others(store: Store, scope: RowScope, detail: RowDetail) -> tuple[OtherResponse, ...]:
    same = store.read(_SAME, [detail.prompt_hash, MOST_ITEMS])
    rows = store.read_rows(
        _OTHERS,
        {
            "dataset_ids": [dataset_id for dataset_id, _ in same],
            "item_nos": [item_no for _, item_no in same],
            "run_id": scope.run_id, "dataset_id": scope.dataset_id, "item_no": detail.item_no,
            "most": MOST_OTHERS,
        },
    )  # fmt: skip
    return tuple(OtherResponse(**row) for row in rows)
