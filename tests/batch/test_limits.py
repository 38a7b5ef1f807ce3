"""Pace and in-flight limit against simulated endpoints, in simulated time: hours in a moment."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import time
from dataclasses import dataclass, field

import pytest

from tlm_dash.batch.gate import Gate
from tlm_dash.batch.in_flight import InFlightLimit
from tlm_dash.batch.pace import LONGEST_WAIT_S, Pace


@dataclass
class Limited:
    """An endpoint with a token bucket, and what came of a run against it."""

    latency_s: float
    per_s: float = 10.0
    burst: float = 20.0
    retry_after_s: float | None = None
    changes_at: float = math.inf
    changes_to: float = 0.0
    refuses_at_random: float = 0.0
    admitted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def run(self, seconds: float, seed: int = 1) -> None:
        """Let an endless run meet it."""
        chance = random.Random(seed)
        pace, limit = Pace(chance=random.Random(seed)), InFlightLimit()
        tokens, at, now, in_flight, n = self.burst, 0.0, 0.001, 0, 0
        ends: list[tuple[float, int, float, bool]] = []
        while now < seconds:
            while ends and ends[0][0] <= now:
                _, _, sent_at, ok = heapq.heappop(ends)
                in_flight -= 1
                if ok:
                    limit.note_end(now, ok=True, trouble=False)
                else:
                    pace.refused(now, sent_at, self.retry_after_s)
            wait_s = pace.wait_s(now)
            if wait_s > 0 or in_flight >= limit.current:
                if wait_s <= 0:
                    limit.note_full()
                now += max(1e-4, min([wait_s or 0.005, 0.005, *[end[0] - now for end in ends[:1]]]))
                continue
            pace.take(now)
            n, in_flight = n + 1, in_flight + 1
            rate = self.per_s if now < self.changes_at else self.changes_to
            tokens, at = min(self.burst, tokens + (now - at) * rate), now
            ok = tokens >= 1 and chance.random() >= self.refuses_at_random
            tokens -= ok
            (self.admitted if ok else self.refused).append(now)
            latency_s = self.latency_s * math.exp(0.35 * chance.gauss(0, 1)) if ok else 0.005
            heapq.heappush(ends, (now + latency_s, n, now, ok))

    def share(self, begin: float, end: float, rate: float | None = None) -> float:
        """Give which share of its limit was used in a span."""
        used = sum(begin <= moment < end for moment in self.admitted)
        return used / ((end - begin) * (rate or self.per_s))


@pytest.mark.parametrize("latency_s", [0.02, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("retry_after_s", [None, 1.0])
def test_an_unknown_limit_is_found_and_held(latency_s: float, retry_after_s: float | None) -> None:
    endpoint = Limited(latency_s, retry_after_s=retry_after_s)
    endpoint.run(200)
    assert endpoint.share(20, 200) >= 0.95
    assert len(endpoint.refused) <= 0.03 * (len(endpoint.refused) + len(endpoint.admitted))


@pytest.mark.parametrize(("per_s", "burst"), [(1.0, 5.0), (0.2, 2.0), (100.0, 20.0)])
def test_slow_and_fast_limits_too(per_s: float, burst: float) -> None:
    endpoint = Limited(0.3, per_s=per_s, burst=burst)
    endpoint.run(600)
    assert endpoint.share(100, 600) >= 0.9
    refused = sum(moment >= 100 for moment in endpoint.refused)
    # The slower the limit, the more a refusal weighs; each costs a moment and no token.
    assert refused <= 0.25 * len(endpoint.admitted)


@pytest.mark.parametrize(("before", "after"), [(10.0, 5.0), (5.0, 10.0)])
def test_a_limit_that_changes_is_found_again(before: float, after: float) -> None:
    endpoint = Limited(0.3, per_s=before, changes_at=200, changes_to=after)
    endpoint.run(500)
    assert endpoint.share(50, 200) >= 0.95
    assert endpoint.share(350, 500, after) >= 0.93
    assert len(endpoint.refused) <= 0.03 * len(endpoint.admitted)


@pytest.mark.parametrize("share", [0.02, 0.08])
def test_refusals_at_random_do_not_bring_a_run_to_a_halt(share: float) -> None:
    endpoint = Limited(0.3, per_s=1e6, burst=1e6, refuses_at_random=share)
    endpoint.run(120)
    assert len(endpoint.admitted) / 120 > 8


def test_a_fixed_rate_is_kept_and_no_wait_is_endless() -> None:
    pace, now, sent = Pace(per_minute=60), 100.0, 0
    while now < 160:
        if pace.wait_s(now) <= 0:
            pace.take(now)
            sent += 1
        else:
            now += 0.05
    assert 59 <= sent <= 62
    pace.refused(now, now, 86_400.0)
    assert LONGEST_WAIT_S - 1 <= pace.wait_s(now) <= LONGEST_WAIT_S


def test_what_the_endpoint_asks_for_is_waited() -> None:
    pace = Pace()
    pace.take(10.0)
    pace.refused(10.1, 10.0, 7.0)
    assert pace.wait_s(10.1) == pytest.approx(7.0)
    # A refusal of the same moment that asks for more time counts too.
    pace.refused(10.2, 10.0, 9.0)
    assert pace.wait_s(10.2) == pytest.approx(9.0)


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
