"""How fast requests may leave: a rate that was told, or one that is found from the refusals (429)."""

from __future__ import annotations

import random
from dataclasses import dataclass

LONGEST_WAIT_S = 120.0
"""An endpoint that asks for a longer wait is asked again after this one: it may have meant something else."""

FIRST_WAIT_S = 1.0
LONGEST_BACKOFF_S = 60.0
SLOWEST_PER_S, FASTEST_PER_S = 1 / 60, 100_000.0
CREDIT_S = 0.25
"""What was not sent in time may be sent later, up to this much: a late wake-up must not lower the rate."""

STEP_BACK = 0.98
"""A rate that was just refused is lowered at least by this factor."""

SLOWEST_GROWTH_PER_S, FASTEST_GROWTH_PER_S, LARGEST_STEP = 0.001, 0.05, 0.02
"""How the rate creeps up, as a share of it; the last is for each request, so that slow rates stay calm."""

GROWTH_DOUBLES_AFTER_S = 10.0
"""The longer nothing is refused, the faster: a limit that was taken for too low is soon found out."""

RANDOM_SHARES = ((40, 0.06), (100, 0.04), (250, 0.016))
"""A rate that follows a limit hits it far less often than so: (over so many requests, by this share)."""

TRIAL_WINDOW, TRIAL_SHARE = 50, 0.3
"""Without any pace a limit refuses most requests; what comes at random stays as rare as it was."""


@dataclass
class _Stretch:
    """Requests from some moment on: how many had been sent and refused by then, and the refusals since."""

    sent: int = 0
    refused: int = 0
    episodes: int = 0


