"""Labels by matching responses with their references: looked at first, applied by a person, taken back."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from tlm_dash.analysis.matchers import MATCHERS, Matcher, match
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import text_hash
from tlm_dash.responses import without_reasoning
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.store import matching as stored
from tlm_dash.store.matching import Application, Found, Pair
from tlm_dash.store.runs import records

__all__ = [
    "MATCHERS",
    "MEANINGS",
    "Application",
    "Matcher",
    "Pair",
    "Preview",
    "applied",
    "apply",
    "preview",
    "take_back",
]

MEANINGS: dict[Matcher, str] = {
    "exact": "the same text as the reference, outer white space apart",
    "normalized": "the same but for case, punctuation, articles and white space",
    "contains": "the response has the reference in it, as whole words",
    "number": "the last number of both is the same",
    "aliases": "the response is or contains one of the answers that the reference lists",
}

NOT_APPLIED = "none"
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What a matcher finds for the answered rows of a run, with some hits and misses to judge it by.

    The examples are the same each time, from anywhere in the run.
    """

    matcher: Matcher
    n_hits: int
    n_misses: int
    n_without_reference: int
    hits: tuple[Pair, ...]
    misses: tuple[Pair, ...]


def preview(place: Place, run_id: str, matcher: str, *, examples: int = EXAMPLES) -> Preview:
    """Match every answered row of a run and store nothing. Raises InvalidInputError, NotFoundError."""
    return _matched(place, run_id, matcher, examples)[0]


def apply(place: Place, run_id: str, matcher: str, applied_by: str | None) -> Preview:
    """Label the answered rows of a run by a matcher; what one before it found counts no more.

    Raises InvalidInputError where no row can be compared, NotFoundError, StoreError.
    """
    name = None if applied_by is None else checked_annotator(applied_by)
    seen, found = _matched(place, run_id, matcher, EXAMPLES)
    if not found.labels:
        raise InvalidInputError(
            "No answered row of this run has a reference to be compared with.",
            hint="Give a column of the file the role reference, or choose another matcher.",
        )
    stored.write_application(place.store, run_id, matcher, found, seen.n_without_reference, name)
    return seen


def take_back(place: Place, run_id: str, taken_by: str | None) -> None:
    """Let no matcher label a run any more. Raises NotFoundError where none does."""
    now = applied(place, run_id)
    if now is None:
        raise NotFoundError("No matcher was applied to this run.", hint="There is nothing to take back.")
    name = None if taken_by is None else checked_annotator(taken_by)
    stored.write_application(place.store, run_id, NOT_APPLIED, Found([], [], []), 0, name)


def applied(place: Place, run_id: str) -> Application | None:
    """Give the matcher that labels a run; None where none does."""
    latest = stored.latest_application(place.store, run_id)
    return None if latest is None or latest.matcher == NOT_APPLIED else latest


def _matched(place: Place, run_id: str, matcher: str, examples: int) -> tuple[Preview, Found]:
    if matcher not in MATCHERS:
        raise InvalidInputError(f"There is no matcher {matcher!r}.", hint=f"One of: {', '.join(MATCHERS)}.")
    found_runs = records(place.store, [run_id])
    if not found_runs:
        raise NotFoundError("This run is not here any more.", hint="Choose another run.")
    item_nos: list[int] = []
    hashes: list[str] = []
    labels: list[int] = []
    n_without = 0
    kept: dict[bool, _Examples] = {True: _Examples(examples), False: _Examples(examples)}
    for pair in stored.pairs(place.store, run_id, found_runs[0].dataset_id):
        agrees = match(matcher, without_reasoning(pair.response), pair.reference)
        if agrees is None:
            n_without += 1
            continue
        kept[agrees].saw(pair)
        item_nos.append(pair.item_no)
        hashes.append(pair.response_hash)
        labels.append(int(agrees))
    n_hits = sum(labels)
    seen = Preview(matcher, n_hits, len(labels) - n_hits, n_without, kept[True].pairs, kept[False].pairs)
    return seen, Found(item_nos, hashes, labels)


class _Examples:
    """The few pairs with the lowest hash of their number: the same ones each time, from anywhere."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[int, int, Pair]] = []

    def saw(self, pair: Pair) -> None:
        entry = (-int(text_hash(str(pair.item_no))[:12], 16), -pair.item_no, pair)
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, entry)
        elif self._kept and entry > self._kept[0]:
            heapq.heapreplace(self._kept, entry)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return tuple(sorted((entry[2] for entry in self._kept), key=lambda pair: pair.item_no))
