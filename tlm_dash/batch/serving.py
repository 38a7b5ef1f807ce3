"""The requests of one pass that are on their way: begun, waited for, cut off where nobody wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from tlm_dash.batch.gate import Gate, Pass
from tlm_dash.batch.lanes import Lane
from tlm_dash.batch.questions import Unit
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.models import GenerateRequest, ScoreRequest


@dataclass(frozen=True)
class Stop:
    """Why a grid ended before its end, for a person."""

    status: str
    detail: str


async def _is_up() -> None:
    """Any endpoint but the embedded one is simply tried."""


@dataclass(frozen=True)
class Way:
    """How to reach an endpoint: its gate, and its client at this moment (which may raise EndpointError).

    `until_up` waits for one that is being started again; it raises EndpointError where it will not be.
    """

    gate: Gate
    client: Callable[[], EndpointClient]
    until_up: Callable[[], Awaitable[None]] = _is_up

    async def enter(self) -> Pass:
        """Wait for a place, and then until the endpoint is up: waiting for the place may have taken long."""
        passed = await self.gate.enter()
        try:
            await self.until_up()
        except BaseException:
            self.gate.leave(passed, "cut")
            raise
        return passed


def held_up(ways: Iterable[Way]) -> str:
    """Say what holds requests up at present, for a person; empty where nothing does. From any thread."""
    return next(filter(None, (way.gate.held_up() for way in ways)), "")


@dataclass(slots=True)
class Sending:
    """One request on its way. `recorded` is done when its row of the ledger is on disk.

    `has_left`: the endpoint may have it, and bill it. `is_cut`: it is being closed by a cancel.
    """

    lane: Lane
    unit: Unit
    request: GenerateRequest | ScoreRequest
    attempt_id: str
    recorded: asyncio.Future[None]
    passed: Pass
    maybe_again: bool
    has_left: bool = False
    is_cut: bool = False


class Serving:
    """Used on the engine's loop."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Sending] = {}

    def begin(self, sending: Sending, serve: Callable[[Sending], Coroutine[Any, Any, None]]) -> None:
        """Begin a request."""
        task = asyncio.create_task(serve(sending))
        self._tasks[task] = sending
        task.add_done_callback(self._tasks.pop)

    def cut(self, cancelled: Collection[str]) -> None:
        """Close the requests that are for cancelled runs only; what another run waits for goes on."""
        loop = asyncio.get_running_loop()
        for task, sending in self._tasks.items():
            if all(cell.run.run_id in cancelled for cell in sending.unit.cells):
                sending.is_cut = True
                # Not at once: a task that has not begun would end without giving its place back.
                loop.call_soon(task.cancel)

    async def end(self, within_s: float | None) -> None:
        """Wait for all, so long; cut them off then, or where the waiting task is cancelled meanwhile."""
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=within_s)
        finally:
            left = list(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def cut_note(n: int) -> str | None:
    """Say what a cancel closed, for a person; None where nothing was under way."""
    if not n:
        return None
    what = "1 request was" if n == 1 else f"{n:,} requests were"
    return f"{what} closed before an answer came, and may have been paid all the same."
