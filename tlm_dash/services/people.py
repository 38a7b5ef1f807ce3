"""Who counts as one among those who said something of a run's responses: presumed, or decided.

The rule is in store/person_rule.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.free_names import free_name
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.store import persons as stored
from tlm_dash.store.persons import Person

__all__ = ["Person", "Voice", "said_words", "set_apart", "unite", "voice_names", "voices"]

KNOWN_WORDS = {"browser": "here", "file": "from a file"}


@dataclass(frozen=True, slots=True)
class Voice:
    """People who count as one, with what they are called together."""

    voice: str
    name: str
    people: tuple[Person, ...]


def voices(place: Place, run_ids: Sequence[str]) -> tuple[Voice, ...]:
    """Give everybody who said something of the responses of some runs, those who count as one together."""
    together: dict[str, list[Person]] = {}
    for person in stored.people_of(place.store, run_ids):
        together.setdefault(person.voice, []).append(person)
    found: list[Voice] = []
    for voice, people in together.items():
        name = " / ".join(dict.fromkeys(person.name for person in people))
        same_name = [
            other for other in together.values() if other is not people and other[0].name == people[0].name
        ]
        if same_name and len(people) == 1:
            name = said_words(people[0])
        found.append(Voice(voice, free_name(name, {other.name for other in found}), tuple(people)))
    return tuple(found)


def voice_names(place: Place, run_ids: Sequence[str]) -> dict[str, str]:
    """Give what each voice is called."""
    return {one.voice: one.name for one in voices(place, run_ids)}


def said_words(person: Person) -> str:
    """Name a person with how they are known."""
    return f"{person.name} ({KNOWN_WORDS[person.known_by]})"


def unite(place: Place, run_ids: Sequence[str], voice: str, other: str, decided_by: str) -> None:
    """Say that two are one person. Raises InvalidInputError for who is not there, StoreError."""
    there = {one.voice: one for one in voices(place, run_ids)}
    if voice == other or not {voice, other} <= there.keys():
        raise InvalidInputError("Choose two different people who are here.", hint="Look at the list again.")
    counted = {person.person_id: voice for person in there[other].people}
    # Who was set apart joins them as one of theirs.
    counted |= {person.person_id: voice for person in there[voice].people if person.voice == person.person_id}
    stored.count_as(place.store, counted, checked_annotator(decided_by))


def set_apart(place: Place, run_ids: Sequence[str], person_id: str, decided_by: str) -> None:
    """Say that a person is nobody else. Raises InvalidInputError for who is not there, StoreError."""
    if not any(person_id == person.person_id for one in voices(place, run_ids) for person in one.people):
        raise InvalidInputError("This person is not here any more.", hint="Look at the list again.")
    stored.count_as(place.store, {person_id: person_id}, checked_annotator(decided_by))
