"""One prompt through one model: it answers once, and that same response is scored at every chosen preset."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.batch.ledger import commit, recorded_attempt
from tlm_dash.batch.live import LiveBoard
from tlm_dash.batch.rows import completion_row, done_rows, error_row
from tlm_dash.errors import EndpointError, RequestRefusedError, StoreError
from tlm_dash.models import (
    AnsweredBy,
    Completion,
    Generated,
    GenerateRequest,
    Messages,
    RunMode,
    Score,
    Scored,
    ScoreRequest,
    new_id,
)
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

EXPLAINED = {"log": ["explanation"]}
"""TLM's own default gives explanations only where the preset reasons; people want one at every preset."""

BUG_MESSAGE = "Something went wrong inside tlm_dash; the details are in its log."
STOPPED_MESSAGE = "Stopped before it was complete."


@dataclass(frozen=True)
class PlannedCell:
    """One card: the run it belongs to, its preset, and which attempt at it this is."""

    run_id: str
    quality_preset: str
    attempt_no: int = 1


@dataclass(frozen=True)
class AnswerPlan:
    """What one model is asked, and at which presets its answer is scored.

    `given` is a response that exists already (then nothing is generated); `given_id` is its completion_id
    where it is stored already. `provider` is set where another provider than the TLM endpoint answers.
    """

    entry_id: str
    dataset_id: str
    item_no: int
    messages: Messages
    mode: RunMode
    answered_by: AnsweredBy
    cells: tuple[PlannedCell, ...]
    scorer_model: str
    model: str | None = None
    provider: EndpointAddress | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    given: Completion | None = None
    given_id: str | None = None


