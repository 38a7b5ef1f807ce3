"""How many requests are under way at once: more for as long as that brings more, fewer when it hurts."""

from __future__ import annotations

import math
from dataclasses import dataclass

START = 16
CEILING = 1000
"""The connection pool of a client holds as many."""

SHORTEST_ROUND_S = 0.25
FEWEST_ENDS = 10
FEWEST_ENDS_TO_PROBE = 50
"""What a probe looks for is small: over fewer ends it would be lost in chance."""

TROUBLE_SHARE = 0.1
"""Above this share of failed requests in a round the endpoint may be overloaded."""

HOPELESS_SHARE, HELPED = 0.8, 0.75
"""Above the first, fewer at once is always right; else only where it lowers the share by the second."""

FEWEST_ENDS_TO_COMPARE = 60
CALM_BEFORE_RETURN = 4
FIRST_PROBE_AFTER = 4
LONGEST_BETWEEN_PROBES = 64


@dataclass(frozen=True)
class _Trial:
    """A limit that is tried: by which factor it differs, and what it must bring, as a factor, to be kept."""

    factor: float
    must_bring: float


_DOUBLE, _HALVE = _Trial(2.0, 1.3), _Trial(0.5, 0.95)
_MORE, _LESS = _Trial(1.25, 1.05), _Trial(0.8, 0.98)


