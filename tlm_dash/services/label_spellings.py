"""What the spellings of a label column mean: counted, suggested where well known, decided by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.store import label_settings as stored
from tlm_dash.store.label_settings import Spelling

__all__ = [
    "MEANINGS",
    "LabelColumn",
    "Spelling",
    "adopt_stated",
    "decide",
    "label_columns",
    "suggestion",
    "unmistakable",
]

MEANINGS = ("correct", "incorrect", "unsure", "ignored")

# The first of each pair means correct. A whole column must be spelled with one pair.
_UNMISTAKABLE = (
    {"1": "correct", "0": "incorrect", "1.0": "correct", "0.0": "incorrect"},
    {"true": "correct", "false": "incorrect"},
    {"yes": "correct", "no": "incorrect"},
    {"correct": "correct", "incorrect": "incorrect"},
)
_WELL_KNOWN = (
    {"y": "correct", "n": "incorrect"},
    {"t": "correct", "f": "incorrect"},
    {"right": "correct", "wrong": "incorrect"},
    {"pass": "correct", "fail": "incorrect"},
    {"passed": "correct", "failed": "incorrect"},
    {"good": "correct", "bad": "incorrect"},
)
_UNSURE = {"unsure": "unsure", "unknown": "unsure"}


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """A label column with its spellings, the most frequent first; `suggested` is for a person to confirm."""

    name: str
    spellings: tuple[Spelling, ...]
    suggested: Mapping[str, str]

    @property
    def n_undecided(self) -> int:
        """Spellings of which nobody has said what they mean."""
        return sum(spelling.meaning is None for spelling in self.spellings)

    def waits_like(self, other: LabelColumn) -> bool:
        """Tell whether nobody has said anything of this column, and another one is spelled the same."""
        is_open = self.n_undecided == len(self.spellings)
        return is_open and {s.spelling for s in self.spellings} == {s.spelling for s in other.spellings}


def label_columns(place: Place, dataset_id: str) -> tuple[LabelColumn, ...]:
    """Give the label columns of a dataset with every spelling, how often it is there, and what it means."""
    found = []
    for name, group in groupby(stored.spellings(place.store, dataset_id), lambda s: s.label_column):
        spellings = tuple(group)
        found.append(LabelColumn(name, spellings, suggestion(s.spelling for s in spellings)))
    return tuple(found)


def decide(
    place: Place, dataset_id: str, column: str, meanings: Mapping[str, str], decided_by: str
) -> LabelColumn:
    """Record what spellings of a column mean, as a person says; others stay as they are.

    Raises InvalidInputError for a column, spelling or meaning that there is not.
    """
    name = checked_annotator(decided_by)
    found = _column(place, dataset_id, column)
    held = {spelling.spelling for spelling in found.spellings}
    for spelling, meaning in meanings.items():
        if meaning not in MEANINGS:
            raise InvalidInputError(
                f"A spelling cannot mean {meaning!r}.", hint=f"It means one of: {', '.join(MEANINGS)}."
            )
        if spelling.strip() not in held:
            raise InvalidInputError(
                f"{spelling!r} is nowhere in the column {column!r}.", hint=f"It has: {_listed(held)}."
            )
    if meanings:
        trimmed = {spelling.strip(): meaning for spelling, meaning in meanings.items()}
        stored.write_spellings(place.store, dataset_id, column, trimmed, name)
    return _column(place, dataset_id, column)


def adopt_stated(place: Place, dataset_id: str, stated: Iterable[str]) -> tuple[str, ...]:
    """Read the columns that a person gave the role label, where there is nothing to mistake.

    Gives sentences that say what was read how, and which label columns wait for a person.
    """
    said, wanted = [], set(stated)
    for column in label_columns(place, dataset_id):
        meanings = unmistakable(s.spelling for s in column.spellings)
        if column.name not in wanted:
            if not column.n_undecided:
                continue
            said.append(
                f"{column.name!r} looks like labels, but nobody said so: its cells count when a person says "
                "what they mean (labels map, or Review, Labels)."
            )
        elif meanings:
            stored.write_spellings(place.store, dataset_id, column.name, meanings, None)
            (first, meaning), *rest = meanings.items()
            also = "".join(f", {spelling!r} as {told}" for spelling, told in rest)
            said.append(
                f"{first!r} was read as {meaning}{also}, because the column {column.name!r} was given the "
                "role label."
            )
        else:
            spelled = _listed(s.spelling for s in column.spellings)
            said.append(
                f"What the labels in {column.name!r} mean is for a person to say (labels map, or Review, "
                f"Labels); it has {spelled}."
            )
    return tuple(said)


def unmistakable(spellings: Iterable[str]) -> dict[str, str]:
    """Read spellings that are all of one pair among 1/0, true/false, yes/no, correct/incorrect; else none."""
    return _read(tuple(spellings), _UNMISTAKABLE)


def suggestion(spellings: Iterable[str]) -> dict[str, str]:
    """Suggest what spellings mean where they are one well-known pair; else nothing."""
    held = tuple(spellings)
    pairs = tuple(pair | _UNSURE for pair in (*_UNMISTAKABLE, *_WELL_KNOWN))
    return _read(held, pairs)


def _read(spellings: tuple[str, ...], pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    for pair in pairs:
        if spellings and all(spelling.lower() in pair for spelling in spellings):
            return {spelling: pair[spelling.lower()] for spelling in spellings}
    return {}


def _column(place: Place, dataset_id: str, name: str) -> LabelColumn:
    columns = label_columns(place, dataset_id)
    for column in columns:
        if column.name == name:
            return column
    hint = f"There are: {_listed(c.name for c in columns)}." if columns else "The dataset has none."
    raise InvalidInputError(f"There is no label column {name!r}.", hint=hint)


def _listed(texts: Iterable[str], most: int = 8) -> str:
    shown = [repr(text[:40]) for text in texts]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
