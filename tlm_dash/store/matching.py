"""Responses beside their references, read in batches, and what a matcher found for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from tlm_dash.models import new_id, utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.insertion import insert_arrow, insert_rows
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.tables import TABLES

BATCH_ITEMS = 20_000

_PAIRS = f"""
SELECT r.item_no, r.response_hash, i.prompt, c.response, i.reference
FROM (
    SELECT * FROM run_item WHERE run_id = $run_id AND item_no BETWEEN $low AND $high
    {COUNTING_ROW}
) AS r
JOIN item AS i ON i.item_no = r.item_no AND i.dataset_id = $dataset_id
JOIN (
    SELECT completion_id, response FROM completion
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
) AS c ON c.completion_id = r.completion_id
WHERE r.status = 'done' AND i.item_no BETWEEN $low AND $high
ORDER BY r.item_no
"""  # noqa: S608 - fixed text

_BOUNDS = "SELECT min(item_no), max(item_no) FROM run_item WHERE run_id = ? AND status = 'done'"

_LATEST = """
SELECT application_id, run_id, matcher, n_hits, n_misses, n_without_reference, applied_by, created_at
FROM matcher_application WHERE run_id = ? ORDER BY created_at DESC, application_id DESC LIMIT 1
"""


# As in the label query: a run with an application of its own uses that, another those of its dataset.
_IN_USE = """
WITH latest AS (
    SELECT run_id, matcher FROM matcher_application
    WHERE run_id IN (
        SELECT run_id FROM run WHERE dataset_id = (SELECT dataset_id FROM run WHERE run_id = $run_id)
    )
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at DESC, application_id DESC) = 1
)
SELECT DISTINCT matcher FROM latest
WHERE matcher <> 'none' AND (run_id = $run_id OR $run_id NOT IN (SELECT run_id FROM latest))
ORDER BY matcher
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A response with the prompt and the reference of its item."""

    item_no: int
    response_hash: str
    prompt: str
    response: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Application:
    """A matcher that was applied to a run; the columns of `matcher_application`."""

    application_id: str
    run_id: str
    matcher: str
    n_hits: int
    n_misses: int
    n_without_reference: int
    applied_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What a matcher found: item numbers, their response hashes, and 1 or 0 for each."""

    item_nos: Sequence[int]
    hashes: Sequence[str]
    labels: Sequence[int]


def pairs(store: Store, run_id: str, dataset_id: str) -> Iterator[Pair]:
    """Give every answered row of a run in order, a batch of items at a time."""
    ((low, high),) = store.read(_BOUNDS, [run_id])
    for start in range(low or 0, (high or -1) + 1, BATCH_ITEMS):
        within = {"low": start, "high": min(high, start + BATCH_ITEMS - 1)}
        for row in store.read(_PAIRS, {"run_id": run_id, "dataset_id": dataset_id, **within}):
            yield Pair(*row)


def latest_application(store: Store, run_id: str) -> Application | None:
    """Give the matcher that was last applied to a run (matcher "none": it was taken back)."""
    rows = store.read_rows(_LATEST, [run_id])
    return Application(**rows[0]) if rows else None


def matchers_in_use(store: Store, run_id: str) -> tuple[str, ...]:
    """Name the matchers whose findings label a run: its own, or those of its dataset."""
    return tuple(matcher for (matcher,) in store.read(_IN_USE, {"run_id": run_id}))


def write_application(
    store: Store, run_id: str, matcher: str, found: Found, n_without_reference: int, applied_by: str | None
) -> Application:
    """Record a matcher with what it found, all of it or nothing."""
    n_hits = sum(found.labels)
    applied = Application(
        new_id(), run_id, matcher, n_hits, len(found.labels) - n_hits, n_without_reference, applied_by,
        utc_now(),
    )  # fmt: skip
    rows = pa.table({
        "item_no": pa.array(found.item_nos, pa.int64()),
        "response_hash": pa.array(found.hashes, pa.string()),
        "label": pa.array(found.labels, pa.int32()),
    })  # fmt: skip
    same = {"application_id": applied.application_id, "run_id": run_id}

    def work(cursor: Any) -> None:  # noqa: ANN401 - duckdb ships no types that fit
        if rows.num_rows:
            insert_arrow(cursor, TABLES["matcher_label"], rows, same)
        row = {name: getattr(applied, name) for name in Application.__slots__}
        insert_rows(cursor, TABLES["matcher_application"], [row])

    store.transact(work)
    return applied