class InFlightLimit:
    """The limit of one endpoint. It doubles while throughput grows with it, then holds and probes.

    A round lasts for as many ends as the limit is high, so that what it counts was sent under that limit.
    Where doubling brings nothing from the start, fewer may do as well: what only waits in the endpoint's
    own queue makes everyone wait, also a person in front of the playground.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.ceiling = min(ceiling or CEILING, CEILING)
        # A ceiling that a person set is taken at its word from the start.
        self._is_told = ceiling is not None
        self.current = self.ceiling if self._is_told else min(START, self.ceiling)
        self._next: _Trial = _MORE if self._is_told else _DOUBLE
        self._trial: _Trial | None = None
        self._before = (self.current, 0.0)
        self._rounds_to_probe = self._between_probes = 0 if not self._is_told else FIRST_PROBE_AFTER
        self._is_settling = True
        self._lowered_from: int | None = None
        self._share_before = self._tolerated = 0.0
        self._calm_rounds, self._returns = 0, True
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._began = now
        self._ended = self._failed = 0
        self._was_full = False

    def begin_anew(self, now: float) -> None:
        """Forget what was counted of the round under way: it tells nothing of how many at once are right."""
        self._begin(now)

    def allow(self, wanted: int) -> None:
        """Go up to a number at once that a person set for a run; never above the ceiling."""
        self.current = max(self.current, min(wanted, self.ceiling))
        self._is_told = True
        self._settle(_MORE, FIRST_PROBE_AFTER)

    def note_full(self) -> None:
        """Note that a request had to wait for a place: only then does a round tell something of the limit."""
        self._was_full = True

    def note_end(self, now: float, *, ok: bool, trouble: bool) -> None:
        """Note the end of a request; `trouble` is a failure on the endpoint's side, a time-out or a drop."""
        if not self._began:
            self._began = now
        self._ended += ok
        self._failed += trouble
        total = self._ended + self._failed
        probes = self._trial in (_MORE, _LESS, _HALVE) or self._next in (_MORE, _LESS, _HALVE)
        fewest = FEWEST_ENDS_TO_PROBE if probes and not self._failed else FEWEST_ENDS
        if self._share_before and not self._is_settling:
            fewest = FEWEST_ENDS_TO_COMPARE
        if total < max(self.current, fewest) or now - self._began < SHORTEST_ROUND_S:
            return
        throughput = self._ended / (now - self._began)
        share, was_full = self._failed / total, self._was_full
        self._begin(now)
        if self._is_settling:
            self._is_settling = False
        elif self._share_before and share < HOPELESS_SHARE and not self._has_helped(share, total):
            self._tolerate(share)
        elif self._is_trouble(share, total):
            self._lower(share)
        elif self._lowered_from is not None:
            self._return()
        elif was_full:
            self._judge(throughput)
        else:
            # Something else is what holds requests back now, a rate limit say: a higher limit does no harm.
            self._trial = None

    def _is_trouble(self, share: float, n: int) -> bool:
        """Tell whether more fail than a healthy endpoint may, and than fail at any load; chance aside."""
        if share < min(self._tolerated / 2, self._tolerated - _noise(self._tolerated, n)):
            self._tolerated = share
        bearable = max(TROUBLE_SHARE, 1.2 * self._tolerated)
        return share > bearable + _noise(bearable, n)

    def _has_helped(self, share: float, n: int) -> bool:
        """Tell whether clearly fewer fail than before the limit was lowered: more than chance alone does."""
        before = self._share_before
        return share <= before - max((1 - HELPED) * before, _noise(before, n / 2))

    def _lower(self, share: float) -> None:
        """Halve the limit, or take back what was tried."""
        if self._trial is not None and self._trial.factor > 1:
            # It came with a limit that was tried.
            self.current, self._lowered_from = self._before[0], None
        else:
            if self._calm_rounds >= CALM_BEFORE_RETURN:
                # It had helped to be lower, and going back has brought it again.
                self._returns = False
            self._lowered_from = max(self._lowered_from or 0, self.current)
            self._share_before = share
            self.current = max(1, self.current // 2)
        self._calm_rounds = 0
        self._settle(_MORE, FIRST_PROBE_AFTER)

    def _tolerate(self, share: float) -> None:
        """Go back up where being lower did not help: load is not the reason."""
        self._tolerated = (share + self._share_before) / 2
        self.current = self._lowered_from or self.current
        self._end_trouble()
        self._calm_rounds = 0
        self._settle(_MORE, FIRST_PROBE_AFTER)

    def _return(self) -> None:
        """Go back up after trouble: at once where it has not come again, else by trying a little more."""
        assert self._lowered_from is not None
        self._calm_rounds, self._share_before = self._calm_rounds + 1, 0.0
        if not self._returns:
            self._end_trouble()
        elif self._calm_rounds >= CALM_BEFORE_RETURN:
            self.current = min(self._lowered_from, 2 * self.current)
            if self.current == self._lowered_from:
                self._end_trouble()

    def _end_trouble(self) -> None:
        self._lowered_from, self._share_before = None, 0.0

    def _judge(self, throughput: float) -> None:
        """Keep what was tried or take it back; try the next thing when it is time."""
        trial, self._trial = self._trial, None
        if trial is not None:
            limit_before, throughput_before = self._before
            if throughput < throughput_before * trial.must_bring:
                self.current = limit_before
                self._after(trial, kept=False)
                return
            self._after(trial, kept=True)
        self._rounds_to_probe -= 1
        if self._rounds_to_probe <= 0:
            self._try(self._next, throughput)

    def _after(self, trial: _Trial, *, kept: bool) -> None:
        """Choose what to try next, and when."""
        if trial in (_DOUBLE, _HALVE) and kept:
            self._next, self._rounds_to_probe = trial, 0
            return
        if trial is _DOUBLE and self.current == START:
            self._settle(_HALVE, 0)
            return
        rarer = min(2 * max(self._between_probes, FIRST_PROBE_AFTER), LONGEST_BETWEEN_PROBES)
        self._settle(_LESS if trial is _MORE else _MORE, FIRST_PROBE_AFTER if kept else rarer)

    def _settle(self, following: _Trial, after_rounds: int) -> None:
        # A limit that a person set is not undercut without need.
        self._next = _MORE if self._is_told and following is _LESS else following
        self._rounds_to_probe = self._between_probes = after_rounds
        self._trial, self._is_settling = None, True

    def _try(self, trial: _Trial, throughput: float) -> None:
        changed = max(1, min(round(self.current * trial.factor), self.ceiling))
        if changed == self.current:
            changed = max(1, min(self.current + (1 if trial.factor > 1 else -1), self.ceiling))
        if changed == self.current:
            self._settle(_LESS if trial.factor > 1 else _MORE, LONGEST_BETWEEN_PROBES)
            return
        self._before, self._trial, self.current = (self.current, throughput), trial, changed
        # A doubling shows even among ends that were sent before it.
        self._is_settling = trial is not _DOUBLE


def _noise(share: float, n: float) -> float:
    """Give by how much a share of n may differ by chance: twice its standard deviation."""
    return 2 * math.sqrt(share * (1 - share) / n)
