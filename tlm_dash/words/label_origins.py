"""Whose labels a figure stands on, in one vocabulary for page, record, command and JSON.

The store tells four sources apart. A reader needs to know three things, so they become three names:

    people    verdicts that somebody gave here, under a name of their own
    file      whatever came in a file: a label column, or imported verdicts. Their annotators are names in
              cells: nothing here shows whether a person, a rule or another model stands behind one
    matcher   a comparison with the reference, made here and named with the matcher
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PEOPLE, FILE, MATCHER = "people", "file", "matcher"

ORIGIN_OF = {"person": PEOPLE, "imported": FILE, "column": FILE, "matcher": MATCHER}
"""By source of a label in the store."""

_ORDER = (PEOPLE, FILE, MATCHER)


@dataclass(frozen=True, slots=True)
class LabelOrigins:
    """How many labels of each origin a figure stands on; `matchers` names those that labelled any of them."""

    counts: Mapping[str, int]
    matchers: tuple[str, ...] = ()

    @property
    def by(self) -> str:
        """Say it so that it follows “told”: by people, by the matcher “aliases”, not by people."""
        present = [origin for origin in _ORDER if self.counts.get(origin)]
        if present == [MATCHER]:
            return f"by {_named(MATCHER, self.matchers)}, not by people"
        if present == [FILE]:
            return "by the labels of a file"
        return "by " + _listed([
            f"{_named(origin, self.matchers)} ({self.counts[origin]:,})" if len(present) > 1
            else _named(origin, self.matchers)
            for origin in present
        ])  # fmt: skip

    @property
    def sentence(self) -> str | None:
        """Say whose labels these are; None without labels, or where all are people's."""
        return None if set(self.counts) <= {PEOPLE} else f"Right and wrong are told {self.by}."

    @property
    def notes(self) -> list[str]:
        """Give the sentence as a list of notes, empty where there is none."""
        return [] if self.sentence is None else [self.sentence]


def origins_of(sources: Iterable[object], matchers: Sequence[str] = ()) -> LabelOrigins:
    """Count labels by origin, from the store's source of each."""
    found: Counter[str] = Counter()
    # Counted before they are renamed: there are many labels and few sources.
    for source, count in Counter(sources).items():
        found[ORIGIN_OF[str(source)]] += count
    named = tuple(matchers) if found[MATCHER] else ()
    return LabelOrigins({origin: found[origin] for origin in _ORDER if found[origin]}, named)


def of_both(a: LabelOrigins, b: LabelOrigins) -> str | None:
    """Say whose labels a baseline and a candidate have; None where all are people's."""
    if a == b:
        return a.sentence
    if a.sentence is None and b.sentence is None:
        return None
    return f"Right and wrong are told {a.by} in the baseline, {b.by} in the candidate."


def origin_words(name: str) -> str:
    """Name an origin, or a source of the store as older records have it, after “labels from”."""
    return {FILE: "a file", MATCHER: "a matcher"}.get(ORIGIN_OF.get(name, name), PEOPLE)


def _named(origin: str, matchers: Sequence[str]) -> str:
    if origin == PEOPLE:
        return PEOPLE
    if origin == FILE:
        return "labels of a file"
    if not matchers:
        return "a matcher"
    return ("the matcher " if len(matchers) == 1 else "the matchers ") + _listed(
        [f"“{matcher}”" for matcher in matchers]
    )


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
