"""Runs over datasets in the store: found by name, listed, and how they went on, as appended events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.run_models import COLLECTED, RunEvent, RunRecord, RunStatus, Selection

Found = TypeVar("Found")

COMMIT_TIMEOUT_S = 60.0

# The number of an event is read before it is written: two threads must not take the same one.
_events_lock = threading.Lock()

# Of the playground only runs that are named: with the list of all, nothing is `asked` for.
_RECORDS = """
WITH latest AS (
    SELECT * FROM run_event
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY event_no DESC) = 1
),
times AS (
    SELECT
        run_id, min(written_at) FILTER (WHERE status = 'running') AS started_at,
        max(written_at) FILTER (WHERE status IN ('done', 'cancelled', 'failed')) AS finished_at
    FROM run_event GROUP BY run_id
),
asked AS (
    SELECT run_id, count(DISTINCT item_no) AS n_items, count(*) AS n_rows FROM run_item
    WHERE run_id IN (SELECT run_id FROM run JOIN dataset AS d USING (dataset_id)
        WHERE d.kind = 'playground' AND run_id IN (SELECT unnest($run_ids)))
    GROUP BY run_id
)
SELECT
    run.run_id, run.dataset_id, d.name AS dataset_name, run.name, run.mode, run.answered_by, run.endpoint,
    run.provider, run.model, run.quality_preset, run.scorer_model, run.settings, run.created_at,
    p.grid_id, coalesce(p.position, 0) AS position, coalesce(p.lead_run_id, run.run_id) AS lead_run_id,
    p.source_run_id, coalesce(p.n_items, m.n_items, asked.n_items, 0) AS n_items, p.last_item_no,
    p.sample_seed, p.sample_cut, p.pilot_cut, coalesce(e.status, 'done') AS status, e.detail,
    coalesce(e.event_no, asked.n_rows, 0) AS event_no,
    coalesce(e.written_at, run.created_at) AS event_at,
    coalesce(e.is_pilot, false) AS is_pilot, coalesce(e.operational, '{}') AS operational, e.counts,
    times.started_at,
    CASE WHEN e.status IN ('done', 'cancelled', 'failed') THEN times.finished_at END AS finished_at,
    d.kind AS dataset_kind
FROM run
JOIN dataset AS d ON d.dataset_id = run.dataset_id
LEFT JOIN run_plan AS p ON p.run_id = run.run_id
LEFT JOIN imported_run AS m ON m.run_id = run.run_id
LEFT JOIN latest AS e ON e.run_id = run.run_id
LEFT JOIN times ON times.run_id = run.run_id
LEFT JOIN asked ON asked.run_id = run.run_id
WHERE coalesce(e.status, '') <> 'deleted'
    AND (p.run_id IS NOT NULL OR m.run_id IS NOT NULL OR asked.run_id IS NOT NULL)
    AND ($run_ids IS NULL OR run.run_id IN (SELECT unnest($run_ids)))
    AND ($grid_id IS NULL OR p.grid_id = $grid_id)
ORDER BY run.created_at, position, run.run_id
"""

_TABLES = ("run", "dataset", "run_plan", "imported_run", "run_event")

# All runs of a store, as they were at a mark of these tables: every open page asks for them again and again.
_known: WeakKeyDictionary[Store, tuple[tuple[int, ...], list[RunRecord]]] = WeakKeyDictionary()

_DATASETS = """
SELECT dataset_id, name FROM dataset AS d
WHERE kind <> 'playground' AND (dataset_id = $text OR starts_with(dataset_id, $text) OR name = $text)
    AND dataset_id NOT IN (SELECT dataset_id FROM dataset_deletion)
