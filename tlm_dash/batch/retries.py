"""Which failures are tried again, when, and when a whole run gives up."""

from __future__ import annotations

import random

from tlm_dash.batch.pace import LONGEST_WAIT_S
from tlm_dash.batch.questions import Unit
from tlm_dash.errors import EndpointError

MOST_TRIES = 5
MOST_TRIES_OF = {"empty_answer": 2}
"""An empty answer is paid for like any other: it is asked for once more, not five times."""

MOST_REFUSALS = 20
"""A 429 costs nothing and the pace follows it: an item bears more of them than of real failures."""

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0

MAYBE_DONE = frozenset({"timeout", "connection_dropped"})
"""The endpoint may have done, and billed, what ended like this."""

HOPELESS = frozenset({"unreachable", "access_denied", "not_tlm", "rate_limited"})
HOPELESS_AFTER = 50
"""So many items in a row that fail in the same hopeless way: the endpoint is at fault, not the items."""


def wait_before_retry(unit: Unit, error: EndpointError, chance: random.Random) -> float | None:
    """Count a failed try; give the seconds until the next one, or None where there is to be none."""
    if not error.retryable:
        return None
    if error.kind == "rate_limited":
        unit.n_refused += 1
        if unit.n_refused >= MOST_REFUSALS:
            return None
        return _wait_s(unit.n_refused, error, chance)
    unit.n_tries += 1
    if unit.n_tries >= MOST_TRIES_OF.get(error.kind, MOST_TRIES):
        return None
    unit.maybe_again = error.kind in MAYBE_DONE
    return _wait_s(unit.n_tries, error, chance)


def _wait_s(n_tries: int, error: EndpointError, chance: random.Random) -> float:
    backoff_s = min(FIRST_BACKOFF_S * 2.0 ** (n_tries - 1), LONGEST_BACKOFF_S) * chance.uniform(0.5, 1.0)
    return max(backoff_s, min(error.retry_after_s or 0.0, LONGEST_WAIT_S))


class GivingUp:
    """Watches for an endpoint that answers nothing any more."""

    def __init__(self) -> None:
        self._kind = ""
        self._in_a_row = 0

    def note_done(self) -> None:
        """Note an item that worked."""
        self._in_a_row = 0

    def note_error(self, kind: str) -> bool:
        """Note an item that failed for good; tells whether it is time to give up."""
        self._in_a_row = self._in_a_row + 1 if kind == self._kind else 1
        self._kind = kind
        return kind in HOPELESS and self._in_a_row >= HOPELESS_AFTER
