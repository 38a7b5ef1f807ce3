"""Two sequential tests on a row of refusals: has something changed, and does it help to be slower?"""

from __future__ import annotations

import math
from typing import Literal

Verdict = Literal["stays", "falls"]

UNKNOWN_SHARE = 0.3
"""Until a share of refusals is known, so many may come at random before the endpoint is taken for closed."""

NO_SHARE, SMALL_SHARE = 0.0005, 0.02
"""Where refusals come of a limit alone, one of them tells that it was hit."""

HARMLESS_SHARE, CLEARLY_MORE, FEWEST_REFUSED = 0.03, 1.3, 6
"""So few refusals are no reason to look for one, and no more than this factor of what comes at random."""

TRIAL_FACTOR, SLOWEST_TRIAL_PER_S = 0.7, 1.0

SURE, SURER = 7.0, 10.0
"""How sure an alarm is, in nats; the second where refusals come at random too, so that many are seen."""


class ChangeTest:
    """Page's cumulative sum (Biometrika 1954): has the share of refusals risen from `share` to `to`?

    The alarm comes when the likelihood ratio since the best moment to begin exceeds `level`, in nats.
    """

    def __init__(self, share: float, to: float, level: float) -> None:
        self._refused = math.log(to / share)
        self._admitted = math.log((1 - to) / (1 - share))
        self._level, self._sum = level, 0.0

    def alarm(self, *, refused: bool) -> bool:
        """Take an outcome; tells whether the change is shown."""
        self._sum = max(0.0, self._sum + (self._refused if refused else self._admitted))
        return self._sum > self._level


def is_clearly_more(share: float, usual: float, n: int) -> bool:
    """Tell whether a share of n requests is more than what is usual, chance and harmless refusals aside."""
    noise = 2 * math.sqrt(usual * (1 - usual) / n)
    return share > CLEARLY_MORE * usual + HARMLESS_SHARE + noise


def slower(per_s: float) -> float:
    """Give a rate for a trial: clearly less than what is admitted, but not below one a second for that."""
    return max(TRIAL_FACTOR * per_s, min(per_s, SLOWEST_TRIAL_PER_S))


def limit_test(random_share: float) -> ChangeTest:
    """Test whether the limit that is followed was hit: one refusal tells, where none come at random."""
    if random_share < SMALL_SHARE:
        return ChangeTest(NO_SHARE, 0.6, SURE)
    share = min(random_share, 0.6)
    return ChangeTest(share, share + 0.2, SURER)


def closed_test(random_share: float | None, before: float = 0.0) -> ChangeTest:
    """Test whether everything is refused; `before` is a share that was seen shortly before."""
    share = max(UNKNOWN_SHARE if random_share is None else random_share, before)
    share = min(max(share, 0.01), 0.5)
    return ChangeTest(share, 0.6 if share < 0.4 else 0.95, SURE if share < SMALL_SHARE else SURER)


class HelpTest:
    """Wald's sequential test (Annals of Mathematical Statistics 1945) of a share of refusals, when slower.

    The hypotheses are that the share stays as it was, and that it falls to a fifth; both errors are about 1%.
    """

    LEVEL = math.log(99)
    FALLS_TO = 0.2
    FEWEST, MOST = 25, 400

    def __init__(self, share: float) -> None:
        share = min(share, 0.9)
        self.share = share
        self._refused = -math.log(self.FALLS_TO)
        self._admitted = math.log((1 - share) / (1 - share * self.FALLS_TO))
        self._sum, self._n, self._n_refused = 0.0, 0, 0

    def take(self, *, refused: bool) -> None:
        """Take an outcome."""
        self._sum += self._refused if refused else self._admitted
        self._n, self._n_refused = self._n + 1, self._n_refused + refused

    @property
    def verdict(self) -> Verdict | None:
        """Give the verdict as soon as there is one; where neither is shown for long, the nearer one."""
        if self._n < self.FEWEST:
            return None
        if abs(self._sum) >= self.LEVEL:
            return "stays" if self._sum > 0 else "falls"
        if self._n < self.MOST:
            return None
        return "stays" if self._n_refused / self._n > self.share / 2 else "falls"


class Trial:
    """A time in which requests leave slower than `admitted_per_s`, to see whether fewer are refused.

    `then` is the rate to go back to where it does not help; `knew_limit`: a limit was followed before, beside
    refusals at random.
    """

    def __init__(self, share: float, then: float, admitted_per_s: float, knew_limit: bool) -> None:
        self.help = HelpTest(share)
        self.then, self.admitted_per_s, self.knew_limit = then, admitted_per_s, knew_limit
