"""Labelled and scored runs to decide about, shared by the tests of deciding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.services.stored import make_dataset, make_run
from tlm_dash.models import utc_now
from tlm_dash.services.place import Place


def make_decidable_run(
    place: Place,
    scores: Sequence[float | None],
    labels: Sequence[str | None],
    *,
    prompts: Sequence[str] | None = None,
    responses: Sequence[str | None] | None = None,
    name: str = "Questions · answer",
) -> str:
    """Store a run with scores and a label column whose 1, 0 and ? are understood; gives its id."""
    dataset_id = make_dataset(place.store, len(scores) if prompts is None else prompts, name=name)
    given = [f"answer {n}" for n in range(len(scores))] if responses is None else responses
    run_id = make_run(
        place.store, dataset_id, given, scores=scores, labels=labels, name=name, label_column="label"
    )
    spellings = [
        {"dataset_id": dataset_id, "label_column": "label", "spelling": spelling, "meaning": meaning,
         "created_at": utc_now()}
        for spelling, meaning in (("1", "correct"), ("0", "incorrect"), ("?", "unsure"))
    ]  # fmt: skip
    place.store.append({"label_spelling": spellings}).result(30)
    return run_id


def ranked_rows(n: int, seed: int = 0, wrong: float = 0.1) -> tuple[list[float], list[str]]:
    """Scores and cells of a label column; wrong rows have lower scores, by and large."""
    draw = np.random.default_rng(seed)
    is_wrong = draw.random(n) < wrong
    scores = 1 / (1 + np.exp(-draw.normal(np.where(is_wrong, 0.0, 2.2))))
    return np.round(scores, 4).tolist(), ["0" if one else "1" for one in is_wrong]
