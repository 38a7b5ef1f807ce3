"""Where the labels of a run come from: counts by source, the order of sources, and who vouched for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.store import label_settings as stored
from tlm_dash.store.label_settings import Precedence
from tlm_dash.store.labelled import Statement, statements
from tlm_dash.store.labels import SOURCES, run_labels

__all__ = [
    "SOURCES",
    "STATED",
    "Precedence",
    "SourceCounts",
    "Statement",
    "order",
    "set_order",
    "source_counts",
    "state_uniform",
    "statements_of",
]

STATED = ("imported", "column", "matcher")
"""Sources of which a person can say that they are a uniform sample; plans say it of people's labels."""


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Labels of a run. `by_source` counts usable labels by the source that gives them, `speaks` the rows of
    which a source in use says anything. `n_answered` rows have a response."""

    n_rows: int
    n_answered: int
    n_labelled: int
    n_correct: int
    n_unsure: int
    n_skipped: int
    by_source: Mapping[str, int]
    speaks: Mapping[str, int]


def source_counts(place: Place, run_id: str) -> SourceCounts:
    """Count the labels of a run."""
    sql = (
        f"WITH {run_labels(place.store, [run_id])} SELECT count(*), count(response_hash), count(label), "  # noqa: S608 - our own text
        "coalesce(sum(label), 0), count(*) FILTER (WHERE label_state = 'unsure'), "
        "count(*) FILTER (WHERE label_state = 'skipped'), "
        + ", ".join(f"count(label) FILTER (WHERE label_source = '{source}')" for source in SOURCES)
        + ", "
        + ", ".join(f"count(*) FILTER (WHERE has_{source})" for source in SOURCES)
        + " FROM run_label"
    )
    ((n_rows, n_answered, n_labelled, n_correct, n_unsure, n_skipped, *counts),) = place.store.read(
        sql, {"run_ids": [run_id]}
    )
    half = len(SOURCES)
    return SourceCounts(
        n_rows, n_answered, n_labelled, int(n_correct), n_unsure, n_skipped,
        dict(zip(SOURCES, counts[:half], strict=True)), dict(zip(SOURCES, counts[half:], strict=True)),
    )  # fmt: skip


def set_aside(place: Place, dataset_id: str) -> int:
    """Count the labels of a dataset that count nowhere: nobody can tell which answer they were given to."""
    ((n,),) = place.store.read("SELECT count(*) FROM label_set_aside WHERE dataset_id = ?", [dataset_id])
    return int(n)


def order(place: Place, dataset_id: str) -> Precedence:
    """Give the order of sources that holds for a dataset."""
    return stored.precedence(place.store, dataset_id)


def set_order(place: Place, dataset_id: str, sources: Sequence[str], decided_by: str) -> None:
    """Say which sources a dataset uses, the first one wins. Raises InvalidInputError."""
    if not sources or len(set(sources)) != len(sources) or set(sources) - set(SOURCES):
        raise InvalidInputError(
            "The order of sources cannot be used.", hint=f"Name some of these once: {', '.join(SOURCES)}."
        )
    stored.write_precedence(place.store, dataset_id, sources, checked_annotator(decided_by))


def statements_of(place: Place, run_id: str) -> Mapping[str, Statement]:
    """Give by source what a person said of how its labels were chosen."""
    return statements(place.store, run_id)


def state_uniform(
    place: Place, run_id: str, source: str, *, is_uniform: bool, decided_by: str, note: str = ""
) -> None:
    """Say whether the labels of a source are a uniform sample of a run's rows. Raises InvalidInputError."""
    if source not in STATED:
        raise InvalidInputError(f"{source!r} is no source of labels.", hint=f"One of: {', '.join(STATED)}.")
    stored.write_statement(
        place.store, run_id, source, is_uniform=is_uniform, decided_by=checked_annotator(decided_by),
        note=note.strip() or None,
    )  # fmt: skip
