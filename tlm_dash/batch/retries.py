"""Which failures are tried again, when, and when a whole run gives up."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Protocol

from tlm_dash.batch.closure import LONGEST_WAIT_S
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


LONGEST_FOR_A_PERSON_S = 60.0
"""Who looks at a card is told after so long at the latest that it did not work, and can ask again."""


class Tried(Protocol):
    """What has become of a request so far."""

    n_tries: int
    n_refused: int
    maybe_again: bool


@dataclass(slots=True)
class PersonsTries:
    """The tries of one request that a person waits for. `began` is when it first left (monotonic)."""

    began: float | None = None
    n_tries: int = 0
    n_refused: int = 0
    maybe_again: bool = False

    def leaves(self) -> None:
        """Note that it leaves: what it waited for before, for its turn or a model to be loaded, is no try."""
        self.began = time.monotonic() if self.began is None else self.began

    def wait_s(self, error: EndpointError, chance: random.Random) -> float | None:
        """Count a failed try as `wait_before_retry` does; None also where it would take too long to bear."""
        wait_s = wait_before_retry(self, error, chance)
        if wait_s is not None:
            wait_s = max(wait_s, error.retry_after_s or 0.0)
        return wait_s if wait_s is not None and self.bears(wait_s) else None

    def bears(self, wait_s: float) -> bool:
        """Tell whether a person may be asked to wait so much longer."""
        so_far_s = 0.0 if self.began is None else time.monotonic() - self.began
        return so_far_s + wait_s <= LONGEST_FOR_A_PERSON_S


def wait_before_retry(unit: Tried, error: EndpointError, chance: random.Random) -> float | None:
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
    asked_s = error.retry_after_s or 0.0
    # A wait of a day cannot be meant for one request among many others that are answered.
    return max(backoff_s, asked_s if asked_s <= LONGEST_WAIT_S else LONGEST_BACKOFF_S)


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
