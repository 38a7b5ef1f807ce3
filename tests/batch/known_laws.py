"""Laws of pace that are known, to be put beside ours: each as it is described, with the same retries.

None of them has a rule for a closed endpoint; a wait that was asked for pauses everything, as their users do.
"""

from __future__ import annotations

from collections import deque

from tests.batch.pace_simulation import Ending

LONGEST_PAUSE_S = 120.0


class Known:
    """What they share: requests that wait give their place back, and asked waits are kept."""

    holds_place = False

    def __init__(self, places: int) -> None:
        self.most = places
        self._paused_until = 0.0

    @property
    def places(self) -> float:
        return self.most

    def wait_s(self, now: float) -> float:
        return max(0.0, self._paused_until - now)

    def take(self, now: float) -> float:
        return now

    def note_full(self) -> None:
        return None

    def _pause(self, now: float, ending: Ending, retry_after_s: float | None) -> None:
        if ending == "refused" and retry_after_s is not None:
            self._paused_until = max(self._paused_until, now + min(retry_after_s, LONGEST_PAUSE_S))


class Aimd(Known):
    """Additive increase, multiplicative decrease of the requests at once (Chiu and Jain 1989; TCP Reno).

    One more for each round of answers; half as many after a refusal or failure, once a round.
    """

    def __init__(self, places: int) -> None:
        super().__init__(places)
        self._limit, self._lowered_at = float(min(places, 16)), -1.0

    @property
    def places(self) -> float:
        return max(1.0, min(self.most, self._limit))

    def ended(self, now: float, sent: float, ending: Ending, retry_after_s: float | None) -> None:
        self._pause(now, ending, retry_after_s)
        if ending == "ok":
            self._limit = min(self.most, self._limit + 1.0 / max(1.0, self._limit))
        elif sent > self._lowered_at:
            self._limit, self._lowered_at = max(1.0, self._limit / 2), now


class Gradient(Known):
    """A limit of requests at once that follows the gradient of latencies, as in Netflix's concurrency-limits.

    limit = limit × clamp(1.5 × long-term latency / latency, 0.5, 1) + 4, smoothed by 0.2; a drop of a request
    lowers it by 0.9, as its variant for losses does.
    """

    def __init__(self, places: int) -> None:
        super().__init__(places)
        self._limit, self._long_s = float(min(places, 20)), 0.0

    @property
    def places(self) -> float:
        return max(1.0, min(self.most, self._limit))

    def ended(self, now: float, sent: float, ending: Ending, retry_after_s: float | None) -> None:
        self._pause(now, ending, retry_after_s)
        if ending != "ok":
            self._limit = max(1.0, 0.9 * self._limit)
            return
        latency_s = now - sent
        self._long_s += (latency_s - self._long_s) / (600 if self._long_s else 1)
        gradient = max(0.5, min(1.0, 1.5 * self._long_s / latency_s))
        wanted = gradient * self._limit + 4
        self._limit = min(self.most, 0.8 * self._limit + 0.2 * wanted)


class FittedBucket(Known):
    """A token bucket fitted to what was admitted: 5% more than in the last ten seconds, while refusals come.

    In the manner of client-side throttling (Site Reliability Engineering, 2016, chapter 21), with a factor
    for at most 5% of refusals.
    """

    WINDOW_S, FACTOR = 10.0, 1.05

    def __init__(self, places: int) -> None:
        super().__init__(places)
        self._admitted: deque[float] = deque()
        self._refused: deque[float] = deque()
        self._began: float | None = None
        self._next_at = 0.0

    def _per_s(self, now: float) -> float | None:
        for moments in (self._admitted, self._refused):
            while moments and moments[0] < now - self.WINDOW_S:
                moments.popleft()
        if not self._refused:
            return None
        span_s = min(self.WINDOW_S, max(0.5, now - (self._began or now)))
        return max(1.0, self.FACTOR * len(self._admitted) / span_s)

    def wait_s(self, now: float) -> float:
        paused_s = super().wait_s(now)
        return paused_s if self._per_s(now) is None else max(paused_s, self._next_at - now)

    def take(self, now: float) -> float:
        self._began = now if self._began is None else self._began
        per_s = self._per_s(now)
        self._next_at = now if per_s is None else max(self._next_at, now - 0.25) + 1 / per_s
        return now

    def ended(self, now: float, sent: float, ending: Ending, retry_after_s: float | None) -> None:
        del sent
        self._pause(now, ending, retry_after_s)
        (self._refused if ending == "refused" else self._admitted).append(now)
