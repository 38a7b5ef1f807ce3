"""The playground: run a prompt through models and presets, look at the result, find it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tlm_dash.batch.answering import AnswerPlan, PlannedCell
from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.errors import InvalidInputError, NotFoundError, SettingsError
from tlm_dash.models import (
    QUALITY_PRESETS,
    AnsweredBy,
    Completion,
    Messages,
    RunMode,
    canonical_json,
    messages_identity,
    new_id,
    text_hash,
    utc_now,
)
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.turns import build_messages
from tlm_dash.store import playground as stored
from tlm_dash.store.playground import PlaygroundCell, PlaygroundEntry

MAX_PROMPT_CHARACTERS = 4_000_000
"""Above what any model reads; it keeps a slip of the clipboard from filling the database."""

COMMIT_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class PlaygroundRequest:
    """What a person set on the page. `given_response` makes it score-only; then `models` is ignored."""

    prompt: str
    models: tuple[str, ...]
    quality_presets: tuple[str, ...]
    system_prompt: str = ""
    earlier_turns: str = ""
    given_response: str | None = None
    answered_by: Literal["endpoint", "provider"] = "endpoint"
    scorer_model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """Write what was set, so that opening the entry restores the page."""
        return canonical_json({
            "prompt": self.prompt, "models": self.models, "quality_presets": self.quality_presets,
            "system_prompt": self.system_prompt, "earlier_turns": self.earlier_turns,
            "given_response": self.given_response, "answered_by": self.answered_by,
            "scorer_model": self.scorer_model, "params": dict(self.params),
        })  # fmt: skip

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PlaygroundRequest:
        """Read back what `as_json` wrote; fields that a newer version added are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        for name in ("models", "quality_presets"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)


CellStatus = Literal["waiting", "answering", "scoring", "done", "error"]


@dataclass(frozen=True)
class CellView:
    """One card: the stored cell, with what is under way laid over it. `text` is the response so far."""

    cell: PlaygroundCell
    status: CellStatus
    text: str | None
    note: str = ""
    since: float | None = None
    standing: stored.Standing | None = None


@dataclass(frozen=True)
class EntryView:
    """One playground entry as the page shows it."""

    entry: PlaygroundEntry
    request: PlaygroundRequest
    cells: tuple[CellView, ...]

    @property
    def is_live(self) -> bool:
        """Tell whether anything is still under way."""
        return any(cell.status in ("waiting", "answering", "scoring") for cell in self.cells)


def submit(dashboard: Dashboard, request: PlaygroundRequest) -> str:
    """Store a new entry and start it; returns its entry_id. Raises InvalidInputError, StoreError."""
    messages = _validated(request)
    scoring = dashboard.monitor.address()
    answering = _answering_address(dashboard, request, scoring)
    store = dashboard.store
    dataset_id = stored.ensure_playground_dataset(store)
    item_no = stored.next_item_no(store, dataset_id)
    entry_id, now = new_id(), utc_now()
    tables: dict[str, list[dict[str, Any]]] = {"run": []}
    frozen = _frozen(dashboard, request, scoring, answering)
    groups = tuple(_groups(dashboard, request, frozen, dataset_id, tables["run"]))
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
    for model, cells in groups:
        plan = AnswerPlan(
            entry_id, dataset_id, item_no, messages, frozen.mode, frozen.answered_by, scoring, cells,
            model, answering, frozen.scorer_model, request.params, given,
        )  # fmt: skip
        _start(dashboard, plan)
    return entry_id


def _start(dashboard: Dashboard, plan: AnswerPlan) -> None:
    answering = dashboard.answering()
    # On the board before the task runs: the page that is drawn next must see the cell under way.
    for cell in plan.cells:
        dashboard.board.enter(plan.entry_id, cell.run_id, "waiting")
    key = f"playground/{plan.entry_id}/{plan.cells[0].run_id}"
    dashboard.engine.start(key, lambda: answering.run(plan))


