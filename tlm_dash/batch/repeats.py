"""Rows that are equal to the letter: one of them is sent, the others take its score. Only where asked for."""

from __future__ import annotations

from tlm_dash.batch.outcomes import Outcomes
from tlm_dash.batch.questions import Unit
from tlm_dash.models import Scored

MOST_KEPT = 200_000
"""Scores kept to be taken by repeats; of more different rows the oldest are forgotten, and sent again."""


class Repeats:
    """Knows scores and requests under way by the hash of what was asked."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        outcomes.waiting_for = self.released
        self._known: dict[str, Scored] = {}
        # The first of each list is the one that is sent; the others wait for it.
        self._waiting: dict[str, list[Unit]] = {}

    @property
    def n_waiting(self) -> int:
        """Give the number of rows that wait for the request of an equal one."""
        return sum(len(waiting) - 1 for waiting in self._waiting.values())

    def holds_back(self, unit: Unit) -> bool:
        """Close or hold back a request whose equal was made; False where it is the first, and to be sent."""
        asked = unit.content_hash
        if asked in self._known:
            self._outcomes.repeated(unit, self._known[asked])
            return True
        if asked in self._waiting:
            if self._waiting[asked][0] is unit:
                return False  # At its next try.
            self._waiting[asked].append(unit)
            return True
        self._waiting[asked] = [unit]
        return False

    def scored(self, unit: Unit, scored: Scored) -> None:
        """Give a score to all that wait for it."""
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[unit.content_hash] = scored
        for waiting in self._waiting.pop(unit.content_hash, [])[1:]:
            self._outcomes.repeated(waiting, scored)

    def released(self, unit: Unit) -> list[Unit]:
        """Give back what waits for a request that will bring no score: it is sent, or ends too."""
        waiting = self._waiting.get(unit.content_hash, [])
        if not waiting or waiting[0] is not unit:
            return []
        return self._waiting.pop(unit.content_hash)[1:]
