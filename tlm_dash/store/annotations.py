"""What people say of responses: appended, never changed, and found again by prompt and response text."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tlm_dash.models import new_id, utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.labels import STANDING
from tlm_dash.store.person_rule import person_of
from tlm_dash.store.runs import COMMIT_TIMEOUT_S

_TICK = timedelta(microseconds=1)

# The order of two rows of one person is the order of their times: no two rows may have the same one.
_clock_lock = threading.Lock()
_last_at: list[datetime] = []

_OF_RESPONSE = """
SELECT
    annotation_id, dataset_id, item_no, response_hash, kind, verdict, note, annotator, source, run_id,
    plan_id, inclusion_probability, score_visible, created_at, person_id
FROM annotation WHERE response_hash = ? ORDER BY created_at, annotation_id
"""

_STANDING_OF = f"""
WITH {STANDING}
SELECT
    annotation_id, dataset_id, item_no, response_hash, kind, verdict, note, annotator, source, run_id,
    plan_id, inclusion_probability, score_visible, created_at, person_id
FROM standing WHERE response_hash IN (SELECT unnest($hashes)) ORDER BY created_at, annotation_id
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of `annotation`; the table's comments say what each field means."""

    annotation_id: str
    dataset_id: str
    item_no: int
    response_hash: str
    kind: str
    verdict: str | None
    note: str | None
    annotator: str
    source: str
    run_id: str | None
    plan_id: str | None
    inclusion_probability: float | None
    score_visible: bool
    created_at: datetime
    person_id: str


def append_annotations(store: Store, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write annotations with their persons, in their order, and wait until they are on disk; gives their ids.

    Each row has the columns of the table but annotation_id, created_at and person_id. Raises StoreError.
    """
    written = [{"annotation_id": new_id(), "created_at": _next_time(), **row} for row in rows]
    people = {
        row["annotation_id"]: person_of(row["source"], row["annotator"], row["created_at"]) for row in written
    }
    for row in written:
        row["person_id"] = people[row["annotation_id"]]["person_id"]
    store.append({"person": list(people.values()), "annotation": written}).result(COMMIT_TIMEOUT_S)
    return [row["annotation_id"] for row in written]


def annotations_of(store: Store, response_hash: str) -> tuple[Annotation, ...]:
    """Give everything that was ever said of a prompt and response, oldest first, retractions too."""
    return tuple(Annotation(**row) for row in store.read_rows(_OF_RESPONSE, [response_hash]))


def standing_annotations(store: Store, hashes: Sequence[str]) -> tuple[Annotation, ...]:
    """Give what was said of some responses and not taken back, oldest first."""
    return tuple(Annotation(**row) for row in store.read_rows(_STANDING_OF, {"hashes": list(hashes)}))


def _next_time() -> datetime:
    with _clock_lock:
        now = utc_now()
        if _last_at and now <= _last_at[0]:
            now = _last_at[0] + _TICK
        _last_at[:] = [now]
        return now
