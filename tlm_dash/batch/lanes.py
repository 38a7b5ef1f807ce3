"""Requests that wait for one endpoint: those whose time has come again, then follow-ups, then new ones."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque

from tlm_dash.batch.gate import Gate
from tlm_dash.batch.questions import Unit


class Lane:
    """The line of one grid before one gate; used on the engine's loop."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._later: list[tuple[float, int, Unit]] = []
        self._follow_ups: deque[Unit] = deque()
        self._fresh: deque[Unit] = deque()
        self._count = itertools.count()
        self._change = asyncio.Event()

    def put(self, unit: Unit) -> None:
        """Add a request for a new question."""
        self._fresh.append(unit)
        self._change.set()

    def follow_up(self, unit: Unit) -> None:
        """Add a request for a question that is under way: it goes before new ones."""
        self._follow_ups.append(unit)
        self._change.set()

    def put_later(self, unit: Unit, wait_s: float) -> None:
        """Add a request to be made again after a while, in seconds."""
        heapq.heappush(self._later, (time.monotonic() + wait_s, next(self._count), unit))
        self._change.set()

    async def next(self) -> Unit:
        """Wait for the request whose turn it is."""
        while True:
            now = time.monotonic()
            if self._later and self._later[0][0] <= now:
                return heapq.heappop(self._later)[2]
            if self._follow_ups:
                return self._follow_ups.popleft()
            if self._fresh:
                return self._fresh.popleft()
            self._change.clear()
            timeout = self._later[0][0] - now if self._later else None
            try:
                async with asyncio.timeout(timeout):
                    await self._change.wait()
            except TimeoutError:
                continue