"""

_RETRIES = """
SELECT run_id, max(written_at) FROM run_event
WHERE retries_errors AND run_id IN (SELECT unnest($run_ids)) GROUP BY run_id
"""

_PILOTS = """
SELECT DISTINCT p.grid_id, max(run.created_at) AS created_at
FROM run_plan AS p JOIN run ON run.run_id = p.run_id
WHERE p.grid_hash = ? AND p.pilot_cut IS NOT NULL
GROUP BY p.grid_id ORDER BY created_at DESC
"""


def records(
    store: Store, run_ids: Sequence[str] | None = None, *, grid_id: str | None = None
) -> list[RunRecord]:
    """List runs of datasets, oldest first, with pilots; deleted ones are left out.

    Runs of the playground are given only where `run_ids` names them.
    """
    if run_ids is not None or grid_id is not None:
        parameters = {"run_ids": None if run_ids is None else list(run_ids), "grid_id": grid_id}
        return [_record(row) for row in store.read_rows(_RECORDS, parameters)]
    version = store.version(*_TABLES)
    known = _known.get(store)
    if known is None or known[0] != version:
        rows = store.read_rows(_RECORDS, {"run_ids": None, "grid_id": None})
        known = _known[store] = (version, [_record(row) for row in rows])
    return list(known[1])


def find_run(store: Store, text: str) -> RunRecord:
    """Find a run by its id, a unique prefix of it, or a unique name. Raises NotFoundError.

    A run of the playground is found by its whole id alone.
    """
    if text and (named := records(store, [text])):
        return named[0]
    return _one_of(
        [r for r in records(store) if text and (r.run_id.startswith(text) or r.name == text)],
        text, "run", lambda r: (r.run_id, r.name),
    )  # fmt: skip


def find_dataset(store: Store, text: str) -> tuple[str, str]:
    """Find a dataset by its id, a unique prefix of it, or a unique name; gives id and name."""
    found = store.read(_DATASETS, {"text": text}) if text else []
    return _one_of([(i, n) for i, n in found], text, "dataset", lambda pair: pair)


def pilot_grid(store: Store, grid_hash: str) -> list[RunRecord]:
    """Give the runs of the latest pilot of this very configuration; empty where there is none."""
    for grid_id, _ in store.read(_PILOTS, [grid_hash]):
        found = records(store, grid_id=grid_id)
        if found and all(record.is_pilot for record in found):
            return found
    return []


def add_events(
    store: Store,
    run_ids: Sequence[str],
    status: RunStatus | str,
    *,
    operational: Mapping[str, Any],
    detail: str | None = None,
    is_pilot: bool = False,
    retries_errors: bool = False,
    counts: Mapping[str, Mapping[str, Any]] | None = None,
    only_after: Collection[str] | None = None,
) -> None:
    """Write the same event for some runs and wait until it is on disk. `counts` are by run_id.

    With `only_after` only for runs whose status is one of these: what was asked for meanwhile stands.
    """
    found = counts or {}
    events = [
        RunEvent(run_id, status, operational, detail, is_pilot, retries_errors, found.get(run_id))
        for run_id in run_ids
    ]
    append_events(store, events, only_after=only_after)


def append_events(
    store: Store,
    events: Sequence[RunEvent],
    *,
    along: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    only_after: Collection[str] | None = None,
) -> None:
    """Write events, and rows of other tables along with them, in one transaction; waits until it is done.

    With `only_after` only those of runs whose status is one of these.
    """
    if not events:
        return
    with _events_lock:
        latest = {
            run_id: (number, status)
            for run_id, number, status in store.read(
                "SELECT run_id, max(event_no), arg_max(status, event_no) FROM run_event "
                "WHERE run_id IN (SELECT unnest(?)) GROUP BY run_id",
                [[event.run_id for event in events]],
            )
        }
        numbers = {run_id: number for run_id, (number, _) in latest.items()}
        if only_after is not None:
            events = [event for event in events if latest.get(event.run_id, (0, ""))[1] in only_after]
        rows = [
            {
                "run_id": event.run_id, "event_no": numbers.get(event.run_id, 0) + 1, "status": event.status,
                "detail": event.detail, "is_pilot": event.is_pilot, "retries_errors": event.retries_errors,
                "operational": dict(event.operational),
                "counts": None if event.counts is None else dict(event.counts), "written_at": utc_now(),
            }
            for event in events
        ]  # fmt: skip
        if rows or along:
            store.append({**(along or {}), "run_event": rows}).result(COMMIT_TIMEOUT_S)


def retry_times(store: Store, run_ids: Sequence[str]) -> dict[str, Any]:
    """Give for each run when its failed items were last asked to be tried again; absent where never."""
    return dict(store.read(_RETRIES, {"run_ids": list(run_ids)}))


def _one_of(found: Sequence[Found], text: str, noun: str, named: Callable[[Found], tuple[str, str]]) -> Found:
    exact = [one for one in found if named(one)[0] == text] or [one for one in found if named(one)[1] == text]
    matches = exact or list(found)
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFoundError(
            f"There is no {noun} called “{text}”.", hint=f"`{noun}s list` shows ids and names."
        )
    several = ", ".join(named(one)[0][:8] for one in matches[:5])
    raise InvalidInputError(f"“{text}” is not one {noun}: {several} match.", hint="Give more of the id.")


def _record(row: dict[str, Any]) -> RunRecord:
    seed, cut, pilot = row.pop("sample_seed"), row.pop("sample_cut"), row.pop("pilot_cut")
    last_item_no = row.pop("last_item_no")
    selection = None if last_item_no is None else Selection(last_item_no, seed, cut, pilot)
    row["settings"] = json.loads(row["settings"])
    row["operational"] = json.loads(row["operational"])
    row["counts"] = None if row["counts"] is None else json.loads(row["counts"])
    if row["dataset_kind"] == COLLECTED and row["grid_id"] is None and row["counts"]:
        # It grows with every answer that is added, and so does what its events count.
        row["n_items"] = row["counts"]["n_done"]
    return RunRecord(**row, selection=selection)
