"""Limits as endpoints keep them. Times are seconds since the first request, given by the caller.

`take(now)` gives None where a request is admitted, or after how many seconds the next one would be: what an
honest Retry-After says. Limits are written for a server of their own, one request at a time.
"""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Protocol


class Limit(Protocol):
    """What decides about each request."""

    def take(self, now: float) -> float | None:
        """Admit a request (None), or give the seconds until the next one would be."""


@dataclass
class Bucket:
    """A token bucket: what most gateways limit requests with."""

    per_s: float
    burst: float
    _tokens: float = field(init=False)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def take(self, now: float) -> float | None:
        """Take a token if there is one."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.per_s
        self._tokens -= 1
        return None


@dataclass
class FixedWindow:
    """So many requests in each window, all of them at once if they come; the next window begins anew."""

    n: int
    window_s: float = 60.0
    _window: int = 0
    _taken: int = 0

    def take(self, now: float) -> float | None:
        """Count the request in its window."""
        window = int(now // self.window_s)
        if window != self._window:
            self._window, self._taken = window, 0
        if self._taken >= self.n:
            return (window + 1) * self.window_s - now
        self._taken += 1
        return None


@dataclass
class SlidingWindow:
    """At most so many requests in any stretch of `window_s`; `changes` are (from when on, how many then)."""

    n: int
    window_s: float = 1.0
    changes: tuple[tuple[float, int], ...] = ()
    _taken: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> float | None:
        """Count the request among those of the last stretch."""
        n = next((n for since, n in reversed(self.changes) if now >= since), self.n)
        while self._taken and self._taken[0] <= now - self.window_s:
            self._taken.popleft()
        if len(self._taken) >= n:
            return self._taken[len(self._taken) - n] + self.window_s - now
        self._taken.append(now)
        return None


@dataclass
class Halving:
    """A sliding limit that halves every `every_s`, down to `least` a second."""

    per_s: float
    every_s: float = 10.0
    least: float = 5.0
    _bucket: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self._bucket = Bucket(self.per_s, self.per_s)

    def take(self, now: float) -> float | None:
        """Take a token, of which fewer come each time."""
        self._bucket.per_s = self._bucket.burst = max(self.least, self.per_s / 2 ** int(now // self.every_s))
        return self._bucket.take(now)


@dataclass
class Closed:
    """Nothing at all before `until_s`, everything after."""

    until_s: float = 60.0

    def take(self, now: float) -> float | None:
        """Admit what comes late enough."""
        return self.until_s - now if now < self.until_s else None


def least_s(limit: Limit | None, n: int, step_s: float = 0.002) -> float:
    """Give the seconds until `n` requests are admitted if there is always one waiting at the door."""
    if limit is None:
        return 0.0
    fresh, now = deepcopy(limit), 0.0
    while n:
        if fresh.take(now) is None:
            n -= 1
        else:
            now += step_s
    return now


def admitted_within(limit: Limit, seconds: float, step_s: float = 0.002) -> int:
    """Count what is admitted in so many seconds if there is always one waiting at the door."""
    fresh, now, n = deepcopy(limit), 0.0, 0
    while now <= seconds:
        if fresh.take(now) is None:
            n += 1
        else:
            now += step_s
    return n
