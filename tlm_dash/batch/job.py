"""One grid from its begin to its end in this process, pass after pass, with the events that tell of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tlm_dash.batch.answering import TlmEndpoint
from tlm_dash.batch.caution import Key
from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.batch.feed import Feed
from tlm_dash.batch.gate import Gate
from tlm_dash.batch.grid import Grid, Limits
from tlm_dash.batch.outcomes import BUG_MESSAGE
from tlm_dash.batch.recorder import Recorder
from tlm_dash.batch.runner import Runner
from tlm_dash.batch.serving import Stop, Way, cut_note, held_up
from tlm_dash.batch.tally import LiveRun, Tally
from tlm_dash.errors import EndpointError, StoreClosedError, TlmDashError
from tlm_dash.store.database import Store
from tlm_dash.store.run_counts import count_runs, unknown_cells
from tlm_dash.store.run_models import REFUSAL, Refusal, RunCounts
from tlm_dash.store.runs import add_events, records, retry_times

logger = logging.getLogger(__name__)

PILOT_DETAIL = "The pilot of a forecast."
BUG_HINT = "Resume the run; if it stays, report it with the last lines of the log."
SETTLE_EVERY_S = 0.05
_AGAIN = Stop("again", "")


@dataclass(frozen=True)
class Parts:
    """What every job works with."""

    engine: Engine
    store: Callable[[], Store]
    tlm: TlmEndpoint
    recorder: Recorder
    gate: Callable[[EndpointAddress], Gate]


@dataclass(frozen=True)
class _Before:
    """What the store knew of a grid when a pass began."""

    counts: Mapping[str, RunCounts]
    retry_at: dict[str, Any]
    unknown: set[tuple[str, int, str]]


class Job:
    """Used on the engine's loop; `look` may be called from any thread."""

    def __init__(self, grid: Grid, limits: Limits, run_ids: set[str], parts: Parts, *, pilot: bool) -> None:
        self._grid, self._limits, self._parts, self._pilot = grid, limits, parts, pilot
        self._wanted = set(run_ids)
        self._leaving: dict[str, str] = {}
        self._refused: dict[str, Refusal] = {}
        self._to_tell: set[str] = set()
        self._proven: set[Key] = set()
        self._writing = asyncio.Lock()
        self._tallies: dict[str, Tally] = {}
        self._runner: Runner | None = None
        self._goes_on = False
        self._note = ""
        self.is_under_way = True

    def take_in(self, run_ids: set[str], limits: Limits, *, pilot: bool) -> None:
        """Take runs in, and new limits, by beginning another pass when what is under way has ended."""
        self._wanted |= run_ids
        self._to_tell -= run_ids
        for run_id in run_ids:
            self._leaving.pop(run_id, None)
            self._refused.pop(run_id, None)
        # What is resumed begins carefully; what goes on meanwhile does not.
        self._proven = {key for key in self._proven if not self._grid.run_ids_of(*key) & run_ids}
        self._limits, self._pilot, self._goes_on = limits, pilot, True
        if self._runner is not None:
            self._runner.stop(_AGAIN)

    def leave_out(self, run_ids: set[str], status: str) -> None:
        """Leave runs out; the others go on. Those of status "cancelled" are cut off, also after a pause."""
        mine = run_ids & (self._wanted | set(self._leaving))
        self._wanted -= mine
        self._leaving |= dict.fromkeys(mine, status)
        for run_id in mine:
            self._refused.pop(run_id, None)
        self._to_tell -= mine
        if self._runner is not None and mine:
            self._runner.drop(mine, cut=status == "cancelled")

    def _pause_refused(self, run_ids: set[str], refusal: Refusal) -> None:
        """Pause runs that their endpoint refuses; of those paused so before, count how often it did."""
        for run_id in run_ids & set(self._refused):
            if self._refused[run_id].kind == refusal.kind:
                self._refused[run_id] = replace(self._refused[run_id], n=refusal.n)
        mine = run_ids & self._wanted
        if self._runner is None or self._goes_on or not mine:
            # Where another pass follows, this is an answer to what was sent before something was mended.
            return
        self._wanted -= mine
        self._leaving |= dict.fromkeys(mine, "paused")
        self._refused |= dict.fromkeys(mine, refusal)
        self._to_tell |= mine
        self._runner.drop(mine, cut=False)

    def look(self, run_id: str) -> LiveRun | None:
        """Give one of its runs as it is now, while it is under way."""
        if not self.is_under_way or (run_id not in self._wanted and run_id not in self._leaving):
            return None
        tally, runner = self._tallies.get(run_id), self._runner
        note = self._note or (held_up(runner.ways.values()) if runner is not None else "")
        return None if tally is None else replace(tally.look(), note=note)

    def look_at_all(self) -> list[LiveRun]:
        """Give all of its runs that are under way as they are now."""
        found = (self.look(run.run_id) for run in self._grid.runs)
        return [run for run in found if run is not None]

    async def carry_out(self) -> None:
        """Go on until all is done or nothing is wanted any more, and write down how it ended."""
        settling = asyncio.create_task(self._settle_leaving())
        try:
            while self._wanted or self._leaving:
                if not self._wanted:
                    # While it is under way still: whoever sees that it is not finds everything written.
                    await self._write_leaving(set(self._leaving))
                    continue
                self._goes_on = False
                stop = await self._pass()
                if stop is _AGAIN or self._goes_on:
                    continue
                await self._end(stop)
        except StoreClosedError:
            logger.info("The database was closed; the runs under way go on at the next start")
        except Exception:
            logger.exception("Carrying out runs failed")
            await self._event(set(self._wanted), "failed", detail=f"{BUG_MESSAGE} {BUG_HINT}")
        finally:
            self.is_under_way = False
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)
            await self._write_leaving(set(self._leaving))

    async def _pass(self) -> Stop | None:
        """Do what is open now. What is open is read from the store: a pass may end at any time."""
        parts, grid, wanted = self._parts, self._grid, set(self._wanted)
        try:
            await parts.tlm.wait_until_ready(self._set_note)
        except EndpointError as error:
            return Stop("failed", str(error))
        finally:
            self._note = ""
        wanted &= self._wanted
        before = await asyncio.to_thread(self._before, wanted)
        self._tallies = {
            run.run_id: Tally(run, before.counts[run.run_id], self._limits, is_pilot=self._pilot)
            for run in grid.runs
        }
        # Not where it was cancelled or paused while this was being prepared.
        await self._event(wanted, "running", only_after=("queued", "running"))
        retry_at: dict[str, datetime | None] = {run_id: before.retry_at.get(run_id) for run_id in wanted}
        feed = Feed(parts.store, grid, retry_at, pilot=self._pilot)
        self._runner = Runner(
            grid, self._limits, self._tallies, feed, parts.recorder, self._ways(), before.unknown,
            self._proven, self._pause_refused,
        )  # fmt: skip
        try:
            # Someone may have changed what is wanted while this was being prepared.
            if self._goes_on or not wanted & self._wanted:
                return _AGAIN
            return await self._runner.run(wanted & self._wanted)
        except EndpointError as error:
            return Stop("failed", str(error))
        finally:
            self._runner = None
            for tally in self._tallies.values():
                tally.stop()

    def _before(self, wanted: set[str]) -> _Before:
        store, ids = self._parts.store(), [run.run_id for run in self._grid.runs]
        earlier = {record.run_id: record.counts or {} for record in records(store, ids)}
        counts = {
            run_id: replace(counted, active_ms=earlier.get(run_id, {}).get("active_ms"))
            for run_id, counted in count_runs(store, ids).items()
        }
        return _Before(counts, retry_times(store, sorted(wanted)), unknown_cells(store, ids))

    def _ways(self) -> dict[str, Way]:
        parts, provider = self._parts, self._grid.provider

        def tlm_address() -> EndpointAddress:
            return parts.tlm.address()

        tlm_gate = parts.gate(tlm_address())
        tlm = Way(tlm_gate, lambda: parts.engine.client(tlm_address()), self._until_up)
        ways = {"generate": tlm, "score": tlm}
        if provider is not None:
            ways["generate"] = Way(parts.gate(provider), lambda: parts.engine.client(provider))
        if self._limits.max_in_flight is not None:
            for way in ways.values():
                way.gate.limit.allow(self._limits.max_in_flight)
        return ways

    async def _until_up(self) -> None:
        """Wait while the embedded endpoint is started again: rows would fail for nothing."""
        await self._parts.tlm.wait_until_ready(self._set_note)
        self._note = ""

    def _set_note(self, note: str) -> None:
        self._note = note

    async def _end(self, stop: Stop | None) -> None:
        """Write how the runs that are still wanted ended; those were all, so nothing is wanted any more."""
        ended = set(self._wanted)
        if stop is not None:
            await self._event(ended, stop.status, detail=stop.detail or None)
        elif self._pilot:
            await self._event(ended, "paused", detail=PILOT_DETAIL)
        else:
            await self._event(ended, "done")
        if not self._goes_on:
            self._wanted -= ended

    async def _settle_leaving(self) -> None:
        """Write the last counts of runs that were left out, when their last requests have ended."""
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            if self._to_tell:
                await asyncio.shield(self._tell_refused())
            calm = {run_id for run_id in self._leaving if not self._in_flight(run_id)}
            if calm:
                await self._parts.recorder.flush()
                # Not cut off by the end of the job, which would take it for written.
                await asyncio.shield(self._write_leaving(calm))

    def _in_flight(self, run_id: str) -> int:
        tally = self._tallies.get(run_id)
        return 0 if tally is None else tally.in_flight

    async def _tell_refused(self) -> None:
        """Pause in the store what the endpoint refused; nobody has to wait for what is still under way."""
        async with self._writing:
            while self._to_tell:
                run_id = self._to_tell.pop()
                detail = _said(self._refused[run_id])
                await self._event({run_id}, "paused", detail=detail, only_after=("queued", "running"))

    async def _write_leaving(self, run_ids: set[str]) -> None:
        await self._tell_refused()
        async with self._writing:
            for run_id in run_ids & set(self._leaving):
                if run_id not in self._leaving:
                    continue  # Resumed while others were written.
                status, refusal = self._leaving[run_id], self._refused.get(run_id)
                detail = None if refusal is None else _said(refusal)
                if run_id in self._tallies:
                    self._tallies[run_id].stop()
                    detail = detail or cut_note(self._tallies[run_id].n_cut)
                # Not where it was resumed in the meantime: that is newer than what is told here.
                try:
                    await self._event({run_id}, status, detail=detail, only_after=(status,))
                finally:
                    if self._leaving.get(run_id) == status:
                        del self._leaving[run_id]
                        self._refused.pop(run_id, None)

    async def _event(
        self, run_ids: set[str], status: str, *, detail: str | None = None,
        only_after: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        if not run_ids:
            return
        counts = {
            run_id: self._tallies[run_id].counts().as_mapping()
            for run_id in run_ids
            if run_id in self._tallies
        }
        for run_id in run_ids & set(counts) & set(self._refused):
            counts[run_id][REFUSAL] = self._refused[run_id].as_mapping()
        try:
            await asyncio.to_thread(
                add_events, self._parts.store(), sorted(run_ids), status, detail=detail,
                operational=self._limits.as_mapping(), is_pilot=self._pilot, counts=counts,
                only_after=only_after,
            )  # fmt: skip
        except StoreClosedError:
            raise
        except TlmDashError as error:
            logger.error("The status %s of a run could not be written: %s", status, error)


def _said(refusal: Refusal) -> str:
    return f"{refusal.message} {refusal.hint}".strip()
