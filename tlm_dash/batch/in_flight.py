"""How many requests are under way at once: more for as long as that brings more, fewer when it hurts."""

from __future__ import annotations

START = 8
CEILING = 1000
"""The connection pool of a client holds as many."""

PAYS = 1.15
PROBE = 1.25
PROBE_PAYS = 1.05
SHORTEST_ROUND_S = 0.25
FEWEST_ENDS = 10
TROUBLE_SHARE = 0.1
"""Above this share of failed requests in a round the endpoint is taken to be overloaded."""

STEP_BACK = 0.7
FIRST_PROBE_AFTER = 4
LONGEST_BETWEEN_PROBES = 64


class InFlightLimit:
    """The limit of one endpoint. It doubles while throughput grows with it, then holds and probes.

    A round lasts for as many ends as the limit is high, so that what it counts was sent under that limit.
    """

    def __init__(self, ceiling: int | None = None) -> None:
        self.ceiling = min(ceiling or CEILING, CEILING)
        # A ceiling that a person set is taken at its word from the start.
        self.current = self.ceiling if ceiling is not None else min(START, self.ceiling)
        self._doubling = ceiling is None
        self._fallback: tuple[int, float] | None = None
        self._rounds_to_probe = self._between_probes = FIRST_PROBE_AFTER
        self._is_settling = True
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._began = now
        self._ended = self._failed = 0
        self._was_full = False

    def allow(self, wanted: int) -> None:
        """Go up to a number at once that a person set for a run; never above the ceiling."""
        self.current = max(self.current, min(wanted, self.ceiling))
        self._doubling = False

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
        if total < max(self.current, FEWEST_ENDS) or now - self._began < SHORTEST_ROUND_S:
            return
        throughput = self._ended / (now - self._began)
        share, was_full = self._failed / total, self._was_full
        self._begin(now)
        if share > TROUBLE_SHARE:
            self._back_off()
        elif self._is_settling:
            self._is_settling = False
        elif was_full:
            self._judge(throughput)

    def _back_off(self) -> None:
        self._doubling, self._fallback, self._is_settling = False, None, True
        self.current = max(1, int(self.current * STEP_BACK))
        self._rounds_to_probe = self._between_probes = FIRST_PROBE_AFTER

    def _judge(self, throughput: float) -> None:
        if self._fallback is not None:
            limit_before, throughput_before = self._fallback
            self._fallback = None
            if throughput < throughput_before * (PAYS if self._doubling else PROBE_PAYS):
                self.current, self._is_settling = limit_before, True
                self._between_probes = min(2 * self._between_probes, LONGEST_BETWEEN_PROBES)
                self._rounds_to_probe, self._doubling = self._between_probes, False
                return
            self._rounds_to_probe = self._between_probes = FIRST_PROBE_AFTER
        self._rounds_to_probe -= 1
        if self.current < self.ceiling and (self._doubling or self._rounds_to_probe <= 0):
            self._fallback = (self.current, throughput)
            higher = self.current * 2 if self._doubling else max(self.current + 1, int(self.current * PROBE))
            self.current, self._is_settling = min(higher, self.ceiling), True
