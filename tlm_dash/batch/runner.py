"""Carries out a grid: its questions go through the endpoints' gates until all are done or it is stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from tlm_dash.batch.caution import Caution, Key
from tlm_dash.batch.feed import Feed
from tlm_dash.batch.gate import Ending, Pass, ending_of
from tlm_dash.batch.grid import Grid, Limits
from tlm_dash.batch.lanes import Lane
from tlm_dash.batch.outcomes import BUG_HINT, BUG_MESSAGE, Outcomes
from tlm_dash.batch.pace import Pace
from tlm_dash.batch.questions import (
    Question,
    Unit,
    attempt_row,
    content_hash,
    generate_request,
    score_request,
)
from tlm_dash.batch.recorder import Recorder
from tlm_dash.batch.repeats import Repeats
from tlm_dash.batch.serving import Sending, Serving, Stop, Way
from tlm_dash.batch.spending import Spending
from tlm_dash.batch.tally import Tally
from tlm_dash.errors import EndpointError, StoreError, TlmDashError
from tlm_dash.models import Generated, GenerateRequest, Scored, ScoreRequest, new_id
from tlm_dash.store.run_models import Refusal

logger = logging.getLogger(__name__)

READ_AHEAD_CELLS = 1000
"""New questions are read while fewer than this many are under way or waiting."""

GRACE_S = 2.5
"""At the end of the process, what is under way has so long to bring what it was paid for."""

FIRST_COSTS_EVERY_S = 0.05
"""How often it is looked whether the first costs of a capped run are known."""


class Runner:
    """One pass over what a grid has not finished. Used on the engine's loop."""

    def __init__(
        self, grid: Grid, limits: Limits, tallies: Mapping[str, Tally], feed: Feed, recorder: Recorder,
        ways: Mapping[str, Way], maybe_again: set[tuple[str, int, str]], proven: set[Key],
        refused: Callable[[set[str], Refusal], None],
    ) -> None:  # fmt: skip
        """`ways` has "generate" and "score"; `maybe_again` are the requests of unknown outcome.

        `refused` takes runs that their endpoint refuses, and drops them; `proven` is what Caution knows.
        """
        self._grid, self._tallies, self._feed, self._recorder = grid, tallies, feed, recorder
        self.ways, self._maybe_again = ways, maybe_again
        lanes = {id(way.gate): Lane(way.gate) for way in ways.values()}
        self._lanes = {call: lanes[id(way.gate)] for call, way in ways.items()}
        self._spending = Spending(limits, tallies)
        self._own_pace = Pace(limits.requests_per_minute)
        self._own_places = asyncio.Semaphore(limits.max_in_flight or 1_000_000)
        self._outcomes = Outcomes(
            grid, recorder, tallies, self._lanes["score"], self._close_cells,
            lambda message, hint: self.stop(Stop("failed", f"{message} {hint}".strip())), self._stays_open,
        )  # fmt: skip
        self._caution = Caution(
            proven, tallies, still_wanted=self._narrow,
            close=lambda unit, error: self._outcomes.close(unit, error.kind, error.message, error.hint),
            release=lambda unit: self._lanes[unit.call].follow_up(unit),
            pause=lambda key, refusal: refused(grid.run_ids_of(*key), refusal),
        )  # fmt: skip
        self._repeats = Repeats(self._outcomes) if grid.send_repeats_once else None
        self._wanted: set[str] = set()
        self._cancelled: set[str] = set()
        self._n_open = 0
        self._n_under_way = 0
        self._calm = asyncio.Event()
        self._serving = Serving()
        self._stop: Stop | None = None
        self._stopped = asyncio.Event()

    def stop(self, why: Stop) -> None:
        """Send nothing more; what is under way ends in its own time."""
        self._stop = self._stop or why
        self._stopped.set()

    def drop(self, run_ids: set[str], *, cut: bool) -> None:
        """Leave some runs out from now on. With `cut`, what is under way for them only is closed at once."""
        self._wanted -= run_ids
        self._caution.sweep()
        if cut:
            self._cancelled |= run_ids
            self._serving.cut(self._cancelled)
        if not self._wanted:
            self._stopped.set()

    async def run(self, run_ids: set[str]) -> Stop | None:
        """Carry out these runs of the grid to the end; gives why it stopped before, None where it did not."""
        self._wanted = set(run_ids)
        workers = [asyncio.create_task(self._dispatch(lane)) for lane in {*self._lanes.values()}]
        feeding = asyncio.create_task(self._feed_questions())
        stopping = asyncio.ensure_future(self._stopped.wait())
        grace_s: float | None = None
        try:
            await asyncio.wait({feeding, stopping, *workers}, return_when=asyncio.FIRST_COMPLETED)
            for task in (feeding, *workers):
                if task.done() and not task.cancelled() and (failure := task.exception()):
                    raise failure
        except asyncio.CancelledError:
            grace_s = GRACE_S
            raise
        finally:
            for each in (feeding, stopping, *workers):
                each.cancel()
            await asyncio.gather(feeding, stopping, *workers, return_exceptions=True)
            try:
                await self._serving.end(grace_s)
            finally:
                await self._recorder.flush()
        return self._stop

    async def _feed_questions(self) -> None:
        while (page := await self._feed.page()) is not None:
            for question in page:
                self._put(question)
            while self._n_open >= READ_AHEAD_CELLS:
                await self._wait_for_calm()
        while self._n_open:
            await self._wait_for_calm()

    async def _wait_for_calm(self) -> None:
        n_waiting = 0 if self._repeats is None else self._repeats.n_waiting
        n_held = self._caution.n_held
        if n_held and self._n_open == n_held + n_waiting:
            self._caution.close_held()
            return
        self._calm.clear()
        await self._calm.wait()

    def _put(self, question: Question) -> None:
        self._n_open += len(question.cells)
        if question.completion is None:
            self._lanes["generate"].put(Unit("generate", question, question.cells[0]))
            return
        turn = question.item_no % len(question.cells)
        for cell in (*question.cells[turn:], *question.cells[:turn]):
            self._lanes["score"].put(Unit("score", question, cell))

    def _close_cells(self, n: int) -> None:
        self._n_open -= n
        if self._n_open < READ_AHEAD_CELLS // 2:
            self._calm.set()

    async def _dispatch(self, lane: Lane) -> None:
        """Let one request after the other through the gate."""
        while True:
            unit = await lane.next()
            if not self._narrow(unit):
                self._caution.passed_over(unit)
                continue
            if self._caution.parks(unit):
                continue
            request = self._request(unit)
            unit.content_hash = content_hash(request)
            if self._repeats is not None and unit.call == "score" and self._repeats.holds_back(unit):
                self._caution.passed_over(unit)
                self._calm.set()
                continue
            await self._own_places.acquire()
            await self._wait_for_own_pace()
            while self._spending.must_wait(self._n_under_way):
                await asyncio.sleep(FIRST_COSTS_EVERY_S)
            passed = await self.ways[unit.call].enter()
            # From here on there is no await: a request that may leave is always recorded, or not sent at all.
            why_not = self._spending.why_not(self._n_under_way)
            is_wanted = self._narrow(unit)
            if not is_wanted:
                self._caution.passed_over(unit)
            if why_not is not None or not is_wanted or self._caution.parks(unit):
                lane.gate.leave(passed, "cut")
                self._own_places.release()
                if why_not is not None:
                    self.stop(Stop("paused", why_not))
                    return
                continue
            self._send(lane, unit, request, passed)

    async def _wait_for_own_pace(self) -> None:
        while (wait_s := self._own_pace.wait_s(time.monotonic())) > 0:
            await asyncio.sleep(wait_s)
        self._own_pace.take(time.monotonic())

    def _narrow(self, unit: Unit) -> bool:
        """Leave runs out that are not wanted any more; tells whether the request still has a reason."""
        question = unit.question
        if unit.call == "score":
            if unit.cell.run.run_id in self._wanted:
                return True
            self._close_cells(1)
            self._release(unit)
            return False
        kept = [cell for cell in question.cells if cell.run.run_id in self._wanted]
        if len(kept) < len(question.cells):
            dropped, question.cells = len(question.cells) - len(kept), kept
            self._close_cells(dropped)
        if kept and unit.cell not in kept:
            unit.cell = kept[0]
        return bool(kept)

    def _release(self, unit: Unit) -> None:
        """Send what waited for this request, which will not be made."""
        for waiting in [] if self._repeats is None else self._repeats.released(unit):
            self._lanes["score"].follow_up(waiting)

    def _request(self, unit: Unit) -> GenerateRequest | ScoreRequest:
        if unit.call == "score":
            return score_request(self._grid, unit)
        return generate_request(self._grid, unit, leave_out_score=self._outcomes.leave_out_score)

    def _send(self, lane: Lane, unit: Unit, request: GenerateRequest | ScoreRequest, passed: Pass) -> None:
        attempt_id, run_id = new_id(), unit.cell.run.run_id
        key = (run_id, unit.question.item_no, unit.call)
        maybe_again = unit.maybe_again or key in self._maybe_again
        self._maybe_again.discard(key)
        unit.maybe_again = False
        self._tallies[run_id].note_sent(maybe_again=maybe_again)
        self._n_under_way += 1
        self._caution.began(unit)
        recorded = self._recorder.add({"attempt": [attempt_row(unit, attempt_id)]})
        sending = Sending(lane, unit, request, attempt_id, recorded, passed, maybe_again)
        self._serving.begin(sending, self._serve)

    async def _serve(self, sending: Sending) -> None:
        """Make one request, from its row in the ledger to the rows of its end."""
        unit, attempt_id = sending.unit, sending.attempt_id
        ending: Ending = "other"
        retry_after_s: float | None = None
        tally = self._tallies[unit.cell.run.run_id]
        started = time.perf_counter()
        try:
            # Shielded: everyone's rows are in the same commit.
            await asyncio.shield(sending.recorded)
            started, sending.has_left = time.perf_counter(), True
            await self._ask(unit, sending.request, attempt_id)
            ending = "ok"
        except EndpointError as error:
            ending, retry_after_s = ending_of(error), error.retry_after_s
            self._outcomes.failed(unit, attempt_id, error, _ms_since(started), sending.lane)
        except asyncio.CancelledError:
            ending = "cut"
            self._cut_off(sending, _ms_since(started))
            raise
        except StoreError:
            self.stop(Stop("running", "The database was closed."))
        except TlmDashError as error:
            self._outcomes.not_sent(unit, attempt_id, "not_sent", error)
        except Exception:
            logger.exception("A request of a run failed")
            self._outcomes.not_sent(unit, attempt_id, "bug", TlmDashError(BUG_MESSAGE, hint=BUG_HINT))
        finally:
            self._recorder.note_latency(time.perf_counter() - started)
            self._n_under_way -= 1
            tally.in_flight -= 1
            self._own_places.release()
            self._caution.ended(unit)
            sending.lane.gate.leave(sending.passed, ending, retry_after_s)

    def _cut_off(self, sending: Sending, latency_ms: float) -> None:
        self._outcomes.cut_off(sending, latency_ms)
        if sending.is_cut:
            self._close_cells(len(sending.unit.cells))
            self._release(sending.unit)

    async def _ask(self, unit: Unit, request: GenerateRequest | ScoreRequest, attempt_id: str) -> None:
        client = self.ways[unit.call].client()
        if isinstance(request, GenerateRequest):
            generated: Generated = await client.generate(request)
            self._caution.succeeded(unit)
            self._outcomes.generated(unit, attempt_id, generated)
            return
        scored: Scored = await client.score(request)
        self._caution.succeeded(unit)
        self._outcomes.scored(unit, attempt_id, scored)
        if self._repeats is not None:
            self._repeats.scored(unit, scored)

    def _stays_open(self, unit: Unit, error: EndpointError) -> bool:
        stays = self._caution.refused(unit, error)
        if stays:
            # It may be the last one that was waited for.
            self._calm.set()
        return stays


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0
