"""A rate that follows a limit which nobody told: measured where it is hit, and grown in between.

Between one moment at which a limit is hit and the next, an endpoint admits exactly what its limit allows, as
long as the pace in between was not below it. Times are monotonic seconds, rates are requests a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlm_dash.batch.admissions import Admissions
from tlm_dash.batch.refusal_tests import HARMLESS_SHARE, SMALL_SHARE

SLOWEST_PER_S, FASTEST_PER_S = 1 / 60, 100_000.0

STEP_BACK, STEP_BACK_CLOSED = 0.98, 0.95
"""What was just refused is lowered at least by the first factor; by the second where it had to close."""

GROWN = 1.2
"""Above what was measured by more than this factor, a rate has grown: an average tells no limit then."""

LEAST_AFTER_GROWTH, LEAST_AFTER_SHORT_CLOSURE, LEAST_AFTER_NEEDLESS_WAIT = 0.85, 0.8, 0.8
LEAST_AFTER_HIT, LEAST_BESIDE_CHANCE = 0.6, 0.85
"""No single event lowers a rate by more than these factors: another follows soon where it was too little."""

FEWEST_TO_MEASURE, FEWEST_BESIDE_CHANCE, HITS_REMEMBERED = 10, 100, 8

PLAIN, DRIFTED = 0.9, 0.9
"""A hit is plain where as much was admitted as was sent, but for this factor. A limit that is measured by
such hits does not fall; where the rate fell by this factor in steps of them, they came at random."""

EARLY, EARLY_HITS, MOST_PATIENT = 0.25, 3, 2
"""A limit that was measured is hit when a calm is over. Hits within this part of it came too early; so many
in a row, or twice as many where chance was found before, are not explained by a limit."""

ROOM, LONGEST_ROOM_S = 2.0, 1.9
"""Room for so many requests after a hit."""

VAIN_OPENINGS = 3
"""After so many openings in a row that were over at once, the rate is what is wrong."""

CALM_AT_FIRST_S, CALM_S, LONGEST_CALM_S, CALM_LONGER = 3.0, 15.0, 30.0, 1.5
"""How long a rate grows by 2% only: little while little is known of the limit, longer when more is."""

CALM_REQUESTS, CALM_DOUBTS, LONGEST_DOUBT_S = 100, 40, 2.0
"""A calm is so many requests long at least, and so many times as long as a refusal takes to be heard of."""

CALM_PAUSES, LONGEST_CALM_FOR_PAUSES_S = 20, 300.0
"""Where the endpoint makes us wait for longer than is needed, each hit is dear, so that they come rarely."""

CALM_GROWTH, GROWTH_DOUBLES_S, FASTEST_GROWTH_PER_S, LARGEST_STEP = 0.02, 8.0, 0.2, 0.02
"""After a calm the growth doubles each so many seconds; the last is for each request."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which the limit was hit, or had opened, and how many had been admitted by then."""

    at: float
    admitted: int


@dataclass(frozen=True, slots=True)
class Peak:
    """A rate that was measured, and how many had been admitted and refused by then."""

    per_s: float
    admitted: int
    refused: int


