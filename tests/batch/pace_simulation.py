"""A run against an endpoint in simulated time: every request, wait and retry is an event; hours in a moment.

A law says when requests may leave and how many may be under way; the endpoint says what becomes of each. What
is retried, and after which wait, is the product's own policy (`batch/retries.py`), for every law alike.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

from tlm_dash.batch.gate import OPEN_AT_ONCE, OPENED_PER_S
from tlm_dash.batch.in_flight import InFlightLimit
from tlm_dash.batch.pace import Pace
from tlm_dash.batch.questions import Unit
from tlm_dash.batch.retries import wait_before_retry
from tlm_dash.errors import EndpointError, RateLimitedError, ServerFailedError

Ending = Literal["ok", "refused", "trouble"]

OPENING_S = 1.0
"""The gate goes up to a high number of places within this time."""


@dataclass(frozen=True)
class Reply:
    """What an endpoint does with a request, and when (seconds after it was sent)."""

    ending: Ending
    latency_s: float
    retry_after_s: float | None = None


class Limit(Protocol):
    """A limit on requests: whether one is admitted now, and how long until one would be."""

    def admits(self, now: float) -> bool: ...

    def wait_s(self, now: float) -> float: ...


class NoLimit:
    """Admits everything."""

    def admits(self, now: float) -> bool:
        return now >= 0

    def wait_s(self, now: float) -> float:
        return 0.0 * now


Rate = Callable[[float], float]
"""The limit in requests a second at a moment."""


class TokenBucket:
    """Tokens come at a rate and are saved up to `burst`."""

    def __init__(self, per_s: Rate, burst: float) -> None:
        self._per_s, self._burst, self._tokens, self._at = per_s, burst, burst, 0.0

    def admits(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s(now))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_s(self, now: float) -> float:
        return max(0.0, 1 - self._tokens) / self._per_s(now)


class FixedWindow:
    """So many in each window of a clock of its own."""

    def __init__(self, per_s: Rate, window_s: float, begins_at: float = 0.0) -> None:
        self._per_s, self._window_s, self._shift = per_s, window_s, begins_at
        self._window, self._n = -1, 0

    def admits(self, now: float) -> bool:
        window = int((now + self._shift) // self._window_s)
        if window != self._window:
            self._window, self._n = window, 0
        if self._n >= self._per_s(now) * self._window_s:
            return False
        self._n += 1
        return True

    def wait_s(self, now: float) -> float:
        return (self._window + 1) * self._window_s - self._shift - now


class SlidingWindow:
    """So many in any span of a length."""

    def __init__(self, per_s: Rate, window_s: float) -> None:
        self._per_s, self._window_s = per_s, window_s
        self._taken: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self._taken and self._taken[0] <= now - self._window_s:
            self._taken.popleft()
        if len(self._taken) >= self._per_s(now) * self._window_s:
            return False
        self._taken.append(now)
        return True

    def wait_s(self, now: float) -> float:
        return self._taken[0] + self._window_s - now if self._taken else 0.0


@dataclass
class Endpoint:
    """An endpoint with a limit and its moods. Latencies are lognormal with median `latency_s`.

    `retry_after`: what a refusal asks for, in seconds; "honest" for the true wait; None for nothing.
    `outage`: (every so many seconds, for so long) each request fails with a 500, at once.
    """

    latency_s: float
    sigma: float = 0.35
    limit: Limit = field(default_factory=NoLimit)
    refuses: float = 0.0
    refuses_all_until: float = 0.0
    retry_after: float | Literal["honest"] | None = None
    fails: float = 0.0
    outage: tuple[float, float] | None = None
    refusal_takes_s: float = 0.005
    most_at_once: int | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    in_flight: int = 0

    def reply(self, now: float) -> Reply:
        """Decide what becomes of a request that comes now."""
        if self.outage is not None and now % self.outage[0] >= self.outage[0] - self.outage[1]:
            return Reply("trouble", self.refusal_takes_s)
        too_many = self.most_at_once is not None and self.in_flight > self.most_at_once
        if now < self.refuses_all_until or too_many or self.chance.random() < self.refuses:
            return Reply("refused", self.refusal_takes_s, self._asks(self.refuses_all_until - now))
        if not self.limit.admits(now):
            return Reply("refused", self.refusal_takes_s, self._asks(self.limit.wait_s(now)))
        latency_s = self.latency_s * math.exp(self.sigma * self.chance.gauss(0, 1))
        return Reply("trouble" if self.chance.random() < self.fails else "ok", latency_s)

    def _asks(self, true_wait_s: float) -> float | None:
        return max(0.0, true_wait_s) if self.retry_after == "honest" else self.retry_after


class Law(Protocol):
    """When requests may leave, and how many may be under way. Times are seconds."""

    holds_place: bool
    """Whether a request that waits for its next try keeps its place, as in a loop of workers."""

    @property
    def places(self) -> float: ...

    def wait_s(self, now: float) -> float: ...

    def take(self, now: float) -> object: ...

    def ended(self, now: float, sent: object, ending: Ending, retry_after_s: float | None) -> None: ...

    def note_full(self) -> None: ...


class Ours:
    """The product's own: `Pace` and `InFlightLimit`, put together as the gate does."""

    holds_place = False

    def __init__(self, places: int | None, seed: int = 1) -> None:
        self.pace, self.limit = Pace(chance=random.Random(seed)), InFlightLimit(places)
        self._began: float | None = None
        self._now = 0.0

    @property
    def places(self) -> float:
        opened = OPEN_AT_ONCE + (self._now - (self._began or 0.0)) * OPENED_PER_S
        return min(self.limit.current, opened)

    def wait_s(self, now: float) -> float:
        self._now = now
        if self._began is None:
            self._began = now
        return self.pace.wait_s(now)

    def take(self, now: float) -> object:
        return self.pace.take(now)

    def ended(self, now: float, sent: object, ending: Ending, retry_after_s: float | None) -> None:
        outcome = "admitted" if ending == "ok" else ending
        self.pace.ended(now, sent, outcome, retry_after_s)
        if self.pace.is_closed:
            self.limit.begin_anew(now)
        elif ending != "refused":
            self.limit.note_end(now, ok=ending == "ok", trouble=ending == "trouble")

    def note_full(self) -> None:
        self.limit.note_full()


