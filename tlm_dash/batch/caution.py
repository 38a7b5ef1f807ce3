"""The careful beginning of a run, and its end by a refusal that no waiting mends.

Until a run has had its first success of a call, few of its requests are under way, and a row that is refused
is held back: neither failed nor done. Where refusals are all alike the run is at fault, or the endpoint, not
the rows: they stay open, and the run is paused. Where a success comes after all, each was its row's fault.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tlm_dash.batch.questions import Unit
from tlm_dash.batch.tally import Tally
from tlm_dash.errors import AccessDeniedError, EndpointError, NoAnswerError, RequestRefusedError
from tlm_dash.store.run_models import Refusal

MOST_AT_FIRST = 8
"""So many requests of a run are under way until the first of them has succeeded."""

EQUAL_REFUSALS = 5
"""So many rows, refused in the same words before any success, make a refusal of the run."""

MOST_HELD = 50
"""Rows refused in all sorts of words are held back up to this number; the oldest fail then."""

Key = tuple[str, str]
"""A call ("generate", "score") and the run that it is made for: for an answer that runs share, its lead."""

_NUMBER_OR_ID = re.compile(r"[\w-]*\d[\w-]*|\b[\w-]{32,}\b")


def same_words(message: str) -> str:
    """Give a message without what differs from row to row: numbers, and ids (with digits, or long)."""
    return _NUMBER_OR_ID.sub("#", message)


@dataclass
class _Beginning:
    """What is known of a call of a run that has not succeeded yet."""

    under_way: int = 0
    parked: deque[Unit] = field(default_factory=deque)
    held: list[tuple[Unit, EndpointError]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    doubt: EndpointError | None = None
    """The refusal that has come often enough; it counts when what is under way has ended without success."""


class Caution:
    """Used on the engine's loop. `proven` are the calls that succeeded in an earlier pass that goes on.

    `close` ends a row as failed, `release` sends a request after all, `pause` ends the run of a key with what
    the endpoint said. `still_wanted` drops what nobody wants any more and tells whether something is left.
    """

    def __init__(
        self, proven: set[Key], tallies: Mapping[str, Tally], *,
        close: Callable[[Unit, EndpointError], None], release: Callable[[Unit], None],
        pause: Callable[[Key, Refusal], None], still_wanted: Callable[[Unit], bool],
    ) -> None:  # fmt: skip
        self._proven = proven
        self._close, self._release, self._pause = close, release, pause
        self._still_wanted, self._tallies = still_wanted, tallies
        self._beginnings: dict[Key, _Beginning] = {}
        self._times: Counter[tuple[Key, str]] = Counter()

    @property
    def n_held(self) -> int:
        """Give the number of cells that are held back."""
        return sum(len(unit.cells) for beginning in self._beginnings.values() for unit, _ in beginning.held)

    def parks(self, unit: Unit) -> bool:
        """Tell whether a request has to wait for the first success, and keep it then until it may be sent."""
        key = key_of(unit)
        if key in self._proven:
            return False
        beginning = self._beginning(key)
        if beginning.doubt is None and beginning.under_way < MOST_AT_FIRST:
            return False
        beginning.parked.append(unit)
        return True

    def began(self, unit: Unit) -> None:
        """Note that a request is under way."""
        key = key_of(unit)
        if key not in self._proven:
            self._beginning(key).under_way += 1

    def ended(self, unit: Unit) -> None:
        """Note that a request has ended in whichever way, after what became of it was told."""
        key = key_of(unit)
        if key in self._proven:
            return
        beginning = self._beginning(key)
        beginning.under_way -= 1
        if beginning.doubt is None:
            if beginning.parked:
                self._release(beginning.parked.popleft())
        elif not beginning.under_way:
            error, beginning.doubt = beginning.doubt, None
            self._pause(key, _told(error, beginning.refused[_words(error)]))

    def passed_over(self, unit: Unit) -> None:
        """Note that a request that might be sent is not made after all: another one takes its place."""
        beginning = self._beginnings.get(key_of(unit))
        if beginning is None or beginning.doubt is not None or beginning.under_way >= MOST_AT_FIRST:
            return
        if beginning.parked:
            self._release(beginning.parked.popleft())

    def succeeded(self, unit: Unit) -> None:
        """Note a success: from now on all may be sent, and what was refused was the rows' own fault."""
        key = key_of(unit)
        if key in self._proven:
            return
        self._proven.add(key)
        beginning = self._beginnings.pop(key, _Beginning())
        for refused, error in beginning.held:
            self._close(refused, error)
        for parked in beginning.parked:
            self._release(parked)

    def refused(self, unit: Unit, error: EndpointError) -> bool:
        """Take a failure that is not tried again; tells whether its row stays open, or is held back."""
        key = key_of(unit)
        if error.refuses_all:
            self._times[key, error.kind] += 1
            self._pause(key, _told(error, self._times[key, error.kind]))
            self._still_wanted(unit)
            return True
        if isinstance(error, NoAnswerError):
            # The request as such was taken.
            self.succeeded(unit)
        if key in self._proven or not isinstance(error, RequestRefusedError | AccessDeniedError):
            return False
        if self._failed_before(unit):
            return False
        if not self._still_wanted(unit):
            return True
        beginning = self._beginning(key)
        beginning.held.append((unit, error))
        beginning.refused[_words(error)] += 1
        if beginning.refused[_words(error)] >= EQUAL_REFUSALS:
            beginning.doubt = beginning.doubt or error
        elif len(beginning.held) > MOST_HELD:
            self._close(*beginning.held.pop(0))
        return True

    def sweep(self) -> None:
        """Let go of what nobody wants any more."""
        for beginning in self._beginnings.values():
            beginning.held = [(unit, error) for unit, error in beginning.held if self._still_wanted(unit)]
            beginning.parked = deque(unit for unit in beginning.parked if self._still_wanted(unit))

    def close_held(self) -> None:
        """End what is held back as failed: nothing else is left that could tell whose fault it was."""
        for beginning in self._beginnings.values():
            held, beginning.held = beginning.held, []
            for unit, error in held:
                self._close(unit, error)

    def _failed_before(self, unit: Unit) -> bool:
        """Tell whether a row is tried again in runs in which others succeeded: it was its own fault."""
        return all(cell.attempt_no > 1 and self._tallies[cell.run.run_id].n_done for cell in unit.cells)

    def _beginning(self, key: Key) -> _Beginning:
        return self._beginnings.setdefault(key, _Beginning())


def key_of(unit: Unit) -> Key:
    """Give whose request it is."""
    run = unit.cell.run
    return (unit.call, run.lead_run_id if unit.call == "generate" else run.run_id)


def _words(error: EndpointError) -> str:
    return f"{error.kind} {error.status} {same_words(error.message)}"


def _told(error: EndpointError, n: int) -> Refusal:
    return Refusal(error.kind, error.message, error.hint, n)