def _validated(request: PlaygroundRequest) -> Messages:
    if not request.prompt.strip():
        raise InvalidInputError("There is no prompt yet.", hint="Type one, then press Run.")
    if len(request.prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidInputError(
            f"The prompt has {len(request.prompt):,} characters; the most is {MAX_PROMPT_CHARACTERS:,}.",
            hint="Shorten it, or upload many prompts as a dataset.",
        )
    if not request.quality_presets:
        raise InvalidInputError(
            "No quality preset is ticked.", hint="Tick at least one of base, low, medium."
        )
    unknown = [preset for preset in request.quality_presets if preset not in QUALITY_PRESETS]
    if unknown:
        raise InvalidInputError(
            f"The endpoint has no quality preset called {unknown[0]}.", hint="Choose base, low or medium."
        )
    if request.given_response is None and not request.models:
        raise InvalidInputError("No model is chosen.", hint="Choose at least one model.")
    if request.given_response is not None and not request.given_response.strip():
        raise InvalidInputError(
            "The response to score is empty.",
            hint="Paste the response, or switch “I already have the response” off to have one generated.",
        )
    return build_messages(request.system_prompt, request.earlier_turns, request.prompt)


def _answering_address(
    dashboard: Dashboard, request: PlaygroundRequest, scoring: EndpointAddress
) -> EndpointAddress | None:
    if request.given_response is not None:
        return None
    if request.answered_by == "endpoint":
        return scoring
    provider = dashboard.monitor.provider_address()
    if provider is None:
        raise SettingsError(
            "No other provider is set up.", hint="Set OPENAI_BASE_URL and OPENAI_API_KEY, then restart."
        )
    return provider


@dataclass(frozen=True)
class _Frozen:
    """What every run of one submission has in common; with model and preset it is a run's identity."""

    mode: RunMode
    answered_by: AnsweredBy
    endpoint: str
    provider: str | None
    scorer_model: str
    params: Mapping[str, Any]

    def run_row(self, dataset_id: str, model: str | None, preset: str) -> dict[str, Any]:
        frozen = {
            "mode": self.mode, "answered_by": self.answered_by, "endpoint": self.endpoint,
            "provider": self.provider, "model": model, "quality_preset": preset,
            "scorer_model": self.scorer_model, "settings": canonical_json({"params": dict(self.params)}),
        }  # fmt: skip
        return frozen | {
            "run_id": new_id(),
            "dataset_id": dataset_id,
            "name": f"Playground · {model or 'given responses'} · {preset}",
            "settings_hash": text_hash(canonical_json(frozen)),
            "created_at": utc_now(),
        }


def _frozen(
    dashboard: Dashboard,
    request: PlaygroundRequest,
    scoring: EndpointAddress,
    answering: EndpointAddress | None,
) -> _Frozen:
    """Settle how the request is run.

    One model at one preset of the TLM endpoint is answered and scored in one call. As soon as anything is
    compared, one scorer scores every response, so that the model or the preset is all that differs.
    """
    answered_by: AnsweredBy = request.answered_by if request.given_response is None else "given"
    one_call = (
        answered_by == "endpoint"
        and len(request.models) == len(request.quality_presets) == 1
        and request.scorer_model in (None, "", request.models[0])
    )
    mode: RunMode = "score" if answered_by == "given" else "generate" if one_call else "generate-then-score"
    scorer = request.scorer_model or dashboard.monitor.current.default_scorer
    provider = answering.base_url if answering is not None and answered_by == "provider" else None
    # The embedded endpoint is known by its name: it gets another port at every start.
    endpoint = "embedded" if dashboard.local_endpoint is not None else scoring.base_url
    return _Frozen(
        mode, answered_by, endpoint, provider, request.models[0] if one_call else scorer, request.params
    )


def _groups(
    dashboard: Dashboard,
    request: PlaygroundRequest,
    frozen: _Frozen,
    dataset_id: str,
    new_runs: list[dict[str, Any]],
) -> Iterator[tuple[str | None, tuple[PlannedCell, ...]]]:
    """Plan each model's answer with its cells; runs that do not exist yet are added to `new_runs`."""
    models: tuple[str | None, ...] = request.models if frozen.answered_by != "given" else (None,)
    for model in models:
        cells = []
        for preset in request.quality_presets:
            row = frozen.run_row(dataset_id, model, preset)
            known = stored.find_run(dashboard.store, dataset_id, row["settings_hash"])
            if known is None:
                new_runs.append(row)
            cells.append(PlannedCell(known or row["run_id"], preset))
        yield model, tuple(cells)


def stop(dashboard: Dashboard, entry_id: str) -> None:
    """Stop everything under way for an entry; what has arrived is kept."""
    for key in dashboard.engine.running():
        if key.startswith(f"playground/{entry_id}/"):
            dashboard.engine.cancel(key)


def view(dashboard: Dashboard, entry_id: str) -> EntryView:
    """Look at one entry, stored and under way. Raises NotFoundError."""
    entry = stored.entry(dashboard.store, entry_id)
    if entry is None:
        raise NotFoundError(
            "This result is not in the database.",
            hint="It may belong to another database. Open one from the history below.",
        )
    request = PlaygroundRequest.from_mapping(entry.request)
    return EntryView(entry, request, tuple(_cell_view(dashboard, entry, cell) for cell in entry.cells))


def _cell_view(dashboard: Dashboard, entry: PlaygroundEntry, cell: PlaygroundCell) -> CellView:
    live = dashboard.board.cell(entry.entry_id, cell.run_id)
    if live is None:
        status: CellStatus = "done" if cell.status == "done" else "error"
        if cell.status == "pending":
            # Ended between the two reads: the store has it at the next look.
            status = "waiting"
        scored = cell.trustworthiness_score is not None
        standing = stored.standing(dashboard.store, cell.run_id, entry.item_no) if scored else None
        return CellView(cell, status, cell.response, standing=standing)
    if live.phase == "unsaved":
        return CellView(cell, "error", live.text or cell.response, note=live.note)
    text = live.text or cell.response
    return CellView(cell, live.phase, text, note=live.note, since=live.since)


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
        dashboard.monitor.address(), (PlannedCell(run_id, cell.quality_preset, cell.attempt_no + 1),),
        cell.model, None, cell.scorer_model, {}, completion, cell.completion_id,
    )  # fmt: skip
    _start(dashboard, plan)


def entry_request(dashboard: Dashboard, entry_id: str) -> PlaygroundRequest:
    """Give what was set for an entry, to fill the page with. Raises NotFoundError."""
    return view(dashboard, entry_id).request


def raw_entry(view_: EntryView) -> str:
    """Write an entry as indented JSON, for a person who wants all of it."""
    cells = [
        {name: getattr(cell.cell, name) for name in cell.cell.__dataclass_fields__} for cell in view_.cells
    ]
    return json.dumps(
        {"messages": list(view_.entry.messages), "cells": cells}, indent=2, ensure_ascii=False, default=str
    )