class TlmEndpoint(Protocol):
    """Where the TLM endpoint is; the embedded one may still be starting, and may move to another port."""

    def address(self) -> EndpointAddress:
        """Give its address now. Raises EndpointError while it has none."""

    async def wait_until_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until it is up, telling what is waited for. Raises EndpointError when it will not be."""


class Answering:
    """Runs answer plans on the engine's loop; every outcome becomes rows, whatever happens."""

    def __init__(self, engine: Engine, store: Store, board: LiveBoard, tlm: TlmEndpoint) -> None:
        self._engine = engine
        self._store = store
        self._board = board
        self._tlm = tlm

    async def run(self, plan: AnswerPlan) -> None:
        """Answer and score; an EndpointError becomes the cells' error rows, a cancellation too."""
        open_cells = {cell.run_id: cell for cell in plan.cells}
        partial: list[str] = []
        try:
            for cell in plan.cells:
                self._board.enter(plan.entry_id, cell.run_id, "waiting")
            await self._tlm.wait_until_ready(lambda note: self._note(plan, note))
            completion, completion_id, score = await self._answer(plan, partial)
            partial.clear()
            await self._score_all(plan, completion, completion_id, score, open_cells)
        except EndpointError as error:
            await self._close_with_error(plan, open_cells, partial, error.kind, error.message, error.hint)
        except asyncio.CancelledError:
            hint = "What had arrived is kept. Press Run again for a complete answer."
            closing = self._close_with_error(plan, open_cells, partial, "stopped", STOPPED_MESSAGE, hint)
            await asyncio.shield(closing)
            raise
        except StoreError as error:
            self._keep_unsaved(plan, open_cells, error)
        except Exception:
            logger.exception("Answering failed")
            hint = "Try again; if it stays, report it with the last lines of the log."
            await self._close_with_error(plan, open_cells, partial, "bug", BUG_MESSAGE, hint)
        finally:
            self._clear_board(plan)

    def _clear_board(self, plan: AnswerPlan) -> None:
        planned = {cell.run_id for cell in plan.cells}
        for run_id, live in self._board.cells(plan.entry_id).items():
            if run_id in planned and live.phase != "unsaved":
                self._board.leave(plan.entry_id, run_id)

    def _keep_unsaved(
        self, plan: AnswerPlan, open_cells: Mapping[str, PlannedCell], error: StoreError
    ) -> None:
        """Leave on the board what the store did not take, so that the page still shows it."""
        logger.error("A result could not be stored: %s", error)
        for run_id in open_cells:
            self._board.enter(plan.entry_id, run_id, "unsaved", note=str(error))

    def _note(self, plan: AnswerPlan, note: str) -> None:
        for cell in plan.cells:
            self._board.enter(plan.entry_id, cell.run_id, "waiting", note=note)

    async def _answer(self, plan: AnswerPlan, partial: list[str]) -> tuple[Completion, str, Score | None]:
        """Get the response and store it. A score comes along only in mode "generate"."""
        if plan.given is not None:
            if plan.given_id is not None:
                return plan.given, plan.given_id, None
            generated = Generated(plan.given, score=None, latency_ms=0.0)
        else:
            generated = await self._generate(plan, partial)
        completion_id = new_id()
        row = completion_row(plan, completion_id, generated, is_complete=True)
        await commit(self._store, {"completion": [row]})
        return generated.completion, completion_id, generated.score

    async def _generate(self, plan: AnswerPlan, partial: list[str]) -> Generated:
        """Stream the answer; without scoring it where it will be scored at several presets anyway."""
        request = generate_request(plan)
        try:
            return await self._stream(plan, request, partial)
        except RequestRefusedError:
            if "disable_trustworthiness" not in request.options:
                raise
        # This endpoint does not know the option that leaves the score out: let it score, and ignore it.
        options = {k: v for k, v in request.options.items() if k != "disable_trustworthiness"}
        return await self._stream(plan, replace(request, options=options), partial)

    async def _stream(self, plan: AnswerPlan, request: GenerateRequest, partial: list[str]) -> Generated:
        address = plan.provider or self._tlm.address()
        for cell in plan.cells:
            self._board.enter(plan.entry_id, cell.run_id, "answering")
        first = plan.cells[0]
        result: Generated | None = None
        recorded = recorded_attempt(
            self._store, run_id=first.run_id, item_no=plan.item_no, attempt_no=first.attempt_no,
            call="generate", content=[request.messages, request.model, request.params, request.options],
        )  # fmt: skip
        async with recorded, aclosing(self._engine.client(address).stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Generated):
                    result = piece
                    continue
                partial.append(piece)
                for cell in plan.cells:
                    self._board.add_text(plan.entry_id, cell.run_id, piece)
        assert result is not None, "the client's stream ends with a Generated"
        return result

    async def _score_all(
        self,
        plan: AnswerPlan,
        completion: Completion,
        completion_id: str,
        score: Score | None,
        open_cells: dict[str, PlannedCell],
    ) -> None:
        """Score the one response at every preset, side by side; each cell ends on its own."""
        if plan.mode == "generate" and score is not None:
            scored = Scored(score, latency_ms=0.0)
            await self._close_done(plan, plan.cells[0], completion, completion_id, scored, open_cells)
            return
        async with asyncio.TaskGroup() as group:
            for cell in plan.cells:
                group.create_task(self._score_one(plan, cell, completion, completion_id, open_cells))

    async def _score_one(
        self,
        plan: AnswerPlan,
        cell: PlannedCell,
        completion: Completion,
        completion_id: str,
        open_cells: dict[str, PlannedCell],
    ) -> None:
        self._board.enter(plan.entry_id, cell.run_id, "scoring")
        request = score_request(plan, cell, completion)
        try:
            async with recorded_attempt(
                self._store, run_id=cell.run_id, item_no=plan.item_no, attempt_no=cell.attempt_no,
                call="score",
                content=[request.messages, completion.text, request.scorer_model, request.quality_preset],
            ):  # fmt: skip
                scored = await self._engine.client(self._tlm.address()).score(request)
        except EndpointError as error:
            row = error_row(
                plan, cell, completion, completion_id, error.kind,
                f"The answer is kept, but it has no score. {error.message}", error.hint,
            )  # fmt: skip
            await self._close(plan, cell, {"run_item": [row]}, open_cells)
        except StoreError as error:
            self._keep_unsaved(plan, {cell.run_id: cell}, error)
            open_cells.pop(cell.run_id, None)
        else:
            await self._close_done(plan, cell, completion, completion_id, scored, open_cells)

    async def _close_done(
        self,
        plan: AnswerPlan,
        cell: PlannedCell,
        completion: Completion,
        completion_id: str,
        scored: Scored,
        open_cells: dict[str, PlannedCell],
    ) -> None:
        await self._close(plan, cell, done_rows(plan, cell, completion, completion_id, scored), open_cells)

    async def _close(
        self,
        plan: AnswerPlan,
        cell: PlannedCell,
        tables: Mapping[str, list[dict[str, Any]]],
        open_cells: dict[str, PlannedCell],
    ) -> None:
        """Write a cell's end, then take it off the board, in this order: it is always in one of the two."""
        open_cells.pop(cell.run_id, None)
        try:
            await commit(self._store, tables)
        except StoreError as error:
            self._keep_unsaved(plan, {cell.run_id: cell}, error)
        else:
            self._board.leave(plan.entry_id, cell.run_id)

    async def _close_with_error(
        self,
        plan: AnswerPlan,
        open_cells: dict[str, PlannedCell],
        partial: list[str],
        kind: str,
        message: str,
        hint: str,
    ) -> None:
        """End every cell that is still open with the same error, keeping the text that had arrived."""
        if not open_cells:
            return
        tables: dict[str, list[dict[str, Any]]] = {}
        completion, completion_id = None, None
        if partial:
            completion, completion_id = Completion("".join(partial), model=plan.model or ""), new_id()
            generated = Generated(completion, score=None, latency_ms=0.0)
            tables["completion"] = [completion_row(plan, completion_id, generated, is_complete=False)]
        tables["run_item"] = [
            error_row(plan, cell, completion, completion_id, kind, message, hint)
            for cell in open_cells.values()
        ]
        try:
            await commit(self._store, tables)
        except StoreError as error:
            self._keep_unsaved(plan, open_cells, error)
        open_cells.clear()


def generate_request(plan: AnswerPlan) -> GenerateRequest:
    """Phrase the request for an answer; TLM's own fields go only to a TLM endpoint."""
    assert plan.model is not None
    if plan.answered_by == "provider":
        return GenerateRequest(plan.messages, plan.model, params=plan.params)
    preset = plan.cells[0].quality_preset
    options: dict[str, Any] = dict(EXPLAINED)
    if plan.mode != "generate":
        options = {"disable_trustworthiness": True}
    return GenerateRequest(plan.messages, plan.model, preset, options, plan.params)


def score_request(plan: AnswerPlan, cell: PlannedCell, completion: Completion) -> ScoreRequest:
    """Phrase the request for a score of the response that is there."""
    return ScoreRequest(plan.messages, completion, plan.scorer_model, cell.quality_preset, EXPLAINED)
