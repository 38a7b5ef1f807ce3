"""What the items of a pilot took, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.selected_items import is_in_pilot

_ROWS = f"""
WITH sent AS (
    SELECT a.run_id, a.item_no, count(*) AS n_requests, coalesce(sum(e.latency_ms), 0) AS busy_ms,
        count(*) FILTER (WHERE e.outcome = 'ok') AS n_answered
    FROM attempt AS a LEFT JOIN attempt_end AS e USING (attempt_id)
    WHERE a.run_id IN (SELECT unnest($run_ids))
    GROUP BY a.run_id, a.item_no
),
latest AS (
    SELECT run_id, item_no, status, completion_id FROM run_item WHERE run_id IN (SELECT unnest($run_ids))
    {COUNTING_ROW}
)
SELECT
    l.run_id, l.item_no, coalesce(s.n_requests, 0) AS n_requests, coalesce(s.n_answered, 0) AS n_answered,
    coalesce(s.busy_ms, 0.0) AS busy_ms, c.input_tokens, c.output_tokens, l.status = 'error' AS failed
FROM latest AS l
JOIN run_plan AS p ON p.run_id = l.run_id
LEFT JOIN sent AS s ON s.run_id = l.run_id AND s.item_no = l.item_no
LEFT JOIN completion AS c
    ON c.completion_id = l.completion_id AND p.lead_run_id = l.run_id AND p.source_run_id IS NULL
WHERE l.status <> 'pending' AND {is_in_pilot("p.pilot_cut", "l.item_no")}
ORDER BY l.run_id, l.item_no
"""  # noqa: S608 - fixed text


def pilot_rows(store: Store, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Give for each pilot item that a run has finished: requests, their time in milliseconds, tokens.

    The tokens of a response that several runs score are with the run that asked for it.
    """
    return store.read_rows(_ROWS, {"run_ids": list(run_ids)})
