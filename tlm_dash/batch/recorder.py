"""Rows of runs on their way to the store, committed together: one commit serves many requests.

A request leaves only after the commit that holds its row of the ledger. Rows are committed in the order in
which they were added; so a request that takes the place of another one is never on disk before the end of
that one, and what a crash leaves without an outcome is never more than what was allowed in flight.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tlm_dash.errors import StoreClosedError, StoreError
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

SHORTEST_GAP_S, LONGEST_GAP_S = 0.01, 0.08
GAP_SHARE = 0.035
"""From one commit's begin to the next: a request may wait this share of what it takes anyway, half of it on
average, for others to share its commit."""

TRY_AGAIN_AFTER_S = 2.0

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class Recorder:
    """Collects rows on the engine's loop and commits them one batch after the other."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self._committed: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._latency_s = self._begun_at = 0.0
        self.problem: StoreError | None = None
        """Why nothing is written at this moment, or None; it is tried again until it works."""

    def add(self, rows: Rows) -> asyncio.Future[None]:
        """Add rows; the future is done when they are on disk. Fails only where the store was closed."""
        for table, added in rows.items():
            self._rows.setdefault(table, []).extend(added)
        loop = asyncio.get_running_loop()
        if self._committed is None:
            self._committed = loop.create_future()
        committed = self._committed
        if self._under_way is None and self._timer is None:
            self._begin_soon(loop)
        return committed

    def note_latency(self, seconds: float) -> None:
        """Note how long a request took: slow endpoints leave time for larger commits."""
        self._latency_s += 0.05 * (seconds - self._latency_s)

    async def flush(self) -> None:
        """Wait until everything added so far is on disk, or cannot be any more."""
        if self._committed is not None:
            await asyncio.wait([self._committed])
        elif self._under_way is not None:
            await asyncio.wait([self._under_way])

    def _begin_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        gap_s = min(self._latency_s * GAP_SHARE, LONGEST_GAP_S)
        begin_at = max(self._begun_at + gap_s, loop.time() + SHORTEST_GAP_S)
        self._timer = loop.call_at(begin_at, self._begin)

    def _begin(self) -> None:
        self._timer, self._begun_at = None, asyncio.get_running_loop().time()
        rows, self._rows = self._rows, {}
        committed, self._committed = self._committed, None
        assert committed is not None, "a commit begins when rows wait for it"
        first = self._append(rows, is_fresh=True)
        self._under_way = asyncio.create_task(self._commit(rows, first, committed), name="recorder")

    def _append(self, rows: Rows, *, is_fresh: bool) -> asyncio.Future[None]:
        """Hand rows to the store; whatever is wrong is the future's to tell."""
        try:
            return asyncio.wrap_future(self._store().append(rows, is_fresh=is_fresh))
        except Exception as error:  # noqa: BLE001 - told by the future
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def _commit(self, rows: Rows, first: asyncio.Future[None], committed: asyncio.Future[None]) -> None:
        try:
            await self._commit_patiently(rows, first)
        except Exception as error:
            if not isinstance(error, StoreClosedError):
                logger.exception("Rows of a run could not be written")
            committed.set_exception(error)
            # Not everyone who adds rows waits for them.
            committed.exception()
        else:
            committed.set_result(None)
        finally:
            self._under_way = None
        if self._committed is not None and self._timer is None:
            self._begin_soon(asyncio.get_running_loop())

    async def _commit_patiently(self, rows: Rows, first: asyncio.Future[None]) -> None:
        """Commit, again and again where the store cannot take it: what was paid for is not thrown away."""
        written = first
        while True:
            try:
                await written
            except StoreClosedError:
                raise
            except StoreError as error:
                if self.problem is None:
                    logger.error("Runs wait for the database: %s", error)
                self.problem = error
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
                written = self._append(rows, is_fresh=False)
            else:
                self.problem = None
                return
