"""Settings over one dataset with labels, shared by the tests of choosing among them."""

from __future__ import annotations

import numpy as np

from tests.services.compared import make_labelled_run
from tests.services.stored import make_dataset
from tlm_dash.services.place import Place


def make_settings(
    place: Place, n: int = 600, *, k: int = 3, wrong: float = 0.1, apart: float = 2.4, seed: int = 0,
    labelled: bool = True,
) -> list[str]:  # fmt: skip
    """Store k runs that score the same responses, right ones higher; the last one ranks best."""
    draw = np.random.default_rng(seed)
    labels = (draw.random(n) >= wrong).astype(int)
    shared = draw.normal(0, 0.9, n)
    dataset_id = make_dataset(place.store, n, name=f"Settings {seed}")
    responses = [f"answer {number}" for number in range(n)]
    run_ids = []
    for number in range(k):
        noise = shared + draw.normal(0, 0.4, n)
        scores = 1 / (1 + np.exp(-(labels * apart * (1 + number / 4) + noise)))
        run_ids.append(
            make_labelled_run(
                place, dataset_id, labels.tolist() if labelled else [None] * n, name=f"setting {number}",
                scores=np.round(scores, 5).tolist(), responses=responses,
            )
        )  # fmt: skip
    return run_ids
