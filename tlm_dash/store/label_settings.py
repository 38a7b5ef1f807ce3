"""What people decided about labels: what spellings mean, which source comes first, which are a sample."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tlm_dash.models import utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.labels import SOURCES, SPELLINGS, TRIMMED
from tlm_dash.store.runs import COMMIT_TIMEOUT_S

# Of two decisions the later one counts: they must not be made at the same microsecond.
_deciding = threading.Lock()

_SPELLINGS = f"""
WITH {SPELLINGS},
held AS (
    SELECT i.label_column, trim(l.label, {TRIMMED}) AS spelling, count(*) AS n
    FROM imported_label AS l JOIN imported_run AS i ON i.run_id = l.run_id
    WHERE i.dataset_id = $dataset_id GROUP BY ALL
),
decided AS (
    SELECT s.label_column, s.spelling, s.meaning, d.decided_by, d.created_at
    FROM spelling AS s JOIN label_spelling AS d USING (dataset_id, label_column, spelling, meaning)
    WHERE s.dataset_id = $dataset_id
    QUALIFY row_number() OVER (PARTITION BY s.label_column, s.spelling ORDER BY d.created_at DESC) = 1
)
SELECT h.label_column, h.spelling, h.n, d.meaning, d.decided_by, d.created_at
FROM held AS h LEFT JOIN decided AS d USING (label_column, spelling)
WHERE h.spelling <> '' AND h.label_column IS NOT NULL
ORDER BY h.label_column, h.n DESC, h.spelling
"""  # noqa: S608 - fixed text

_PRECEDENCE = """
SELECT sources, decided_by FROM label_precedence WHERE dataset_id = ? ORDER BY created_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A spelling of a label column, trimmed, in `n` cells. `meaning` is None where nobody has decided."""

    label_column: str
    spelling: str
    n: int
    meaning: str | None
    decided_by: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Precedence:
    """Which sources of labels a dataset uses, the first one wins; `decided_by` of None: the default."""

    sources: tuple[str, ...]
    decided_by: str | None


def spellings(store: Store, dataset_id: str) -> tuple[Spelling, ...]:
    """Give the spellings in the label columns of a dataset by column, the most frequent first."""
    return tuple(Spelling(**row) for row in store.read_rows(_SPELLINGS, {"dataset_id": dataset_id}))


def write_spellings(
    store: Store, dataset_id: str, label_column: str, meanings: Mapping[str, str], decided_by: str | None
) -> None:
    """Record what some spellings of a column mean, and wait until it is on disk."""
    with _deciding:
        now = utc_now()
        rows = [
            {
                "dataset_id": dataset_id, "label_column": label_column, "spelling": spelling,
                "meaning": meaning, "decided_by": decided_by, "created_at": now,
            }
            for spelling, meaning in meanings.items()
        ]  # fmt: skip
        store.append({"label_spelling": rows}).result(COMMIT_TIMEOUT_S)


def precedence(store: Store, dataset_id: str) -> Precedence:
    """Give the order of sources that holds for a dataset."""
    for sources, decided_by in store.read(_PRECEDENCE, [dataset_id]):
        return Precedence(tuple(json.loads(sources)), decided_by)
    return Precedence(SOURCES, None)


def write_precedence(store: Store, dataset_id: str, sources: Sequence[str], decided_by: str | None) -> None:
    """Record the order of sources of a dataset, and wait until it is on disk."""
    with _deciding:
        row = {
            "dataset_id": dataset_id, "sources": list(sources), "decided_by": decided_by,
            "created_at": utc_now(),
        }  # fmt: skip
        store.append({"label_precedence": [row]}).result(COMMIT_TIMEOUT_S)


def write_statement(
    store: Store, run_id: str, source: str, *, is_uniform: bool, decided_by: str, note: str | None
) -> None:
    """Record whether the labels of a source are a uniform sample of a run, and wait until it is on disk."""
    with _deciding:
        row = {
            "run_id": run_id, "source": source, "is_uniform": is_uniform, "decided_by": decided_by,
            "note": note, "created_at": utc_now(),
        }  # fmt: skip
        store.append({"label_basis": [row]}).result(COMMIT_TIMEOUT_S)
