"""The rows that runs still have to do, window by window, so that a run of millions stays small in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tlm_dash.models import Messages
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.label_parts import TRIMMED
from tlm_dash.store.run_models import OpenCell, Selection, StoredResponse
from tlm_dash.store.selected_items import (
    IS_DRAWN,
    IS_SELECTED,
    PILOT_SEED,
    draw_hash,
    is_in_pilot,
    selection_parameters,
)

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_ABOVE_ALL = "~"
"""A cut that leaves nothing out: hashes are hexadecimal."""

_SOURCE_ITEMS = """(
    SELECT DISTINCT item_no FROM run_item
    WHERE run_id IN (SELECT unnest($sources)) AND completion_id IS NOT NULL
)"""

_ANSWERED = f"($sources IS NULL OR item_no IN {_SOURCE_ITEMS})"  # noqa: S608 - fixed text

_LAST = f"""
SELECT item_no FROM item WHERE dataset_id = $dataset_id AND {_ANSWERED}
ORDER BY item_no LIMIT 1 OFFSET $offset
"""  # noqa: S608 - fixed text

_HIGHEST = f"SELECT max(item_no), count(*) FROM item WHERE dataset_id = $dataset_id AND {_ANSWERED}"  # noqa: S608

_CUT = f"""
SELECT {draw_hash("$seed")} AS hash FROM item
WHERE dataset_id = $dataset_id AND {_ANSWERED} AND {IS_SELECTED}
ORDER BY hash LIMIT 1 OFFSET $offset
"""  # noqa: S608 - fixed text

_COUNT = f"SELECT count(*) FROM item WHERE dataset_id = $dataset_id AND {_ANSWERED} AND {IS_SELECTED}"  # noqa: S608

_OPEN = f"""
WITH member AS (
    SELECT
        unnest($member_ids) AS run_id, unnest($lead_ids) AS lead_id, unnest($source_ids) AS source_id
),
asked AS (
    SELECT m.run_id, m.lead_id, m.source_id, a.retry_at
    FROM (SELECT unnest($run_ids) AS run_id, unnest($retry_at) AS retry_at) AS a
    JOIN member AS m USING (run_id)
),
picked AS (
    SELECT item_no FROM item
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
        AND {IS_DRAWN} AND {is_in_pilot("$pilot_cut")}
),
latest AS (
    SELECT run_id, item_no, status, attempt_no, completion_id, written_at
    FROM run_item
    WHERE run_id IN (SELECT run_id FROM member UNION ALL SELECT source_id FROM member)
        AND item_no BETWEEN $low AND $high
    {COUNTING_ROW}
),
shared AS (
    SELECT l.item_no, m.lead_id, max(l.completion_id) AS completion_id
    FROM latest AS l JOIN member AS m USING (run_id)
    WHERE l.completion_id IS NOT NULL GROUP BY ALL
)
SELECT
    p.item_no, a.run_id,
    coalesce(l.attempt_no, 1) + CASE WHEN l.status = 'error' THEN 1 ELSE 0 END AS attempt_no,
    coalesce(l.completion_id, s.completion_id, h.completion_id) AS completion_id
FROM picked AS p CROSS JOIN asked AS a
LEFT JOIN latest AS l ON l.run_id = a.run_id AND l.item_no = p.item_no
LEFT JOIN latest AS s ON s.run_id = a.source_id AND s.item_no = p.item_no
LEFT JOIN shared AS h ON h.lead_id = a.lead_id AND h.item_no = p.item_no
WHERE coalesce(l.status, 'pending') <> 'done'
    AND NOT coalesce(l.status = 'error' AND l.written_at >= a.retry_at, false)
    AND (a.source_id = '' OR s.completion_id IS NOT NULL)
ORDER BY p.item_no
"""  # noqa: S608 - fixed text

_MESSAGES = """
SELECT item_no, messages, prompt FROM item
WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high AND item_no IN (SELECT unnest($item_nos))
"""

_RESPONSES = f"""
SELECT
    completion_id, item_no, response, response_hash, model, resolved_model, finish_reason, input_tokens,
    output_tokens, extra
FROM completion
WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
    AND (is_complete OR finish_reason IS NOT NULL OR answered_by = 'given')
    AND (answered_by = 'given' OR trim(response, {TRIMMED}) <> '')
    AND completion_id IN (SELECT unnest($completion_ids))
