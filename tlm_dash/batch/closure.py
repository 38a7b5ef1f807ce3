"""A time in which an endpoint refuses or fails everything: what is tried meanwhile, and when it is over."""

from __future__ import annotations

import random
from typing import Literal

from tlm_dash.batch.admissions import Admissions, Sent

LONGEST_WAIT_S = 120.0
"""An endpoint that asks for a longer wait is asked again after this one: it may have meant something else."""

LONG_WAIT_S, LONGEST_TEST_GAP = 2.0, 16
"""Waits that are longer are tested: was as much needed? Where it was, so many more are kept before the
next test."""

FIRST_WAIT_S, LONGEST_OWN_WAIT_S = 0.25, 1.0
"""An endpoint that asks for nothing is tried again after the first, and then at least this often."""

TRIES_IN_TROUBLE, TROUBLE_EVERY_S = 8, 0.1
"""One that fails everything is tried by so many at once, so often: what fails counts as a try of its row."""

SHORT_S = 2.0

Why = Literal["refused", "trouble"]


class Waits:
    """How long to wait for an endpoint: what it asks for, unless less was shown to do, else an own wait.

    After a first long wait was kept in full, one is cut in half. If the try at its end is admitted, halves
    are kept from then on, and tested again; if it is refused, the endpoint means what it says.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._paused_until = chance, 0.0
        self.believed, self._own_s = 1.0, FIRST_WAIT_S
        self._n_long, self._next_test, self._gap = 0, 1, 1
        self._is_testing = False

    @property
    def are_needless(self) -> bool:
        """Tell whether less than what was asked for was shown to do."""
        return self.believed < 1.0

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing leave for some seconds."""
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_WAIT_S))

    def paused_s(self, now: float) -> float:
        """Tell for how long nothing at all may leave."""
        return max(0.0, self._paused_until - now)

    def after(self, asked_s: float | None) -> float:
        """Give how long to wait after an alarm; `asked_s` is what its refusal asked for."""
        return self.own_wait_s() if asked_s is None else self._keep_s(asked_s)

    def own_wait_s(self) -> float:
        """Give how long to wait where nothing was asked for; not all of many clients at the same moment."""
        return self._own_s * self._chance.uniform(0.9, 1.1)

    def _keep_s(self, asked_s: float) -> float:
        asked_s = min(asked_s, LONGEST_WAIT_S)
        if asked_s <= LONG_WAIT_S:
            return max(0.0, asked_s)
        self._n_long += 1
        self._is_testing = self._n_long > self._next_test
        return max(LONG_WAIT_S, asked_s * self.believed / (2 if self._is_testing else 1))

    def is_long(self, wait_s: float) -> bool:
        """Tell whether a wait is one of those that are tested."""
        return wait_s >= LONG_WAIT_S

    def note(self, *, refused: bool) -> None:
        """Note what became of the first try after a wait."""
        if not self._is_testing:
            return
        self._is_testing = False
        if refused:
            self.believed, self._gap = min(1.0, 2 * self.believed), min(2 * self._gap, LONGEST_TEST_GAP)
            self._next_test = self._n_long + self._gap
        else:
            self.believed, self._gap = self.believed / 2, 1
            self._next_test = self._n_long

    def lengthen(self) -> None:
        """Wait longer before the next try, up to a second."""
        self._own_s = min(2 * self._own_s, LONGEST_OWN_WAIT_S)

    def shorten(self) -> None:
        """Begin anew with the first wait."""
        self._own_s = FIRST_WAIT_S

    @property
    def is_testing(self) -> bool:
        """Tell whether the wait under way is shorter than what was asked for, to see whether it does."""
        return self._is_testing


class Closure:
    """One such time, from `began_at` on. Tries leave one after the other; after trouble, several at once."""

    def __init__(self, now: float, why: Why, admissions: Admissions) -> None:
        self.why: Why = why
        self.began_at = now
        self._admissions = admissions
        self._tries: list[Sent] = []
        self._next_at = now

    def is_short(self, now: float) -> bool:
        """Tell whether it began a moment ago."""
        return now - self.began_at < SHORT_S

    def take(self, sent: Sent) -> None:
        """Take a try that leaves."""
        self._tries = [*(each for each in self._tries if each.outcome is None), sent]
        self._next_at = sent.at + (TROUBLE_EVERY_S if self.why == "trouble" else 0.0)

    def wait_s(self, now: float) -> float:
        """Tell how long to wait until the next try, or the next look at those under way."""
        under_way = sum(each.outcome is None for each in self._tries)
        if under_way >= (1 if self.why == "refused" else TRIES_IN_TROUBLE):
            return min(self._doubt_s / 4, LONGEST_OWN_WAIT_S / 4)
        return max(0.0, self._next_at - now)

    def is_over(self, now: float) -> bool:
        """Tell whether a try is under way for so long that it has not ended as those before it."""
        return any(each.outcome is None and now - each.at > self._doubt_s for each in self._tries)

    @property
    def _doubt_s(self) -> float:
        return self._admissions.doubt_s if self.why == "refused" else self._admissions.trouble_doubt_s