class BareLoop:
    """So many workers, each with the retries of its own request: the stated baseline."""

    holds_place = True

    def __init__(self, places: int) -> None:
        self.places = places

    def wait_s(self, now: float) -> float:
        return 0.0 * now

    def take(self, now: float) -> object:
        return now

    def ended(self, now: float, sent: object, ending: Ending, retry_after_s: float | None) -> None:
        del now, sent, ending, retry_after_s

    def note_full(self) -> None:
        return None


@dataclass
class _Row:
    """What the policy of retries counts of a row."""

    n_tries: int = 0
    n_refused: int = 0
    maybe_again: bool = False


_ERRORS: dict[str, type[EndpointError]] = {"refused": RateLimitedError, "trouble": ServerFailedError}


@dataclass
class Run:
    """What came of a run: when each request was sent, when the admitted and the refused ones were."""

    sent: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    n_done: int = 0
    n_failed: int = 0
    ended_at: float = 0.0
    fresh_until: float = 0.0

    def used(self, begin: float, end: float, limit: Rate) -> float:
        """Give which share of a limit was used in a span."""
        n = bisect_left(self.admitted, end) - bisect_left(self.admitted, begin)
        steps = 1000
        allowed = sum(limit(begin + (end - begin) * (k + 0.5) / steps) for k in range(steps)) / steps
        return n / ((end - begin) * allowed)

    def refused_share(self, begin: float = 0.0, end: float = math.inf) -> float:
        """Give which share of the requests of a span was refused."""
        sent = bisect_left(self.sent, end) - bisect_left(self.sent, begin)
        return (bisect_left(self.refused, end) - bisect_left(self.refused, begin)) / max(1, sent)

    def longest_silence_s(self) -> float:
        """Give the longest time in which nothing was sent, while there was something new to send."""
        sent = [at for at in self.sent if at <= self.fresh_until]
        return max((b - a for a, b in zip(sent, sent[1:], strict=False)), default=0.0)


def simulate(
    law: Law, endpoint: Endpoint, *, rows: int | None = None, seconds: float = math.inf, seed: int = 1
) -> Run:
    """Let a run of so many rows, or an endless one for some seconds, meet an endpoint."""
    chance, run, now, n = random.Random(seed), Run(), 0.0, 0
    ends: list[tuple[float, int, object, float, Reply, _Row]] = []
    later: list[tuple[float, int, _Row]] = []
    fresh = rows if rows is not None else 10**9
    n_held = 0
    while now < seconds and (fresh or later or ends):
        while ends and ends[0][0] <= now:
            _, _, sent, sent_at, reply, row = heapq.heappop(ends)
            endpoint.in_flight -= 1
            law.ended(now, sent, reply.ending, reply.retry_after_s)
            if reply.ending == "ok":
                run.n_done += 1
                continue
            error = _ERRORS[reply.ending]("", retry_after_s=reply.retry_after_s)
            wait_s = wait_before_retry(cast(Unit, row), error, chance)
            if wait_s is None:
                run.n_failed += 1
                continue
            n += 1
            n_held += law.holds_place
            heapq.heappush(later, (now + wait_s, n, row))
        is_due = bool(later) and later[0][0] <= now
        wait_s, has_work = law.wait_s(now), is_due or fresh > 0
        has_place = len(ends) + n_held - (law.holds_place and is_due) < law.places
        if wait_s <= 0 and has_work and has_place:
            row = heapq.heappop(later)[2] if is_due else _Row()
            if not is_due:
                fresh, run.fresh_until = fresh - 1, now
            n_held -= law.holds_place and is_due
            n += 1
            sent, endpoint.in_flight = law.take(now), endpoint.in_flight + 1
            reply = endpoint.reply(now)
            run.sent.append(now)
            (run.refused if reply.ending == "refused" else run.admitted).append(now)
            heapq.heappush(ends, (now + reply.latency_s, n, sent, now, reply, row))
            continue
        if wait_s <= 0 and has_work and len(ends) + n_held >= math.floor(law.places):
            law.note_full()
        now = _next(now, ends, later, wait_s if has_work else 0.0, has_place=has_place)
    run.ended_at = now
    return run


def _next(
    now: float, ends: list[tuple[float, int, object, float, Reply, _Row]],
    later: list[tuple[float, int, _Row]], wait_s: float, *, has_place: bool,
) -> float:  # fmt: skip
    """Give the moment of the next event; a wait is looked at again after a second, as the gate does."""
    moments = [end[0] for end in ends[:1]] + [each[0] for each in later[:1] if each[0] > now]
    if wait_s > 0:
        moments.append(now + min(wait_s, 1.0))
    elif not has_place and now < OPENING_S:
        # Places that open with time alone are looked at as often as the gate does.
        moments.append(now + 0.01)
    return max(now + 1e-6, min(moments, default=now + 0.01))