class Pace:
    """The rate of requests to one endpoint. Times are monotonic seconds, given by the caller.

    Between the moment a limit is hit and the moment it is hit again, an endpoint admits exactly what its
    limit allows, as long as the pace in between was not below it. So each refusal measures the limit, and
    between refusals the rate creeps up, the slower the better it is known. An endpoint that refuses at
    random, at any rate, is found out by a trial without pace, and then not slowed down for: only the refused
    requests wait.
    """

    def __init__(self, per_minute: float | None = None, chance: random.Random | None = None) -> None:
        self._fixed = None if per_minute is None else per_minute / 60.0
        self._found: float | None = None
        self._chance = chance or random.Random()
        self._next_at = self._paused_until = 0.0
        self._sent = self._refused = 0
        self._first_sent_at: float | None = None
        self._growth_per_s = self._measured_at = self._grown_at = 0.0
        self._episode_at: float | None = None
        self._episode_before: tuple[float, int] | None = None
        self._admitted_by_episode = 0
        self._episode_is_open = False
        self._fruitless = 0
        self._watched = _Stretch()
        self._patience = 1
        self._trial: _Stretch | None = None
        self._found_before_trial: float | None = None

    @property
    def per_s(self) -> float | None:
        """Give the rate in requests a second; None while no limit is known."""
        known = [rate for rate in (self._fixed, self._found) if rate is not None]
        return min(known, default=None)

    def wait_s(self, now: float) -> float:
        """Tell how long to wait until the next request may leave; 0 for now."""
        if now < self._paused_until:
            return self._paused_until - now
        if self._episode_is_open:
            self._measure(now)
        return max(0.0, self._next_at - now) if self.per_s is not None else 0.0

    def paused_s(self, now: float) -> float:
        """Tell how long nothing at all may leave: the endpoint is to be left alone, also by a person."""
        return max(0.0, self._paused_until - now)

    def take(self, now: float) -> None:
        """Note that a request leaves."""
        self._sent += 1
        if self._first_sent_at is None:
            self._first_sent_at = now
        if self._found is not None:
            calm = 1.0 + (now - self._measured_at) / GROWTH_DOUBLES_AFTER_S
            growth_per_s = min(self._growth_per_s * calm, FASTEST_GROWTH_PER_S)
            step = min(growth_per_s * (now - self._grown_at), LARGEST_STEP)
            self._found, self._grown_at = min(self._found * (1.0 + step), FASTEST_PER_S), now
        rate = self.per_s
        if rate is not None:
            self._next_at = max(self._next_at, now - CREDIT_S) + 1.0 / rate

    def refused(self, now: float, sent_at: float, retry_after_s: float | None) -> None:
        """Note a 429 for a request that left at `sent_at`; `retry_after_s` is what the endpoint asked for."""
        self._refused += 1
        if self._is_on_trial(now):
            return
        if self._episode_at is not None and (sent_at <= self._episode_at or now < self._paused_until):
            # It left before the limit was known to be hit: it tells nothing new, but its wish counts.
            if retry_after_s is not None:
                self._pause(now, retry_after_s)
            return
        came_of_it = self._sent - self._refused - self._admitted_by_episode
        self._fruitless = self._fruitless + 1 if self._episode_at is not None and came_of_it < 2 else 0
        if self._episode_at is not None:
            self._episode_before = (self._episode_at, self._admitted_by_episode)
        self._episode_at, self._episode_is_open = now, True
        if retry_after_s is not None:
            self._pause(now, retry_after_s)
        else:
            backoff_s = min(FIRST_WAIT_S * 2.0**self._fruitless, LONGEST_BACKOFF_S)
            self._pause(now, backoff_s * self._chance.uniform(0.9, 1.1))

    def _pause(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_WAIT_S))

    def _measure(self, now: float) -> None:
        """Settle a new rate after a refusal, when the others of the same moment have come in."""
        assert self._episode_at is not None, "an episode has begun"
        self._episode_is_open = False
        admitted, found = self._sent - self._refused, self._found
        n = 1
        if self._episode_before is None:
            # The endpoint may have saved up a burst: half of what it took so far is a first guess.
            span = max(self._episode_at - (self._first_sent_at or 0.0), 0.05)
            rate = max(admitted, 1) / span / 2
        else:
            began, admitted_before = self._episode_before
            n = max(admitted - admitted_before, 0)
            span = max(self._episode_at - began, 0.05)
            rate = (n + 1) / span
            rate = min(rate, (found or rate) * STEP_BACK) if n else (found or rate) / 2
        self._found = max(rate, SLOWEST_PER_S)
        self._admitted_by_episode = admitted
        # Known to about one request in n: creeping covers that within some ten seconds.
        self._growth_per_s = max(SLOWEST_GROWTH_PER_S, 0.1 / max(n, 5))
        self._measured_at = self._grown_at = self._next_at = now
        self._watched.episodes += 1
        self._look_for_chance()

    def _look_for_chance(self) -> None:
        """Begin a trial where so many requests are refused that no limit explains it."""
        watched = self._watched
        sent = self._sent - watched.sent
        if any(sent >= n * self._patience and watched.episodes > share * sent for n, share in RANDOM_SHARES):
            self._trial, self._found_before_trial = _Stretch(self._sent, self._refused), self._found
            self._found = None
        elif sent < RANDOM_SHARES[-1][0] * self._patience:
            return
        self._watched = _Stretch(self._sent, self._refused)

    def _is_on_trial(self, now: float) -> bool:
        """Tell whether there is no pace now because refusals come at random; end that where they do not."""
        trial = self._trial
        if trial is None:
            return False
        if self._refused - trial.refused > TRIAL_SHARE * TRIAL_WINDOW:
            self._trial, self._found = None, self._found_before_trial
            # Not tried again before long, and longer each time: a trial costs refusals.
            self._patience *= 4
            self._watched = _Stretch(self._sent, self._refused)
            self._episode_at, self._admitted_by_episode = now, self._sent - self._refused
            self._episode_before, self._next_at = None, now + FIRST_WAIT_S
            return True
        if self._sent - trial.sent >= TRIAL_WINDOW:
            self._trial = _Stretch(self._sent, self._refused)
        return True