class HeldRate:
    """`per_s` is None while no limit is known."""

    def __init__(self, admissions: Admissions) -> None:
        self.per_s: float | None = None
        self._admissions = admissions
        self._hits: list[Moment] = []
        self._openings: list[Moment] = []
        self._measured = 0.0
        self._calm_s = CALM_AT_FIRST_S
        self._last_pause_s = 0.0
        self._in_vain = 0
        self._peak: Peak | None = None
        self._early_hits: list[tuple[int, int]] = []
        self._measured_at = self._grown_at = 0.0

    def begin(self, now: float) -> None:
        """Begin to count, at the first request or where what was before tells nothing."""
        self._hits, self._peak = [self._moment(now)], None

    @property
    def has_begun(self) -> bool:
        """Tell whether counting has begun."""
        return bool(self._hits)

    def hold(self, now: float, per_s: float) -> None:
        """Keep to a rate from now on."""
        self.per_s = self._measured = min(max(per_s, SLOWEST_PER_S), FASTEST_PER_S)
        self._measured_at = self._grown_at = now

    def end_calm(self) -> None:
        """Grow from now on: what was refused was not refused for the rate."""
        self._calm_s = CALM_AT_FIRST_S
        self._measured_at -= self._calm_s

    def go_on(self, now: float) -> None:
        """Take the time that passed as none: nothing was sent in it."""
        self._measured_at = self._grown_at = now

    def grow(self, now: float) -> None:
        """Grow with the time since the last request."""
        if self.per_s is None:
            return
        late_s = max(0.0, now - self._measured_at - self._calm_s)
        growth = CALM_GROWTH / self._calm_s * 2.0 ** min(30.0, late_s / min(self._calm_s, GROWTH_DOUBLES_S))
        step = min(min(growth, FASTEST_GROWTH_PER_S) * (now - self._grown_at), LARGEST_STEP)
        self.per_s, self._grown_at = min(self.per_s * (1.0 + step), FASTEST_PER_S), now

    @property
    def n_since_hit(self) -> int:
        """Give how many were admitted since the limit was hit."""
        return self._admissions.admitted - self._hits[-1].admitted

    def admitted_per_s(self, at: float, random_share: float = 0.0) -> float:
        """Give what was admitted a second since a hit, over as many hits as it takes to tell."""
        fewest = FEWEST_TO_MEASURE if random_share < SMALL_SHARE else FEWEST_BESIDE_CHANCE
        n, span_s = self._since(self._hits, at, fewest)
        return n / span_s

    def hit(self, at: float, random_share: float) -> float:
        """Give the rate after the limit was hit at a moment; `random_share` is refused whatever the rate."""
        assert self.per_s is not None
        stretch = self._admissions.stretch
        is_early = at - self._measured_at < EARLY * self._calm_s
        self._early_hits = [*self._early_hits, (stretch.settled, stretch.refused)] if is_early else []
        rate = self.admitted_per_s(at, random_share) / (1 - min(random_share, 0.5))
        is_plain = not self._has_grown and rate >= PLAIN * self.per_s
        if self._has_grown:
            # In part of that time less was sent than the limit allows. What is too high now is soon known.
            rate = max(rate, LEAST_AFTER_GROWTH * self.per_s)
        self._hits = [*self._hits[-HITS_REMEMBERED:], self._moment(at)]
        least = LEAST_AFTER_HIT if random_share < SMALL_SHARE else LEAST_BESIDE_CHANCE
        rate = min(max(rate, least * self.per_s), self.per_s * STEP_BACK)
        if not is_plain or self._peak is None:
            self._peak = Peak(rate, self._admissions.admitted, self._admissions.refused)
        return rate

    def drifted_from(self) -> tuple[float, float] | None:
        """Give the rate from which plain hits alone have led down, which no limit explains, and the share of
        refusals since; or None.
        """
        peak = self._peak
        if peak is None or self.per_s is None or self.per_s > DRIFTED * peak.per_s:
            return None
        self._peak = None
        admitted = self._admissions.admitted - peak.admitted
        refused = self._admissions.refused - peak.refused
        return peak.per_s, refused / max(1, admitted + refused)

    def share_in_early_hits(self, patience: int) -> float | None:
        """Give the share of refusals in a long row of hits that all came too early; None without one."""
        if len(self._early_hits) < EARLY_HITS * min(patience, MOST_PATIENT):
            return None
        n_settled = sum(settled for settled, _ in self._early_hits)
        share = sum(refused for _, refused in self._early_hits) / max(1, n_settled)
        self._early_hits = []
        return min(max(HARMLESS_SHARE, share), 0.5)

    def room_s(self, rate: float) -> float:
        """Give how long to wait after a hit: the next request would come just in time for a refusal."""
        return min(LONGEST_ROOM_S, ROOM / rate)

    def note_pause(self, pause_s: float) -> None:
        """Note how long nothing will be sent."""
        self._last_pause_s = pause_s

    @property
    def has_new(self) -> bool:
        """Tell whether enough was admitted since it opened last to tell something new."""
        if not self._openings:
            return True
        return self._admissions.admitted - self._openings[-1].admitted >= FEWEST_TO_MEASURE

    def opened(self, now: float, *, is_short: bool, was_needless: bool) -> float | None:
        """Give the rate after a time in which all was refused; None where nothing had been admitted before.

        `is_short`: it was over within moments. `was_needless`: the endpoint asked for more than was needed.
        """
        n, span_s = self._since(self._openings or self._hits[:1], now)
        is_first, per_s = self.per_s is None, self.per_s or 0.0
        if n < 2 and is_first:
            self.begin(now)
            return None
        has_new = self.has_new
        self._hits = [*self._hits[-HITS_REMEMBERED:], self._moment(now)]
        if not is_first and not has_new:
            # It has not opened wholly yet: what that tells was told already, but for how often it happens.
            self._in_vain += 1
            return per_s * (1.0 if self._in_vain <= VAIN_OPENINGS else LEAST_AFTER_SHORT_CLOSURE)
        self._in_vain = 0
        self._openings = [*self._openings[-HITS_REMEMBERED:], self._moment(now)]
        rate = n / span_s
        # What is measured by a time in which it was closed is new, whatever led to it.
        self._peak = None
        if is_first:
            self._calm_s = CALM_AT_FIRST_S
            return rate
        if is_short:
            rate = max(self._before_last_hit(now), LEAST_AFTER_SHORT_CLOSURE * per_s)
        elif n < FEWEST_TO_MEASURE:
            rate = max(rate, LEAST_AFTER_HIT * per_s)
        elif was_needless:
            # What came of that time tells nothing.
            rate = max(rate, (LEAST_AFTER_NEEDLESS_WAIT if self._has_grown else STEP_BACK_CLOSED) * per_s)
        rate = min(rate, STEP_BACK_CLOSED * per_s)
        self.lengthen_calm(rate, dear=was_needless)
        return rate

    def lengthen_calm(self, rate: float, *, dear: bool) -> None:
        """Wait longer before more is tried, the better the limit is known and the dearer a pause is."""
        doubt_s = min(self._admissions.doubt_s, LONGEST_DOUBT_S)
        fewest_s = max(CALM_S, CALM_REQUESTS / rate, CALM_DOUBTS * doubt_s)
        known_s = fewest_s if self._has_grown else min(CALM_LONGER * self._calm_s, LONGEST_CALM_S)
        dear_s = min(CALM_PAUSES * self._last_pause_s, LONGEST_CALM_FOR_PAUSES_S) if dear else 0.0
        self._calm_s = max(fewest_s, known_s, dear_s)

    @property
    def _has_grown(self) -> bool:
        return self.per_s is not None and self.per_s > GROWN * self._measured

    def _before_last_hit(self, now: float) -> float:
        n, span_s = self._since(self._hits[:-1], now)
        return n / span_s

    def _since(
        self, moments: Sequence[Moment], at: float, fewest: int = FEWEST_TO_MEASURE
    ) -> tuple[int, float]:  # fmt: skip
        """Give how many were admitted since the last moment that tells enough, and the seconds."""
        n, span_s = 0, 1.0
        for moment in reversed(moments):
            n, span_s = self._admissions.admitted - moment.admitted, max(at - moment.at, 0.01)
            if n >= fewest:
                break
        return n, span_s

    def _moment(self, at: float) -> Moment:
        return Moment(at, self._admissions.admitted)
