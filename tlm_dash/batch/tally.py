"""The counts of a run under way, kept in memory so that any number of pages can look at them."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, replace

from tlm_dash.batch.grid import GridRun, Limits
from tlm_dash.models import Usage
from tlm_dash.store.run_models import RunCounts

RATE_WINDOW_S, FEWEST_FOR_RATE = 30.0, 10
"""A pace is that of the last half minute; where fewer rows ended in it, that of so many last ones."""

NO_ANSWER = ("timeout", "unreachable", "connection_dropped")
"""Kinds of failure in which the endpoint said nothing."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run at this moment. `items_per_s` is what was measured of late, None while too little is known.

    `time_left_s` follows from it: no forecast, and None for a pilot, which ends long before its run does.

    `silent_s` is for how long requests have been under way without an answer to any; None where none is.
    """

    counts: RunCounts
    in_flight: int
    items_per_s: float | None
    time_left_s: float | None
    note: str = ""
    silent_s: float | None = None


class Tally:
    """One run's counts; written on the engine's loop, read from any thread."""

    def __init__(self, run: GridRun, before: RunCounts, limits: Limits, *, is_pilot: bool = False) -> None:
        self._is_pilot = is_pilot
        self.run = run
        self.limits = limits
        self.in_flight = 0
        self.note = ""
        self._before = before
        self.n_done, self.n_sent, self.n_answered = before.n_done, before.n_sent, before.n_answered
        self.n_maybe_paid_twice, self.n_unknown = before.n_maybe_paid_twice, before.n_unknown
        self.n_cut = 0
        self._input, self._output = before.input_tokens, before.output_tokens
        self._resolved = before.resolved_model
        self._errors = Counter(before.errors)
        self._started = time.monotonic()
        self._stopped: float | None = None
        self._heard = self._started
        self._is_silent = False
        self._ends: deque[float] = deque(maxlen=2000)

    def note_sent(self, *, maybe_again: bool) -> None:
        """Note that a request is recorded and about to leave."""
        if not self.in_flight and not self._is_silent:
            # Nothing was waited for until now; a retry of what got no answer goes on waiting.
            self._heard = time.monotonic()
        self.n_sent += 1
        self.in_flight += 1
        self.n_maybe_paid_twice += maybe_again

    def note_cut(self) -> None:
        """Note that a request was closed by a cancel: the endpoint may have done it all the same."""
        self.n_unknown += 1
        self.n_cut += 1

    def take_back(self, *, maybe_again: bool) -> None:
        """Note that a request that was about to leave did not."""
        self.n_sent -= 1
        self.n_maybe_paid_twice -= maybe_again

    def heard(self, kind: str | None = None) -> None:
        """Note an answer, or a failure of a kind: even a refusal tells that the endpoint is there."""
        self._is_silent = kind in NO_ANSWER
        if not self._is_silent:
            self._heard = time.monotonic()

    def note_answer(self, usage: Usage, resolved_model: str | None) -> None:
        """Note what an answer of this run took."""
        self.heard()
        if usage.input_tokens is not None:
            self._input = (self._input or 0) + usage.input_tokens
        if usage.output_tokens is not None:
            self._output = (self._output or 0) + usage.output_tokens
        self._resolved = resolved_model or self._resolved

    def note_done(self) -> None:
        """Note a finished item."""
        self.n_done += 1
        self.heard()
        self._ends.append(self._heard)

    def note_error(self, kind: str) -> None:
        """Note a failed item."""
        self.heard(kind)
        self._errors[kind] += 1
        self._ends.append(time.monotonic())

    def stop(self) -> None:
        """Stop the clock."""
        self._stopped = time.monotonic()

    @property
    def cost(self) -> float | None:
        """Estimate what the run cost so far; None without prices."""
        return cost_of(self.run, self.limits, self.counts())

    def counts(self) -> RunCounts:
        """Give the counts as they are now."""
        errors = dict(self._errors)
        active_ms = ((self._stopped or time.monotonic()) - self._started) * 1000.0
        return replace(
            self._before,
            n_done=self.n_done, n_error=sum(errors.values()), n_sent=self.n_sent, n_answered=self.n_answered,
            n_unknown=self.n_unknown, n_maybe_paid_twice=self.n_maybe_paid_twice, input_tokens=self._input,
            output_tokens=self._output, resolved_model=self._resolved,
            active_ms=(self._before.active_ms or 0.0) + active_ms, errors=errors,
        )  # fmt: skip

    def look(self) -> LiveRun:
        """Give the run as a page shows it."""
        counts = self.counts()
        left = self.run.n_items - counts.n_done - counts.n_error
        rate = self._rate()
        time_left_s = left / rate if rate and left > 0 and not self._is_pilot else None
        silent_s = time.monotonic() - self._heard if self.in_flight else None
        return LiveRun(counts, self.in_flight, rate, time_left_s, self.note, silent_s)

    def _rate(self) -> float | None:
        now, ends = time.monotonic(), list(self._ends)
        n = sum(now - end < RATE_WINDOW_S for end in ends)
        since = max(self._started, now - RATE_WINDOW_S)
        if n == self._ends.maxlen:
            since = ends[0]
        elif n < FEWEST_FOR_RATE:
            # Rows that take long, or a pause: what the last rows took, and the time since then.
            n = min(FEWEST_FOR_RATE, len(ends))
            since = ends[-n - 1] if len(ends) > n else self._started
        return n / (now - since) if n > 1 and now > since else None


def cost_of(run: GridRun, limits: Limits, counts: RunCounts) -> float | None:
    """Estimate what a run cost; None without prices.

    A finished row had one request that scored it; repeats that shared one make them fewer, and answers that
    were asked for without a score make the requests more than the scores.
    """
    if limits.prices is None:
        return None
    return limits.prices.cost(
        run.model, run.quality_preset, input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens, n_scored=min(counts.n_done, counts.n_answered),
    )  # fmt: skip
