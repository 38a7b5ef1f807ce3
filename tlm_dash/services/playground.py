"""The playground: run a prompt through models and presets, stop it, score it again, find it again."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.plan import AnswerPlan, PlannedCell
from tlm_dash.errors import InvalidInputError, NotFoundError, SettingsError, StoreClosedError, StoreError
from tlm_dash.models import (
    Completion,
    Messages,
    messages_identity,
    new_id,
    text_hash,
    utc_now,
)
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.services.playground_request import PlaygroundRequest, checked_messages
from tlm_dash.services.playground_runs import endpoint_name, frozen_settings, planned_cells
from tlm_dash.services.playground_view import view
from tlm_dash.store import playground as stored
from tlm_dash.store.conversation import kept_messages
from tlm_dash.store.playground import HistoryCell, HistoryPage, HistoryRow

__all__ = ["HISTORY_ROWS_A_PAGE", "HistoryCell", "HistoryPage", "HistoryRow", "entry_of", "history",
           "preset_latencies", "score_again", "stop", "submit"]  # fmt: skip

HISTORY_ROWS_A_PAGE = 10

COMMIT_TIMEOUT_S = 30.0

_submitting = threading.Lock()
"""Two tabs that press Run at once must not get the same item_no, or make one run twice."""


def submit(dashboard: Dashboard, request: PlaygroundRequest) -> str:
    """Store a new entry and start it; returns its entry_id. Raises InvalidInputError, StoreError."""
    messages = checked_messages(request)
    provider = _provider_address(dashboard, request)
    with _submitting:
        same = _under_way(dashboard, request)
        if same is not None:
            return same
        plans = _store_entry(dashboard, request, messages, provider)
        for plan in plans:
            _start(dashboard, plan)
    return plans[0].entry_id


def _under_way(dashboard: Dashboard, request: PlaygroundRequest) -> str | None:
    """Find an entry under way that asks the very same: a second press of Run must not pay twice."""
    for entry_id in dashboard.board.entries_under_way():
        entry = stored.entry(dashboard.store, entry_id)
        if entry is not None and PlaygroundRequest.from_mapping(entry.request) == request:
            return entry_id
    return None


def _store_entry(
    dashboard: Dashboard, request: PlaygroundRequest, messages: Messages, provider: EndpointAddress | None
) -> list[AnswerPlan]:
    """Write down what is about to be asked, and give the plans that ask it."""
    store = dashboard.store
    dataset_id = stored.ensure_playground_dataset(store)
    item_no = stored.next_item_no(store, dataset_id)
    entry_id, now = new_id(), utc_now()
    tables: dict[str, list[dict[str, Any]]] = {"run": []}
    frozen = frozen_settings(dashboard, request, provider)
    groups = tuple(planned_cells(dashboard, request, frozen, dataset_id, tables["run"]))
    tables["item"] = [{
        "dataset_id": dataset_id, "item_no": item_no, "prompt": request.prompt,
        "messages": kept_messages(messages), "prompt_hash": text_hash(messages_identity(messages)),
        "reference": None, "created_at": now,
    }]  # fmt: skip
    tables["playground_entry"] = [{
        "entry_id": entry_id, "dataset_id": dataset_id, "item_no": item_no,
        "request": request.as_json(), "created_at": now,
    }]  # fmt: skip
    run_ids = [cell.run_id for _, cells in groups for cell in cells]
    tables["playground_cell"] = [
        {"entry_id": entry_id, "position": position, "run_id": run_id}
        for position, run_id in enumerate(run_ids)
    ]
    _committed(store.append(tables))
    given = None if request.given_response is None else Completion(request.given_response, model="")
    return [
        AnswerPlan(
            entry_id, dataset_id, item_no, messages, frozen.mode, frozen.answered_by, cells,
            frozen.scorer_model, model, provider, request.params, given,
        )
        for model, cells in groups
    ]  # fmt: skip


def _committed(written: Future[None]) -> None:
    try:
        written.result(COMMIT_TIMEOUT_S)
    except TimeoutError:
        raise StoreError(
            "The database is too busy to take the prompt.", hint="Wait a moment, then press Run again."
        ) from None


def _start(dashboard: Dashboard, plan: AnswerPlan) -> None:
    answering = dashboard.answering()
    # On the board before the task runs: the page that is drawn next must see the cell under way.
    for cell in plan.cells:
        dashboard.board.enter(plan.entry_id, cell.run_id, "waiting")
    key = f"playground/{plan.entry_id}/{plan.cells[0].run_id}"
    try:
        dashboard.engine.start(key, lambda: answering.run(plan))
    except (RuntimeError, TimeoutError):
        for cell in plan.cells:
            dashboard.board.leave(plan.entry_id, cell.run_id)
        raise StoreClosedError("tlm_dash is shutting down.", hint="Start it again, then press Run.") from None


def _provider_address(dashboard: Dashboard, request: PlaygroundRequest) -> EndpointAddress | None:
    if request.given_response is not None or request.answered_by == "endpoint":
        return None
    provider = dashboard.monitor.provider_address()
    if provider is None:
        raise SettingsError(
            "No other provider is set up.", hint="Set OPENAI_BASE_URL and OPENAI_API_KEY, then restart."
        )
    return provider


def stop(dashboard: Dashboard, entry_id: str) -> None:
    """Stop everything under way for an entry; what has arrived is kept."""
    for key in dashboard.engine.running():
        if key.startswith(f"playground/{entry_id}/"):
            dashboard.engine.cancel(key)


def history(dashboard: Dashboard, *, search: str = "", page: int = 1) -> HistoryPage:
    """List a page of earlier entries, newest first; `search` looks into prompts and responses.

    A page beyond the last one gives the last.
    """
    rows = HISTORY_ROWS_A_PAGE
    found = stored.history(dashboard.store, search=search, limit=rows, offset=(page - 1) * rows)
    if found.rows or not found.total:
        return found
    last = (found.total - 1) // rows * rows
    return stored.history(dashboard.store, search=search, limit=rows, offset=last)


def entry_of(place: Place, run_id: str, item_no: int | None = None) -> str | None:
    """Give the entry that a row of a run was asked with, without `item_no` the newest one of the run.

    None where the run is none of the playground, or has no such row.
    """
    return stored.entry_of(place.store, run_id, item_no)


def preset_latencies(dashboard: Dashboard) -> dict[str, stored.LatencyNote]:
    """Tell how long each preset took so far over this endpoint; presets without history are absent."""
    return stored.preset_latencies(dashboard.store, endpoint_name(dashboard.settings))


def score_again(dashboard: Dashboard, entry_id: str, run_id: str) -> None:
    """Score a stored response once more, as its next attempt. Raises NotFoundError, InvalidInputError."""
    with _submitting:
        _score_again(dashboard, entry_id, run_id)


def _score_again(dashboard: Dashboard, entry_id: str, run_id: str) -> None:
    entry = view(dashboard, entry_id).entry
    cell = next((cell for cell in entry.cells if cell.run_id == run_id), None)
    if cell is None:
        raise NotFoundError("This card is not part of the result.", hint="Reload the page.")
    if run_id in dashboard.board.cells(entry_id):
        raise InvalidInputError("This response is being scored already.", hint="Wait for its score.")
    if cell.response is None or not cell.is_scorable:
        raise InvalidInputError(
            "There is no complete response to score.", hint="Press Run to ask the model again."
        )
    completion = Completion(
        cell.response, model=cell.model or "", finish_reason=cell.finish_reason, extra=cell.extra
    )
    plan = AnswerPlan(
        entry_id, entry.dataset_id, entry.item_no, entry.messages, "score", cell.answered_by,
        (PlannedCell(run_id, cell.quality_preset, cell.attempt_no + 1),), cell.scorer_model or "",
        cell.model, given=completion, given_id=cell.completion_id,
    )  # fmt: skip
    _start(dashboard, plan)
