"""After a crash: what was under way gets an end that says so."""

from __future__ import annotations

from typing import Any

from tlm_dash.models import utc_now
from tlm_dash.store.database import Store

INTERRUPTED = "interrupted"
_MESSAGE = "tlm_dash ended before the answer was complete."
_HINT = "Try it again. The endpoint may have done, and billed, what was asked."
_UNSENT_HINT = "Try it again. Nothing had been sent to the endpoint."

_OPEN_ATTEMPTS = "SELECT attempt_id FROM attempt ANTI JOIN attempt_end USING (attempt_id)"

_OPEN_CELLS = """
WITH cell AS (
    SELECT DISTINCT c.run_id, e.item_no
    FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id)
),
result AS (
    SELECT r.run_id, r.item_no, r.attempt_no, r.status, r.completion_id, r.response_hash
    FROM run_item AS r SEMI JOIN cell USING (run_id, item_no)
    QUALIFY row_number() OVER (
        PARTITION BY r.run_id, r.item_no
        ORDER BY (r.status = 'done') DESC, r.attempt_no DESC, r.status = 'pending', r.written_at DESC
    ) = 1
),
sent AS (
    SELECT a.run_id, a.item_no, max(a.attempt_no) AS attempt_no
    FROM attempt AS a SEMI JOIN cell USING (run_id, item_no)
    GROUP BY a.run_id, a.item_no
)
SELECT
    cell.run_id, cell.item_no, greatest(1, result.attempt_no, sent.attempt_no) AS attempt_no,
    result.completion_id, result.response_hash, sent.attempt_no IS NOT NULL AS was_sent
FROM cell
LEFT JOIN result ON result.run_id = cell.run_id AND result.item_no = cell.item_no
LEFT JOIN sent ON sent.run_id = cell.run_id AND sent.item_no = cell.item_no
WHERE coalesce(result.status, 'pending') = 'pending'
"""


def close_interrupted(store: Store) -> int:
    """End what an earlier process left under way; give the number of playground cards that it ended.

    To be called once, after opening and before anything is sent: it takes all that is open as abandoned.
    """
    now = utc_now()
    attempts = store.read(_OPEN_ATTEMPTS)
    cells = store.read_rows(_OPEN_CELLS)
    ends: list[dict[str, Any]] = [
        {
            "attempt_id": attempt_id,
            "outcome": INTERRUPTED,
            "error_kind": INTERRUPTED,
            "error_message": _MESSAGE,
        }
        for (attempt_id,) in attempts
    ]
    errors: list[dict[str, Any]] = [
        {
            "run_id": cell["run_id"],
            "item_no": cell["item_no"],
            "attempt_no": cell["attempt_no"],
            "status": "error",
            "completion_id": cell["completion_id"],
            "response_hash": cell["response_hash"],
            "error_kind": INTERRUPTED,
            "error_message": _MESSAGE,
            "error_hint": _HINT if cell["was_sent"] else _UNSENT_HINT,
        }
        for cell in cells
    ]
    if ends or errors:
        store.append(
            {
                "attempt_end": [{**row, "ended_at": now} for row in ends],
                "run_item": [{**row, "written_at": now} for row in errors],
            }
        ).result()
    return len(cells)
