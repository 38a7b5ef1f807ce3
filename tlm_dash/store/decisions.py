"""Decisions in the store: saved once, never changed, listed newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tlm_dash.errors import NotFoundError
from tlm_dash.models import canonical_json, new_id, text_hash, utc_now
from tlm_dash.store.database import Store

DecisionKind = Literal["threshold", "comparison", "choice"]

COMMIT_TIMEOUT_S = 60.0

_COLUMNS = (
    "decision_id, kind, run_ids, question, verdict, decided_by, reason, record, record_hash, created_at"
)


@dataclass(frozen=True, slots=True)
class SavedDecision:
    """A decision that was saved. `record` holds everything it stood on; `record_hash` is over its text."""

    decision_id: str
    kind: DecisionKind
    run_ids: tuple[str, ...]
    question: str
    verdict: str
    decided_by: str
    reason: str
    record: Mapping[str, Any]
    record_hash: str
    created_at: datetime

    @property
    def is_intact(self) -> bool:
        """Tell whether the record is still the text that was saved."""
        return record_hash(self.record) == self.record_hash


def record_hash(record: Mapping[str, Any]) -> str:
    """Identify a record by its content: 64 hexadecimal digits."""
    return text_hash(canonical_json(record))


def save_decision(
    store: Store,
    *,
    kind: DecisionKind,
    run_ids: Sequence[str],
    question: str,
    verdict: str,
    decided_by: str,
    reason: str,
    record: Mapping[str, Any],
) -> str:
    """Save a decision and wait until it is on disk; gives its id."""
    decision_id = new_id()
    row = {
        "decision_id": decision_id, "kind": kind, "run_ids": list(run_ids), "question": question,
        "verdict": verdict, "decided_by": decided_by, "reason": reason, "record": dict(record),
        "record_hash": record_hash(record), "created_at": utc_now(),
    }  # fmt: skip
    store.append({"decision": [row]}).result(COMMIT_TIMEOUT_S)
    return decision_id


def decisions(store: Store, run_id: str | None = None) -> list[SavedDecision]:
    """List decisions, newest first; with `run_id` those about that run."""
    rows = store.read_rows(
        f"SELECT {_COLUMNS} FROM decision "  # noqa: S608 - our own columns
        "WHERE $run_id IS NULL OR list_contains(CAST(run_ids AS JSON)::VARCHAR[], $run_id) "
        "ORDER BY created_at DESC, decision_id",
        {"run_id": run_id},
    )
    return [_decision(row) for row in rows]


def find_decision(store: Store, text: str) -> SavedDecision:
    """Find a decision by its id or a unique beginning of it. Raises NotFoundError."""
    rows = store.read_rows(
        f"SELECT {_COLUMNS} FROM decision WHERE starts_with(decision_id, $text) LIMIT 2",  # noqa: S608
        {"text": text},
    )
    if len(rows) != 1 or not text:
        raise NotFoundError(
            f"There is no single decision {text!r}.", hint="Take the id from the list of decisions."
        )
    return _decision(rows[0])


def _decision(row: Mapping[str, Any]) -> SavedDecision:
    run_ids, record = json.loads(row["run_ids"]), json.loads(row["record"])
    return SavedDecision(**{**row, "run_ids": tuple(run_ids), "record": record})
