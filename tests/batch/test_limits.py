"""The limit of requests at once against simulated endpoints, and the gate."""

from __future__ import annotations

import asyncio
import heapq
import random
import time

import pytest

from tlm_dash.batch.gate import Gate
from tlm_dash.batch.in_flight import InFlightLimit


def run_limit(
    limit: InFlightLimit,
    capacity: int,
    seconds: float,
    failing: float = 0.0,
    overloaded_at: int = 10_000,
    begin: float = 1.0,
) -> None:
    """Serve `capacity` requests at a time, 0.5 s each; everyone else waits, and above a number many fail."""
    chance, now, queue = random.Random(1), begin, 0
    ends: list[float] = []
    while now < begin + seconds:
        while len(ends) + queue < limit.current:
            queue += 1
        limit.note_full()
        while queue and len(ends) < capacity:
            heapq.heappush(ends, now + 0.5 * chance.uniform(0.8, 1.2))
            queue -= 1
        now = heapq.heappop(ends)
        failed = chance.random() < (0.9 if limit.current > overloaded_at else failing)
        limit.note_end(now, ok=not failed, trouble=failed)


@pytest.mark.parametrize("capacity", [4, 40, 400])
def test_the_limit_grows_as_long_as_it_pays(capacity: int) -> None:
    limit = InFlightLimit()
    run_limit(limit, capacity, 600)
    assert 0.8 * capacity <= limit.current <= 2 * capacity


def test_an_endpoint_in_trouble_gets_fewer_requests_and_more_again_later() -> None:
    limit = InFlightLimit(100)
    assert limit.current == 100
    run_limit(limit, 100, 60, overloaded_at=30)
    assert limit.current < 50
    run_limit(limit, 100, 600, begin=100.0)
    assert limit.current >= 80


def test_failures_that_have_nothing_to_do_with_load_do_not_stop_a_run() -> None:
    limit = InFlightLimit(60)
    run_limit(limit, 60, 120, failing=0.3)
    assert limit.current >= 5
    dead = InFlightLimit(60)
    run_limit(dead, 60, 120, failing=1.0)
    assert dead.current <= 3


def test_a_few_failures_do_not_slow_a_run_down() -> None:
    limit = InFlightLimit(50)
    run_limit(limit, 50, 60, failing=0.03)
    assert limit.current == 50


def test_a_person_goes_ahead_of_a_full_gate() -> None:
    async def go() -> None:
        gate = Gate(max_in_flight=2)
        passes = [await gate.enter() for _ in range(2)]
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0.02)
        async with gate.ahead(lambda _: None):
            assert gate.in_flight == 3
            gate.leave(passes[0], "ok")
            await asyncio.sleep(0.05)
            # While the person waits, runs have half of the places, and this one is not let in.
            assert not waiting.done()
        await asyncio.wait_for(waiting, 2)

    asyncio.run(go())


def test_a_high_limit_is_gone_up_to_within_moments() -> None:
    async def go() -> float:
        gate, began = Gate(max_in_flight=300), time.monotonic()
        for _ in range(300):
            await gate.enter()
        return time.monotonic() - began

    assert 0.1 < asyncio.run(go()) < 5
