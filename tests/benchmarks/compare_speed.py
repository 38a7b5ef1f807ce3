"""How long a comparison takes: `python -m tests.benchmarks.compare_speed`.

Stores runs with labels in a real database and compares them, all intervals included, from reading the rows
to the last figure. Goals: 2 runs of 100,000 labelled rows in 2 s, 10 runs of 10,000 in 3 s, and a cost that
grows no faster than n log n.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

import numpy as np

from tlm_dash.models import new_id, utc_now
from tlm_dash.services.compare import CompareRequest, compare_loaded
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings
from tlm_dash.store.database import Store

SIZES = (12_500, 25_000, 50_000, 100_000)
TRIES = 3


def store_runs(store: Store, n_runs: int, n_rows: int, seed: int = 0) -> list[str]:
    """Store a dataset with runs that score the same responses, all labelled in a column; gives run ids."""
    dataset_id, draw, now = new_id(), np.random.default_rng(seed), utc_now()
    right = draw.random(n_rows) < 0.85
    hidden = draw.normal(right * 1.4, 1.0)
    items = [
        {
            "dataset_id": dataset_id, "item_no": no, "prompt": f"Question {no}",
            "messages": f'[{{"content":"Question {no}","role":"user"}}]', "prompt_hash": f"{dataset_id}{no}",
            "created_at": now,
        }
        for no in range(1, n_rows + 1)
    ]  # fmt: skip
    completions = [
        {
            "completion_id": f"{dataset_id}{no}", "dataset_id": dataset_id, "item_no": no,
            "response_hash": f"{dataset_id}r{no}", "response": "Yes.", "answered_by": "given",
            "is_complete": True, "extra": {}, "created_at": now,
        }
        for no in range(1, n_rows + 1)
    ]  # fmt: skip
    dataset = {"dataset_id": dataset_id, "name": new_id(), "kind": "uploaded", "created_at": now}
    tables = {"dataset": [dataset], "item": items, "completion": completions}
    spelling = {"dataset_id": dataset_id, "label_column": "right", "created_at": now}
    tables["label_spelling"] = [
        spelling | {"spelling": "1", "meaning": "correct"},
        spelling | {"spelling": "0", "meaning": "incorrect"},
    ]
    store.append(tables).result(600)
    return [_store_run(store, dataset_id, number, right, hidden, draw) for number in range(n_runs)]


def _store_run(
    store: Store, dataset_id: str, number: int, right: np.ndarray, hidden: np.ndarray,
    draw: np.random.Generator,
) -> str:  # fmt: skip
    run_id, now, n_rows = new_id(), utc_now(), len(right)
    scores = 1 / (1 + np.exp(-(hidden + draw.normal(0, 0.5, n_rows))))
    run = {
        "run_id": run_id, "dataset_id": dataset_id, "name": f"run {number}", "mode": "score",
        "answered_by": "given", "endpoint": "imported", "model": "m", "quality_preset": f"preset {number}",
        "scorer_model": "m", "settings": {}, "settings_hash": run_id, "created_at": now,
    }  # fmt: skip
    imported = {
        "run_id": run_id, "dataset_id": dataset_id, "response_column": "answer", "label_column": "right",
        "n_items": n_rows,
    }  # fmt: skip
    items = [
        {
            "run_id": run_id, "item_no": no, "attempt_no": 1, "status": "done",
            "completion_id": f"{dataset_id}{no}", "response_hash": f"{dataset_id}r{no}",
            "trustworthiness_score": float(score), "written_at": now,
        }
        for no, score in enumerate(scores, 1)
    ]  # fmt: skip
    labels = [
        {"run_id": run_id, "item_no": no, "response_hash": f"{dataset_id}r{no}", "label": str(int(is_right))}
        for no, is_right in enumerate(right, 1)
    ]
    tables = {"run": [run], "imported_run": [imported], "run_item": items, "imported_label": labels}
    store.append(tables).result(600)
    return run_id


def seconds(place: OpenStore, run_ids: list[str], tries: int = TRIES) -> float:
    """Give the best of some tries: another process must not count."""
    found = []
    for _ in range(tries):
        started = time.perf_counter()
        loaded = [labelled_run(place, run_id) for run_id in run_ids]
        comparison = compare_loaded(place, loaded, CompareRequest(tuple(run_ids)))
        comparison.facts()
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    """Print the times beside their goals."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"TLM_DASH_DATA_DIR": folder}, env_file=Path(folder) / "none")
        with OpenStore(settings) as place:
            pairs = {n: seconds(place, store_runs(place.store, 2, n)) for n in SIZES}
            for n, taken in pairs.items():
                print(f"2 runs x {n:>7,} labelled rows: {taken:.2f} s")
            ten = seconds(place, store_runs(place.store, 10, 10_000))
    biggest, half = pairs[SIZES[-1]], pairs[SIZES[-2]]
    bound = 2 * math.log(SIZES[-1]) / math.log(SIZES[-2])
    print(f"10 runs x 10,000 labelled rows: {ten:.2f} s (goal 3)")
    print(f"2 runs x {SIZES[-1]:,}: {biggest:.2f} s (goal 2)")
    print(f"twice the rows take {biggest / half:.2f} times as long (n log n: {bound:.2f})")


if __name__ == "__main__":
    main()
