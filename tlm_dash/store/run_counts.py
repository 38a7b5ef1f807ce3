"""How far runs are, counted from their rows: for runs that are not under way in this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.run_models import RunCounts

NOT_SENT = "not_sent"
"""The kind of a request that was cut off before it left: the endpoint never had it."""

_LEFT = f"e.error_kind IS DISTINCT FROM '{NOT_SENT}'"
_CUT_OFF = "e.outcome IN ('interrupted', 'cancelled')"

# The outcomes after which a request may have been done, and billed, although nobody knows.
UNKNOWN_OUTCOMES = f"{_CUT_OFF} OR e.error_kind IN ('timeout', 'connection_dropped')"

_LATEST = f"""
    SELECT run_id, item_no, status, error_kind, completion_id, written_at
    FROM run_item WHERE run_id IN (SELECT unnest($run_ids))
    {COUNTING_ROW}
"""  # noqa: S608 - fixed text

# Failed items that are to be tried again are open again.
_STATUSES = f"""
WITH latest AS ({_LATEST}),
asked AS (
    SELECT run_id, max(written_at) AS retry_at FROM run_event
    WHERE retries_errors AND run_id IN (SELECT unnest($run_ids)) GROUP BY run_id
)
SELECT run_id, status, error_kind, count(*)
FROM latest LEFT JOIN asked USING (run_id)
WHERE status <> 'error' OR retry_at IS NULL OR written_at >= retry_at
GROUP BY ALL
"""  # noqa: S608 - fixed text

# What came with a file has one row per item: there is no latest one to be found among several.
_GIVEN_STATUSES = """
SELECT run_id, status, error_kind, count(*) FROM run_item
WHERE run_id IN (SELECT unnest($run_ids)) GROUP BY ALL
"""

# A response that several runs score was paid for by the one that asked for it.
_TOKENS = f"""
WITH latest AS ({_LATEST})
SELECT
    l.run_id, sum(c.input_tokens), sum(c.output_tokens), mode(c.resolved_model)
FROM latest AS l JOIN completion AS c ON c.completion_id = l.completion_id
JOIN run_plan AS p ON p.run_id = l.run_id
WHERE p.lead_run_id = l.run_id AND p.source_run_id IS NULL
GROUP BY l.run_id
"""  # noqa: S608 - fixed text

_ATTEMPTS = f"""
SELECT
    a.run_id, count(*), count(*) FILTER (WHERE e.outcome = 'ok'),
    count(*) FILTER (WHERE {_CUT_OFF} OR e.attempt_id IS NULL)
FROM attempt AS a LEFT JOIN attempt_end AS e USING (attempt_id)
WHERE a.run_id IN (SELECT unnest($run_ids)) AND {_LEFT}
GROUP BY a.run_id
"""  # noqa: S608 - fixed text

_OF_ATTEMPTS = ("n_sent", "n_answered", "n_unknown")
_OF_TOKENS = ("input_tokens", "output_tokens", "resolved_model")

_RESENT = f"""
WITH again AS (
    SELECT run_id, item_no, call FROM attempt WHERE run_id IN (SELECT unnest($run_ids))
    GROUP BY run_id, item_no, call HAVING count(*) > 1
),
tried AS (
    SELECT
        a.run_id, lag(coalesce({UNKNOWN_OUTCOMES}, false)) OVER (
            PARTITION BY a.run_id, a.item_no, a.call ORDER BY a.sent_at, a.attempt_id
        ) AS after_unknown
    FROM attempt AS a SEMI JOIN again USING (run_id, item_no, call)
    LEFT JOIN attempt_end AS e USING (attempt_id)
    WHERE {_LEFT}
)
SELECT run_id, count(*) FROM tried WHERE after_unknown GROUP BY run_id
"""  # noqa: S608 - fixed text

# As in _STATUSES. The commonest are wanted; more different texts than these would be a text for each row.
_FAILURE_WORDS = f"""
WITH latest AS (
    SELECT run_id, item_no, status, error_kind, error_message, error_hint, written_at
    FROM run_item WHERE run_id IN (SELECT unnest($run_ids))
    {COUNTING_ROW}
),
asked AS (
    SELECT run_id, max(written_at) AS retry_at FROM run_event
    WHERE retries_errors AND run_id IN (SELECT unnest($run_ids)) GROUP BY run_id
)
SELECT
    run_id, coalesce(error_kind, 'unknown'), coalesce(error_message, ''), coalesce(error_hint, ''),
    count(*) AS n
