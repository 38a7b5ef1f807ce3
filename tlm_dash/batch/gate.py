"""The gate of one endpoint: every request passes it, and it decides when."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal

from tlm_dash.batch.admissions import Outcome, Sent
from tlm_dash.batch.in_flight import InFlightLimit
from tlm_dash.batch.pace import Pace
from tlm_dash.errors import EndpointError

Ending = Literal["ok", "refused", "trouble", "other", "cut"]
"""refused: 429. trouble: the endpoint is overloaded or down. other: it is up, the request was at fault.
cut: we closed it, which tells nothing of the endpoint."""

_OUTCOMES: dict[Ending, Outcome] = {
    "ok": "admitted", "other": "admitted", "refused": "refused", "trouble": "trouble",
}  # fmt: skip

_TROUBLE = frozenset({"unreachable", "timeout", "connection_dropped", "server_failed"})

OPEN_AT_ONCE, OPENED_PER_S = 32, 1280
"""A high limit that a person set is gone up to within moments, not at once: a refusal may come first."""

CLOSED_AFTER_S = 10.0
OPENING_SLEEP_S = 0.01
LONGEST_SLEEP_S = 1.0
"""A wait is looked at again this often: limits may have changed meanwhile."""


def ending_of(error: EndpointError) -> Ending:
    """Say what a failure tells of the endpoint's load."""
    if error.kind == "rate_limited":
        return "refused"
    return "trouble" if error.kind in _TROUBLE else "other"


SAID_FROM_S = 2.0
"""What holds requests up for less is not worth a word."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to send one request; to be given back with `Gate.leave`."""

    sent: Sent


class Gate:
    """Places and pace of one endpoint. Batch requests wait in line; a person's request goes ahead of them.

    `gives_way` is for an endpoint whose few places are known, the embedded one. No fewer are looked for: what
    fails there is told by its restart, not by load. While a person waits, no batch request is let in at all,
    instead of half as many, for each one under way is felt by all others.
    """

    def __init__(
        self, *, max_in_flight: int | None = None, requests_per_minute: float | None = None,
        gives_way: bool = False,
    ) -> None:  # fmt: skip
        self.limit = InFlightLimit(max_in_flight)
        self.pace = Pace(requests_per_minute)
        self.in_flight = 0
        self._gives_way = gives_way
        self._n_ahead = 0
        self._places_ahead = asyncio.Semaphore(self.limit.ceiling)
        self._opened_at = self._left_at = -CLOSED_AFTER_S
        self._line = asyncio.Lock()
        self._change = asyncio.Event()

    @property
    def places(self) -> int:
        """Give how many may be under way now: half as many, or none, while a person waits for an answer."""
        if not self._n_ahead:
            return self.limit.current
        return 0 if self._gives_way else max(1, self.limit.current // 2)

    def held_up(self) -> str:
        """Say what holds requests up at present, for a person; empty where nothing does. From any thread."""
        now = time.monotonic()
        closure = self.pace.closure
        is_long = closure is not None and now - closure.began_at >= SAID_FROM_S
        if closure is not None and closure.why == "trouble":
            return "The endpoint fails every request; a few at a time are tried." if is_long else ""
        if (paused_s := self.pace.paused_s(now)) >= SAID_FROM_S:
            return (
                f"The endpoint refuses requests for now; it is asked again in {math.ceil(paused_s)} seconds."
            )
        return "The endpoint refuses every request; one is tried about every second." if is_long else ""

    async def enter(self) -> Pass:
        """Wait for a place and for the pace, in the order of asking."""
        async with self._line:
            while True:
                now = time.monotonic()
                wait_s = self.pace.wait_s(now)
                if wait_s > 0:
                    await asyncio.sleep(min(wait_s, LONGEST_SLEEP_S))
                elif self.in_flight < self.places:
                    if self._is_opening(now):
                        await asyncio.sleep(OPENING_SLEEP_S)
                        continue
                    return self._admit(now)
                else:
                    self.limit.note_full()
                    self._change.clear()
                    await self._change.wait()

    def _is_opening(self, now: float) -> bool:
        """Tell whether the first requests are to be waited for before more of them leave."""
        if not self.in_flight and now - self._left_at > CLOSED_AFTER_S:
            self._opened_at = now
        return self.in_flight >= OPEN_AT_ONCE + (now - self._opened_at) * OPENED_PER_S

    @contextmanager
    def person_waits(self) -> Iterator[None]:
        """Have batch requests give way while a person waits, also between one request and the next."""
        self._n_ahead += 1
        try:
            yield
        finally:
            self._n_ahead -= 1
            self._change.set()

    @asynccontextmanager
    async def ahead(self, waits: Callable[[float | None], None]) -> AsyncIterator[None]:
        """Let a person's request through before all of a batch, and take its ending like that of any other.

        It obeys a pause that the endpoint asked for, and waits for other people where they have all places:
        `waits` is told the seconds of the pause, or None, and may raise to give up.
        """
        if self._places_ahead.locked():
            waits(None)
        with self.person_waits():
            async with self._places_ahead:
                while (wait_s := self.pace.paused_s(time.monotonic())) > 0:
                    waits(wait_s)
                    await asyncio.sleep(min(wait_s, LONGEST_SLEEP_S))
                passed = self._admit(time.monotonic())
                ending: Ending = "cut"
                retry_after_s: float | None = None
                try:
                    yield
                    ending = "ok"
                except EndpointError as error:
                    ending, retry_after_s = ending_of(error), error.retry_after_s
                    raise
                finally:
                    self.leave(passed, ending, retry_after_s)

    def leave(self, passed: Pass, ending: Ending, retry_after_s: float | None = None) -> None:
        """Give the place back and tell how the request ended."""
        now = self._left_at = time.monotonic()
        self.in_flight -= 1
        # Whatever the law makes of it: who waits for a place would wait for ever.
        self._change.set()
        if ending == "cut":
            self.pace.forget(passed.sent, now)
        else:
            self.pace.ended(now, passed.sent, _OUTCOMES[ending], retry_after_s)
            self._note_load(now, ending)

    def _note_load(self, now: float, ending: Ending) -> None:
        """Let the end of a request count for how many are right at once."""
        if self.pace.is_closed:
            self.limit.begin_anew(now)
        elif ending != "refused" and not self._gives_way:
            self.limit.note_end(now, ok=ending != "trouble", trouble=ending == "trouble")

    def _admit(self, now: float) -> Pass:
        passed = Pass(self.pace.take(now))
        self.in_flight += 1
        return passed
