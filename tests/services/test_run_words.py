"""What runs are called beside each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tlm_dash.services import runs
from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import save
from tlm_dash.services.place import OpenStore
from tlm_dash.services.run_words import instead_of, what_differs
from tlm_dash.settings import load_settings


def test_runs_are_told_apart_by_the_one_thing_that_differs(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {n} + {n}?", **{m: {"solution": f"{m}: {2 * n}"} for m in ("alpha", "beta")}}
        for n in range(5)
    ]
    path = tmp_path / "a_name_that_a_chart_would_cut_off.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(tmp_path)}, env_file=tmp_path / "no")) as place:
        saved = save(place, inspect(place, [path]), name=path.stem)
        a, b = (runs.show(place, run.run_id).record for run in saved.runs)
    # Runs of one file are told apart by their model, though nothing was sent for them.
    assert what_differs([a, b]) == ["alpha", "beta"] and instead_of(b, a) == "beta instead of alpha"
    low, medium = (replace(a, grid_id="g", quality_preset=preset) for preset in ("low", "medium"))
    assert what_differs([low, medium]) == ["low", "medium"]
    # Two things differ, or one is not known: there is no one word.
    assert what_differs([low, replace(medium, model="beta")]) is None
    assert what_differs([a, replace(b, model=None)]) is None
    assert what_differs([a, replace(a, quality_preset="low")]) is None
