"""What became of requests, in the order in which they left: admitted, refused, in trouble; no clock, no I/O.

A refusal comes within milliseconds, an answer after seconds. Counted as they come in, the first outcomes of a
burst are all refusals; in the order of sending, what is older than refusals take is taken for admitted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["admitted", "refused", "trouble"]
"""trouble: the endpoint is overloaded or down. admitted: it took the request, whatever came of it then."""

PRESUMED_AFTER_S = 10.0
"""Older than this, a request is taken for admitted whatever refusals were found to take."""

LATER_THAN_REFUSALS, SHORTEST_DOUBT_S = 1.5, 0.01
LATER_THAN_TROUBLE, SHORTEST_TRY_S = 3.0, 0.25
DELAYS_REMEMBERED = 16
LATENCIES_AVERAGED = 20


@dataclass(slots=True)
class Stretch:
    """Requests that left under one rate: how many, and what became of those that are settled."""

    began_at: float
    sent: int = 0
    admitted: int = 0
    refused: int = 0
    refused_last: int = 0

    @property
    def settled(self) -> int:
        """Give how many have an outcome, be it a presumed one."""
        return self.admitted + self.refused

    @property
    def share(self) -> float:
        """Give the share of refused requests among the settled ones; 0 before the first."""
        return self.refused / self.settled if self.settled else 0.0

    @property
    def share_before_last(self) -> float:
        """Give the share without the row of refusals with which it ended."""
        return (self.refused - self.refused_last) / max(1, self.settled - self.refused_last)

    def admitted_per_s(self, now: float) -> float:
        """Give the admitted requests a second, reckoned from those sent."""
        return self.sent * (1 - self.share) / max(now - self.began_at, 0.05)

    def count(self, *, refused: bool) -> None:
        """Take an outcome."""
        self.refused += refused
        self.admitted += not refused
        self.refused_last = self.refused_last + 1 if refused else 0


@dataclass(slots=True, eq=False)
class Sent:
    """A request that left at `at` (monotonic seconds), in a stretch; `is_try`: while nothing else could.

    `asked_s` is the wait that came with its refusal.
    """

    at: float
    stretch: Stretch
    is_try: bool = False
    outcome: Outcome | None = None
    asked_s: float | None = None
    is_counted: bool = False


class Admissions:
    """The requests of one endpoint. `admitted` and `refused` count them, in the order of sending."""

    def __init__(self) -> None:
        self.stretch = Stretch(0.0)
        self.sent = self.admitted = self.refused = self.answered = 0
        self.latency_s = 0.0
        self.troubles_in_a_row = 0
        self._trouble_takes_s = 0.0
        self._delays: deque[float] = deque(maxlen=DELAYS_REMEMBERED)
        self._open: deque[Sent] = deque()

    def begin_stretch(self, now: float) -> None:
        """Count what is sent from now on by itself."""
        self.stretch = Stretch(now)

    def take(self, now: float, *, is_try: bool) -> Sent:
        """Take a request that leaves."""
        sent = Sent(now, self.stretch, is_try)
        self._open.append(sent)
        self.sent += 1
        self.stretch.sent += 1
        return sent

    @property
    def doubt_s(self) -> float:
        """Give the age from which a request without an outcome is taken for admitted."""
        if not self._delays:
            return PRESUMED_AFTER_S
        return min(PRESUMED_AFTER_S, max(SHORTEST_DOUBT_S, LATER_THAN_REFUSALS * max(self._delays)))

    @property
    def trouble_doubt_s(self) -> float:
        """Give the age from which a request has outlived what failed before it."""
        return max(SHORTEST_TRY_S, LATER_THAN_TROUBLE * self._trouble_takes_s)

    def end(self, sent: Sent, outcome: Outcome, now: float) -> bool:
        """Note an outcome; tells whether a request that was counted as admitted was refused after all."""
        took_s, sent.outcome = now - sent.at, outcome
        self.troubles_in_a_row = self.troubles_in_a_row + 1 if outcome == "trouble" else 0
        if outcome == "refused":
            self._delays.append(took_s)
        elif outcome == "trouble":
            self._trouble_takes_s = max(took_s, 0.9 * self._trouble_takes_s)
        else:
            self.answered += 1
            self.latency_s += (took_s - self.latency_s) / min(self.answered, LATENCIES_AVERAGED)
        if outcome != "refused" or not sent.is_counted:
            return False
        sent.stretch.admitted -= 1
        self.admitted, self.refused = self.admitted - 1, self.refused + 1
        sent.stretch.count(refused=True)
        return True

    def forget(self, sent: Sent) -> None:
        """Take a request of which nothing will be known for admitted."""
        sent.outcome = sent.outcome or "admitted"

    def settle(self, now: float) -> Iterator[tuple[Sent, bool]]:
        """Count what is settled by now and was not before; gives each, in the order of sending, with whether
        it was refused.
        """
        while self._open and (self._open[0].outcome is not None or self._open[0].at < now - self.doubt_s):
            sent = self._open.popleft()
            refused, sent.is_counted = sent.outcome == "refused", True
            sent.stretch.count(refused=refused)
            self.admitted += not refused
            self.refused += refused
            yield sent, refused