FROM latest LEFT JOIN asked USING (run_id)
WHERE status = 'error' AND (retry_at IS NULL OR written_at >= retry_at)
GROUP BY 1, 2, 3, 4
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY n DESC) <= 1000
ORDER BY n DESC, 3
"""  # noqa: S608 - fixed text

_UNKNOWN_CELLS = f"""
SELECT a.run_id, a.item_no, a.call
FROM attempt AS a LEFT JOIN attempt_end AS e USING (attempt_id)
WHERE a.run_id IN (SELECT unnest($run_ids)) AND {_LEFT}
QUALIFY row_number() OVER (PARTITION BY a.run_id, a.item_no, a.call ORDER BY a.sent_at DESC, a.attempt_id) = 1
    AND coalesce({UNKNOWN_OUTCOMES}, false)
"""  # noqa: S608 - fixed text

_LAST_SIGN = """
SELECT a.run_id, max(e.ended_at) FROM attempt AS a JOIN attempt_end AS e USING (attempt_id)
WHERE a.run_id IN (SELECT unnest($run_ids)) AND e.outcome <> 'interrupted' GROUP BY a.run_id
"""


def count_runs(store: Store, run_ids: Sequence[str], *, sent: bool = True) -> dict[str, RunCounts]:
    """Count runs from their rows. With `sent=False` nothing is looked for that imported runs do not have."""
    if not run_ids:
        return {}
    parameters = {"run_ids": list(run_ids)}
    done: dict[str, int] = defaultdict(int)
    errors: dict[str, dict[str, int]] = defaultdict(dict)
    for run_id, status, kind, n in store.read(_STATUSES if sent else _GIVEN_STATUSES, parameters):
        if status == "done":
            done[run_id] += n
        elif status == "error":
            errors[run_id][kind or "unknown"] = n
    tokens = {row[0]: row[1:] for row in store.read(_TOKENS, parameters)} if sent else {}
    attempts = {row[0]: row[1:] for row in store.read(_ATTEMPTS, parameters)} if sent else {}
    resent = dict(store.read(_RESENT, parameters)) if sent else {}
    return {
        run_id: RunCounts(
            n_done=done[run_id],
            n_error=sum(errors[run_id].values()),
            n_maybe_paid_twice=resent.get(run_id, 0),
            errors=errors[run_id],
            **dict(zip(_OF_ATTEMPTS, attempts.get(run_id, (0, 0, 0)), strict=True)),
            **dict(zip(_OF_TOKENS, tokens.get(run_id, (None, None, None)), strict=True)),
        )
        for run_id in run_ids
    }


def failure_words(store: Store, run_ids: Sequence[str]) -> dict[str, list[tuple[str, str, str, int]]]:
    """Give for each run in which words its rows failed: (kind, message, hint, rows), the commonest first."""
    found: dict[str, list[tuple[str, str, str, int]]] = {}
    for run_id, *words in store.read(_FAILURE_WORDS, {"run_ids": list(run_ids)}) if run_ids else []:
        found.setdefault(run_id, []).append((words[0], words[1], words[2], words[3]))
    return found


def unknown_cells(store: Store, run_ids: Sequence[str]) -> set[tuple[str, int, str]]:
    """Give (run_id, item_no, call) where the last outcome is unknown: sending again may pay twice."""
    return {
        (run_id, item_no, call)
        for run_id, item_no, call in store.read(_UNKNOWN_CELLS, {"run_ids": list(run_ids)})
    }


def last_signs(store: Store, run_ids: Sequence[str]) -> dict[str, datetime]:
    """Give for each run when a request of it last ended."""
    return dict(store.read(_LAST_SIGN, {"run_ids": list(run_ids)}))
