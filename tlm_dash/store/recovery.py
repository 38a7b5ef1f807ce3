"""After a crash: what was under way gets an end that says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tlm_dash.models import utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW

INTERRUPTED = "interrupted"
_MESSAGE = "tlm_dash ended before the answer was complete."
_HINT = "Try it again. The endpoint may have done, and billed, what was asked."
_UNSENT_HINT = "Try it again. Nothing had been sent to the endpoint."

_LONGEST = timedelta(days=1)
"""No request goes on for so long. Every start closes what it finds open, so what is open now was sent at most
so long before the last request of all; older rows, of which there may be millions, are not looked at."""

_LAST = "SELECT (SELECT max(sent_at) FROM attempt), (SELECT max(created_at) FROM playground_entry)"

_OPEN_ATTEMPTS = """
SELECT attempt_id FROM (SELECT attempt_id FROM attempt WHERE sent_at >= $sent_since) AS sent
ANTI JOIN (SELECT attempt_id FROM attempt_end WHERE ended_at >= $sent_since) AS ended USING (attempt_id)
"""

# Cells that were made, or for which something was sent, in that time; what is known of them may be older.
_OPEN_CELLS = f"""
WITH cell AS (
    SELECT DISTINCT c.run_id, e.item_no
    FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id)
    WHERE e.created_at >= $made_since
        OR c.run_id IN (SELECT run_id FROM attempt WHERE sent_at >= $sent_since)
),
result AS (
    SELECT run_id, item_no, attempt_no, status, completion_id, response_hash
    FROM run_item SEMI JOIN cell USING (run_id, item_no)
    {COUNTING_ROW}
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
"""  # noqa: S608 - fixed text


def close_interrupted(store: Store) -> int:
    """End what an earlier process left under way; give the number of playground cards that it ended.

    To be called once, after opening and before anything is sent: it takes all that is open as abandoned.
    """
    now = utc_now()
    ((last_sent, last_made),) = store.read(_LAST)
    # Each by its own clock: a prompt may have been entered, with nothing sent, long after the last run.
    since = {"sent_since": (last_sent or now) - _LONGEST, "made_since": (last_made or now) - _LONGEST}
    attempts = store.read(_OPEN_ATTEMPTS, {"sent_since": since["sent_since"]})
    cells = [] if last_made is None else store.read_rows(_OPEN_CELLS, since)
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
