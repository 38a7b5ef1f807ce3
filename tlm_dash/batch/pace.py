"""How fast requests may leave: a rate that was told, or one that is found from the refusals (429)."""

from __future__ import annotations

import random

LONGEST_WAIT_S = 120.0
"""An endpoint that asks for a longer wait is asked again after this one: it may have meant something else."""

FIRST_WAIT_S = 1.0
LONGEST_BACKOFF_S = 60.0
SLOWEST_PER_S, FASTEST_PER_S = 1 / 60, 100_000.0
CREDIT_S = 0.25
"""What was not sent in time may be sent later, up to this much: a late wake-up must not lower the rate."""

STEP_BACK = 0.98
"""A rate that was just refused is lowered at least by this factor."""


class Pace:
    """The rate of requests to one endpoint. Times are monotonic seconds, given by the caller.

    Between the moment a limit is first hit and the moment it is hit again, an endpoint admits exactly what
    its limit allows, as long as the pace in between was at or above the limit. So each refusal measures the
    limit, and between refusals the rate creeps up, the slower the better it is known.
    """

    def __init__(self, per_minute: float | None = None, chance: random.Random | None = None) -> None:
        self._fixed = None if per_minute is None else per_minute / 60.0
        self._found: float | None = None
        self._chance = chance or random.Random()
        self._next_at = 0.0
        self._paused_until = 0.0
        self._sent = 0
        self._refused = 0
        self._first_sent_at: float | None = None
        self._grown_at = 0.0
        self._growth_per_s = 0.0
        self._episode_at: float | None = None
        self._episode_before: tuple[float, int] | None = None
        self._admitted_by_episode = 0
        self._episode_is_open = False
        self._fruitless = 0

    @property
    def per_s(self) -> float | None:
        """Give the rate in requests a second; None while no limit is known."""
        known = [rate for rate in (self._fixed, self._found) if rate is not None]
        return min(known, default=None)

    @property
    def is_held_back(self) -> bool:
        """Tell whether a rate limit was found or told."""
        return self.per_s is not None

    def wait_s(self, now: float) -> float:
        """Tell how long to wait until the next request may leave; 0 for now."""
        if now < self._paused_until:
            return self._paused_until - now
        if self._episode_is_open:
            self._measure(now)
        self._grow(now)
        return max(0.0, self._next_at - now) if self.per_s is not None else 0.0

    def take(self, now: float) -> None:
        """Note that a request leaves."""
        self._sent += 1
        if self._first_sent_at is None:
            self._first_sent_at = now
        rate = self.per_s
        if rate is not None:
            self._next_at = max(self._next_at, now - CREDIT_S) + 1.0 / rate

    def refused(self, now: float, sent_at: float, retry_after_s: float | None) -> None:
        """Note a 429 for a request that left at `sent_at`; `retry_after_s` is what the endpoint asked for."""
        self._refused += 1
        if self._episode_at is not None and (sent_at <= self._episode_at or now < self._paused_until):
            # It left before the limit was known to be hit: it tells nothing new, but its wish counts.
            if retry_after_s is not None:
                self._paused_until = max(self._paused_until, now + min(retry_after_s, LONGEST_WAIT_S))
            return
        admitted = self._admitted
        came_of_it = admitted - self._admitted_by_episode
        self._fruitless = self._fruitless + 1 if self._episode_at is not None and came_of_it < 2 else 0
        if self._episode_at is not None:
            self._episode_before = (self._episode_at, self._admitted_by_episode)
        self._episode_at, self._episode_is_open = now, True
        self._paused_until = now + self._pause_s(retry_after_s)

    @property
    def _admitted(self) -> int:
        return self._sent - self._refused

    def _pause_s(self, retry_after_s: float | None) -> float:
        if retry_after_s is not None:
            return min(retry_after_s, LONGEST_WAIT_S)
        backoff = min(FIRST_WAIT_S * 2.0**self._fruitless, LONGEST_BACKOFF_S)
        return backoff * self._chance.uniform(0.9, 1.1)

    def _measure(self, now: float) -> None:
        """Settle a new rate after a pause, when the refusals of the same moment have come in."""
        assert self._episode_at is not None
        self._episode_is_open = False
        admitted = self._admitted
        if self._episode_before is None:
            # The endpoint may have saved up a burst: half of what it took so far is a first guess.
            span = max(self._episode_at - (self._first_sent_at or 0.0), 0.05)
            rate = max(admitted, 1) / span / 2
            n = 1
        else:
            began, admitted_before = self._episode_before
            n = max(admitted - admitted_before, 0)
            measured = (n + 1) / max(self._episode_at - began, 0.05)
            rate = (
                min(measured, (self._found or measured) * STEP_BACK) if n else (self._found or measured) / 2
            )
        self._found = max(rate, SLOWEST_PER_S)
        self._admitted_by_episode = admitted
        # Known to about one request in n: the creeping covers that error within some ten seconds.
        self._growth_per_s = max(0.001, 0.1 / max(n, 5))
        self._grown_at = self._next_at = now

    def _grow(self, now: float) -> None:
        if self._found is None:
            return
        self._found = min(self._found * (1.0 + self._growth_per_s * (now - self._grown_at)), FASTEST_PER_S)
        self._grown_at = now