"""  # noqa: S608 - fixed text

_SOURCE_COUNTS = f"""
SELECT r.run_id, count(DISTINCT r.item_no) FROM run_item AS r JOIN item AS i USING (item_no)
WHERE i.dataset_id = $dataset_id AND r.run_id IN (SELECT unnest($sources)) AND r.completion_id IS NOT NULL
    AND {IS_SELECTED}
GROUP BY r.run_id
"""  # noqa: S608 - fixed text


def select_items(
    store: Store, dataset_id: str, *, first: int | None, sample: int | None, seed: int, pilot: int | None,
    sources: Sequence[str] | None = None,
) -> tuple[Selection, int]:  # fmt: skip
    """Freeze which items a run takes, and how many they are: all, the first, or a random sample of them.

    With `sources`, only items that have a response in one of these runs.
    """
    base = {"dataset_id": dataset_id, "sources": None if sources is None else list(sources)}
    ((highest, n),) = store.read(_HIGHEST, base)
    if first is not None and first < n:
        ((highest,),) = store.read(_LAST, {**base, "offset": first - 1})
        n = first
    picked = {**base, "last": highest or 0, "cut": None, "cut_seed": 0}
    cut = None
    if sample is not None and sample < n:
        ((cut,),) = store.read(_CUT, {**picked, "seed": seed, "offset": sample - 1})
        n = sample
    pilot_cut = None if pilot is None else _ABOVE_ALL
    if pilot is not None and pilot < n:
        picked |= {"cut": cut, "cut_seed": seed}
        ((pilot_cut,),) = store.read(_CUT, {**picked, "seed": PILOT_SEED, "offset": pilot - 1})
    return Selection(highest or 0, None if cut is None else seed, cut, pilot_cut), n


def count_sources(
    store: Store, dataset_id: str, selection: Selection, sources: Sequence[str]
) -> dict[str, int]:
    """Count per source run the selected items that have a response in it."""
    return dict(store.read(_SOURCE_COUNTS, {
        "dataset_id": dataset_id, "sources": list(sources), **selection_parameters(selection),
    }))  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeedRun:
    """A run of a grid as its feed sees it: who asks for its responses, or which run has them already."""

    run_id: str
    lead_run_id: str
    source_run_id: str | None


def open_cells(
    store: Store, dataset_id: str, selection: Selection, low: int, high: int,
    grid: Sequence[FeedRun], retry_at: Mapping[str, datetime | None], *, pilot: bool,
) -> list[OpenCell]:  # fmt: skip
    """List what some runs of a grid have not finished among the items `low` to `high`, by item.

    `retry_at` has the runs that are asked about. An item that failed counts as finished unless a retry was
    asked for after that. A response that another run of the grid got for the same lead is given along.
    """
    rows = store.read(_OPEN, {
        "dataset_id": dataset_id, "low": low, "high": min(high, selection.last_item_no),
        "cut": selection.sample_cut, "cut_seed": selection.sample_seed,
        "pilot_cut": selection.pilot_cut if pilot else None,
        "member_ids": [run.run_id for run in grid], "lead_ids": [run.lead_run_id for run in grid],
        "source_ids": [run.source_run_id or "" for run in grid],
        "run_ids": list(retry_at), "retry_at": [at or _NEVER for at in retry_at.values()],
    })  # fmt: skip
    return [OpenCell(*row) for row in rows]


def messages_of(store: Store, dataset_id: str, item_nos: Sequence[int]) -> dict[int, Messages]:
    """Read the messages of some items."""
    parameters = {
        "dataset_id": dataset_id, "low": min(item_nos), "high": max(item_nos), "item_nos": list(item_nos)
    }  # fmt: skip
    rows = store.read(_MESSAGES, parameters)
    return {item_no: messages_of_item(messages, prompt) for item_no, messages, prompt in rows}


def responses_of(
    store: Store, dataset_id: str, completion_ids: Sequence[str], low: int, high: int
) -> dict[str, StoredResponse]:
    """Read responses by their id; those whose stream broke off, and empty answers of a model, are left out.

    One that ended at a limit of tokens is no whole answer, but all that there is: it is scored, not paid for
    again.
    """
    if not completion_ids:
        return {}
    parameters = {"dataset_id": dataset_id, "low": low, "high": high, "completion_ids": list(completion_ids)}
    rows = store.read_rows(_RESPONSES, parameters)
    return {row["completion_id"]: StoredResponse(**row | {"extra": json.loads(row["extra"])}) for row in rows}
