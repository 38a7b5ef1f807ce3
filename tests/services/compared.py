"""Runs with known right and wrong answers, shared by the tests of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.services.stored import make_dataset, make_run
from tlm_dash.services import label_spellings
from tlm_dash.services.place import Place

MEANINGS = {"1": "correct", "0": "incorrect"}


def cells(labels: Sequence[int | None]) -> list[str | None]:
    """Write labels as a file has them."""
    return [None if label is None else str(label) for label in labels]


def make_labelled_run(
    place: Place, dataset_id: str, labels: Sequence[int | None], *, name: str,
    scores: Sequence[float | None] = (), responses: Sequence[str | None] = (),
) -> str:  # fmt: skip
    """Store a run whose label column is understood; without `responses` each run says its own."""
    told = responses or [f"{name} says {number}" for number in range(len(labels))]
    column = f"{name} label"
    run_id = make_run(
        place.store, dataset_id, told, scores=scores, labels=cells(labels), name=name, label_column=column
    )
    said = {str(label) for label in labels if label is not None}
    understand(place, dataset_id, column, {spelling: MEANINGS[spelling] for spelling in said})
    return run_id


def understand(place: Place, dataset_id: str, column: str, meanings: Mapping[str, str]) -> None:
    """Say what the spellings of a label column mean."""
    if meanings:
        label_spellings.decide(place, dataset_id, column, meanings, decided_by="Ada")


def two_models(place: Place, table: tuple[int, int, int, int]) -> tuple[str, str]:
    """Store two runs over one dataset with a given 2×2 table: both, only a, only b, neither right."""
    n = sum(table)
    dataset_id = make_dataset(place.store, n)
    first = np.repeat([1, 1, 0, 0], table).tolist()
    second = np.repeat([1, 0, 1, 0], table).tolist()
    return (
        make_labelled_run(place, dataset_id, first, name="first"),
        make_labelled_run(place, dataset_id, second, name="second"),
    )


def two_presets(place: Place, n: int, *, seed: int = 0, n_wrong: int | None = None) -> tuple[str, str]:
    """Store two runs that score the same responses, right ones higher on the whole."""
    draw = np.random.default_rng(seed)
    wrong = n // 4 if n_wrong is None else n_wrong
    labels = np.r_[np.zeros(wrong, dtype=int), np.ones(n - wrong, dtype=int)]
    draw.shuffle(labels)
    base = draw.normal(labels * 1.5)
    dataset_id = make_dataset(place.store, n)
    responses = [f"Answer {number}" for number in range(n)]
    run_ids = []
    for name in ("low", "high"):
        scores = 1 / (1 + np.exp(-(base + draw.normal(0, 0.5, n))))
        run_ids.append(
            make_labelled_run(
                place, dataset_id, labels.tolist(), name=name, scores=scores.tolist(), responses=responses
            )
        )
    return run_ids[0], run_ids[1]
