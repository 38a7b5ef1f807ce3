"""The playground: run a prompt through models and presets, stop it, score it again, find it again."""

from __future__ import annotations

import threading
from typing import Any

from tlm_dash.batch.answering import AnswerPlan, PlannedCell
from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.errors import InvalidInputError, NotFoundError, SettingsError
from tlm_dash.models import (
    Completion,
    Messages,
    canonical_json,
    messages_identity,
    new_id,
    text_hash,
    utc_now,
)
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest, checked_messages
from tlm_dash.services.playground_runs import frozen_settings, planned_cells
from tlm_dash.services.playground_view import view
from tlm_dash.store import playground as stored

COMMIT_TIMEOUT_S = 30.0

_submitting = threading.Lock()
"""Two tabs that press Run at once must not get the same item_no, or make one run twice."""


def submit(dashboard: Dashboard, request: PlaygroundRequest) -> str:
    """Store a new entry and start it; returns its entry_id. Raises InvalidInputError, StoreError."""
    messages = checked_messages(request)
    provider = _provider_address(dashboard, request)
    with _submitting:
        plans = _store_entry(dashboard, request, messages, provider)
    for plan in plans:
        _start(dashboard, plan)
    return plans[0].entry_id


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
        "messages": canonical_json(list(messages)), "prompt_hash": text_hash(messages_identity(messages)),
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
    store.append(tables).result(COMMIT_TIMEOUT_S)
    given = None if request.given_response is None else Completion(request.given_response, model="")
    return [
        AnswerPlan(
            entry_id, dataset_id, item_no, messages, frozen.mode, frozen.answered_by, cells,
            frozen.scorer_model, model, provider, request.params, given,
        )
        for model, cells in groups
    ]  # fmt: skip


def _start(dashboard: Dashboard, plan: AnswerPlan) -> None:
    answering = dashboard.answering()
    # On the board before the task runs: the page that is drawn next must see the cell under way.
    for cell in plan.cells:
        dashboard.board.enter(plan.entry_id, cell.run_id, "waiting")
    key = f"playground/{plan.entry_id}/{plan.cells[0].run_id}"
    dashboard.engine.start(key, lambda: answering.run(plan))


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


def history(dashboard: Dashboard, *, search: str = "", limit: int, offset: int) -> stored.HistoryPage:
    """List earlier entries, newest first; `search` looks into prompts and responses."""
    return stored.history(dashboard.store, search=search, limit=limit, offset=offset)


def preset_latencies(dashboard: Dashboard) -> dict[str, stored.LatencyNote]:
    """Tell how long each preset took so far here; presets without history are absent."""
    return stored.preset_latencies(dashboard.store)


def score_again(dashboard: Dashboard, entry_id: str, run_id: str) -> None:
    """Score a stored response once more, as its next attempt. Raises NotFoundError, InvalidInputError."""
    entry = view(dashboard, entry_id).entry
    cell = next((cell for cell in entry.cells if cell.run_id == run_id), None)
    if cell is None:
        raise NotFoundError("This card is not part of the result.", hint="Reload the page.")
    if cell.response is None or not cell.is_complete:
        raise InvalidInputError(
            "There is no complete response to score.", hint="Press Run to ask the model again."
        )
    completion = Completion(cell.response, model=cell.model or "", finish_reason=cell.finish_reason)
    plan = AnswerPlan(
        entry_id, entry.dataset_id, entry.item_no, entry.messages, "score", cell.answered_by,
        (PlannedCell(run_id, cell.quality_preset, cell.attempt_no + 1),), cell.scorer_model or "",
        cell.model, given=completion, given_id=cell.completion_id,
    )  # fmt: skip
    _start(dashboard, plan)
