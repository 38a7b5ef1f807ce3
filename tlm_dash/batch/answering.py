"""One prompt through one model: it answers once, and that same response is scored at every chosen preset."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tlm_dash.batch.endings import Endings
from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.batch.gate import Gate
from tlm_dash.batch.ledger import recorded_attempt
from tlm_dash.batch.live import LiveBoard
from tlm_dash.batch.patience import ask_patiently
from tlm_dash.batch.plan import AnswerPlan, PlannedCell
from tlm_dash.batch.rows import done_rows, error_row
from tlm_dash.errors import EndpointError, RequestRefusedError, TlmDashError
from tlm_dash.models import (
    Completion,
    Generated,
    GenerateRequest,
    Score,
    Scored,
    ScoreRequest,
    new_id,
)
from tlm_dash.responses import response_identity
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

EXPLAINED = {"log": ["explanation"]}
"""TLM's own default gives explanations only where the preset reasons; people want one at every preset."""

LEAVE_OUT_SCORE = "disable_trustworthiness"
OPTION_REFUSED = (400, 422)
"""The statuses with which an endpoint refuses an option that it does not know."""

BUG_MESSAGE = "Something went wrong inside tlm_dash; the details are in its log."
BUG_HINT = "Try again; if it stays, report it with the last lines of the log."
STOPPED_MESSAGE = "Stopped before it was complete."
NOTHING_HINT = "Press Run to ask again."
KEPT_HINT = "What had arrived is kept. Press Run again for a complete answer."
UNSCORED_MESSAGE = "The answer is kept, but it has no score."


class TlmEndpoint(Protocol):
    """Where the TLM endpoint is; the embedded one may still be starting, and may move to another port."""

    @property
    def is_embedded(self) -> bool:
        """Tell whether it is the embedded one: one small model on this machine."""

    def look_again(self) -> None:
        """Have its state looked at now: a call has just failed."""

    def address(self) -> EndpointAddress:
        """Give its address now. Raises EndpointError while it has none."""

    async def wait_until_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until it is up, telling what is waited for. Raises EndpointError when it will not be."""


class Answering:
    """Runs answer plans on the engine's loop; every outcome becomes rows, whatever happens."""

    def __init__(
        self, engine: Engine, store: Store, board: LiveBoard, tlm: TlmEndpoint,
        gate: Callable[[EndpointAddress], Gate],
    ) -> None:  # fmt: skip
        """`gate` gives the one gate of an address, which the requests of runs pass too."""
        self._engine = engine
        self._gate = gate
        self._store = store
        self._board = board
        self._tlm = tlm

    async def run(self, plan: AnswerPlan) -> None:
        """Answer and score; a failure becomes the cells' error rows, a cancellation too."""
        work = _Work(plan, Endings(self._store, self._board, plan))
        try:
            await self._tlm.wait_until_ready(work.endings.note)
            # Held over the moments between two requests, in which runs would take all places anew.
            with self._gate(plan.provider or self._tlm.address()).person_waits():
                await self._answer(work)
            with self._gate(self._tlm.address()).person_waits():
                await self._score_all(work)
        except asyncio.CancelledError:
            arrived = work.streamed or work.response is not None
            await work.close_open("stopped", STOPPED_MESSAGE, KEPT_HINT if arrived else NOTHING_HINT)
            raise
        except EndpointError as error:
            await work.close_open(error.kind, error.message, error.hint)
            self._tlm.look_again()
        except TlmDashError as error:
            await work.close_open("not_sent", error.message, error.hint)
        except Exception:
            logger.exception("Answering failed")
            await work.close_open("bug", BUG_MESSAGE, BUG_HINT)
        finally:
            work.endings.clear_board()

    async def _answer(self, work: _Work) -> None:
        """Get the response and store it, with a row for each cell that says which response it is to score."""
        plan = work.plan
        if plan.given is not None and plan.given_id is not None:
            work.response = plan.given, plan.given_id
            return
        if plan.given is not None:
            generated = Generated(plan.given, score=None, latency_ms=0.0)
        else:
            generated = await self._generate(work)
        # From here on the response is whole: whatever happens next, it is kept with the cells.
        work.response, work.score = (generated.completion, new_id()), generated.score
        await work.endings.save_response(generated, *work.response)

    async def _generate(self, work: _Work) -> Generated:
        """Stream the answer; without scoring it where it will be scored at several presets anyway."""
        request = generate_request(work.plan)
        try:
            return await self._stream(work, request)
        except RequestRefusedError as error:
            if work.streamed or error.status not in OPTION_REFUSED or LEAVE_OUT_SCORE not in request.options:
                raise
        # This endpoint may not know the option that leaves the score out: let it score, and ignore it.
        options = {name: value for name, value in request.options.items() if name != LEAVE_OUT_SCORE}
        return await self._stream(work, replace(request, options=options))

    async def _stream(self, work: _Work, request: GenerateRequest) -> Generated:
        """Ask until an answer streams in; one of which text has been seen is not asked for anew."""

        async def address() -> EndpointAddress:
            return work.plan.provider or await self._tlm_address(work.endings.note)

        return await ask_patiently(
            address, self._gate, lambda where: self._stream_once(work, request, where), work.endings.note,
            may_ask_again=lambda: not work.streamed,
        )  # fmt: skip

    async def _tlm_address(self, tell: Callable[[str], None]) -> EndpointAddress:
        await self._tlm.wait_until_ready(tell)
        return self._tlm.address()

    async def _stream_once(
        self, work: _Work, request: GenerateRequest, address: EndpointAddress
    ) -> Generated:
        plan, first = work.plan, work.plan.cells[0]
        work.endings.enter("answering")
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
                work.streamed.append(piece)
                for cell in plan.cells:
                    self._board.add_text(plan.entry_id, cell.run_id, piece)
        assert result is not None, "the client's stream ends with a Generated"
        return result

    async def _score_all(self, work: _Work) -> None:
        """Score the one response at every preset, side by side; each cell ends on its own."""
        if work.plan.mode == "generate" and work.score is not None:
            await work.close_done(work.plan.cells[0], Scored(work.score, latency_ms=0.0))
            return
        # Side by side where the endpoint has the means; on one small model each would only wait for the
        # others, and their times would say nothing of the presets.
        at_once = asyncio.Semaphore(1 if self._tlm.is_embedded else len(work.plan.cells))
        async with asyncio.TaskGroup() as group:
            for cell in work.plan.cells:
                group.create_task(self._score_in_turn(work, cell, at_once))

    async def _score_in_turn(self, work: _Work, cell: PlannedCell, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            await self._score_one(work, cell)

    async def _score_one(self, work: _Work, cell: PlannedCell) -> None:
        plan = work.plan

        def tell(note: str) -> None:
            work.endings.note(note, cell)

        try:
            scored = await ask_patiently(
                lambda: self._tlm_address(tell), self._gate,
                lambda where: self._score_once(work, cell, where), tell, may_ask_again=lambda: True,
            )  # fmt: skip
        except EndpointError as error:
            kept = "" if plan.given_id is not None else f"{UNSCORED_MESSAGE} "
            await work.close_error(cell, error.kind, f"{kept}{error.message}", error.hint)
            self._tlm.look_again()
        except TlmDashError as error:
            await work.close_error(cell, "not_sent", f"{UNSCORED_MESSAGE} {error.message}", error.hint)
        else:
            await work.close_done(cell, scored)

    async def _score_once(self, work: _Work, cell: PlannedCell, address: EndpointAddress) -> Scored:
        plan, completion = work.plan, work.completion
        work.endings.enter("scoring", cell)
        request = score_request(plan, cell, completion)
        recorded = recorded_attempt(
            self._store, run_id=cell.run_id, item_no=plan.item_no, attempt_no=cell.attempt_no, call="score",
            content=[
                request.messages, response_identity(completion.text, completion.extra) or completion.text,
                request.scorer_model, request.quality_preset,
            ],
        )  # fmt: skip
        async with recorded:
            return await self._engine.client(address).score(request)


@dataclass
class _Work:
    """One plan under way: what has arrived, and which cells are still open."""

    plan: AnswerPlan
    endings: Endings
    streamed: list[str] = field(default_factory=list)
    response: tuple[Completion, str] | None = None
    score: Score | None = None
    ended: set[str] = field(default_factory=set)

    @property
    def completion(self) -> Completion:
        assert self.response is not None
        return self.response[0]

    async def close_done(self, cell: PlannedCell, scored: Scored) -> None:
        """End a cell with its score."""
        assert self.response is not None
        self.ended.add(cell.run_id)
        await self.endings.save(cell, done_rows(self.plan, cell, *self.response, scored))

    async def close_error(self, cell: PlannedCell, kind: str, message: str, hint: str) -> None:
        """End a cell with an error; a response that has arrived stays with it."""
        self.ended.add(cell.run_id)
        completion, completion_id = self.response or (None, None)
        row = error_row(self.plan, cell, completion, completion_id, kind, message, hint)
        await self.endings.save(cell, {"run_item": [row]})

    async def close_open(self, kind: str, message: str, hint: str) -> None:
        """End every cell that is still open; a text that was cut is kept as an incomplete response."""
        still_open = [cell for cell in self.plan.cells if cell.run_id not in self.ended]
        if still_open and self.response is None and self.streamed:
            completion = Completion("".join(self.streamed), model=self.plan.model or "")
            self.response = completion, new_id()
            cut = Generated(completion, score=None, latency_ms=0.0)
            await self.endings.save_response(cut, *self.response, is_complete=False)
        for cell in still_open:
            await self.close_error(cell, kind, message, hint)


def generate_request(plan: AnswerPlan) -> GenerateRequest:
    """Phrase the request for an answer; TLM's own fields go only to a TLM endpoint."""
    assert plan.model is not None
    if plan.answered_by == "provider":
        return GenerateRequest(plan.messages, plan.model, params=plan.params)
    preset = plan.cells[0].quality_preset
    options: dict[str, Any] = dict(EXPLAINED)
    if plan.mode != "generate":
        options = {LEAVE_OUT_SCORE: True}
    return GenerateRequest(plan.messages, plan.model, preset, options, plan.params)


def score_request(plan: AnswerPlan, cell: PlannedCell, completion: Completion) -> ScoreRequest:
    """Phrase the request for a score of the response that is there."""
    return ScoreRequest(plan.messages, completion, plan.scorer_model, cell.quality_preset, EXPLAINED)
