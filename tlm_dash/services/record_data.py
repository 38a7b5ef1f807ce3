"""What a decision stood on, as plain data: which file, which runs, which rows and labels, which versions.

No prompt, response or note is in it, only counts and hashes: a record may be sent to people who must not see
the texts.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from tlm_dash import __version__
from tlm_dash.errors import NotFoundError
from tlm_dash.services import datasets
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.place import Place
from tlm_dash.services.runs import show
from tlm_dash.words.label_origins import origin_words

PACKAGES = ("duckdb", "numpy", "scipy", "pyarrow")
"""Their versions can change a figure in its last digits."""


def run_facts(place: Place, labelled: LabelledRun) -> dict[str, Any]:
    """Give what is frozen of a run, how it ended, and the hash of what statistics saw of it."""
    record = labelled.record
    view = show(place, record.run_id)
    is_done = labelled.status == "done"
    return {
        "run_id": record.run_id, "name": record.name, "dataset_id": record.dataset_id, "mode": record.mode,
        "answered_by": record.answered_by, "endpoint": record.endpoint, "model": record.model,
        "resolved_model": view.counts.resolved_model, "quality_preset": record.quality_preset,
        "scorer_model": record.scorer_model, "settings": dict(record.settings),
        "created_at": record.created_at.isoformat(), "n_items": labelled.n_rows,
        "n_done": view.counts.n_done, "n_error": view.counts.n_error,
        "n_unscored": int((np.isnan(labelled.score) & is_done & ~labelled.is_marked).sum()),
        "n_not_accepted": labelled.not_accepted,
        "rows_hash": rows_hash(labelled),
    }  # fmt: skip


def data_facts(place: Place, dataset_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Give each dataset once: its file (if any), its hash, and how many rows were used and left out."""
    found: list[dict[str, Any]] = []
    for dataset_id in dict.fromkeys(dataset_ids):
        try:
            dataset = datasets.show(place, dataset_id)
        except NotFoundError:
            found.append({"dataset_id": dataset_id, "name": "not from a file"})
            continue
        if dataset.is_collected:
            told = {"dataset_id": dataset_id, "name": f"{dataset.name}, collected in the playground"}
            found.append(told | {"n_items": dataset.n_items})
            continue
        found.append({
            "dataset_id": dataset_id, "name": dataset.name, "file_name": dataset.file_name,
            "content_hash": dataset.content_hash, "n_rows_in": dataset.n_rows_in,
            "n_items": dataset.n_items, "n_rejected": dataset.n_rejected,
        })  # fmt: skip
    return found


def label_facts(labelled: LabelledRun) -> dict[str, Any]:
    """Give where the labels of a run come from, and which of them the figures stand on."""
    given = ~np.isnan(labelled.label)
    basis = labelled.basis
    return {
        "run": labelled.record.name,
        "basis": basis.kind,
        "plan_id": basis.plan_id,
        "sentence": basis.sentence,
        "counts": {
            "rows with a label": int(given.sum()),
            "of them in the sample": int((given & basis.in_sample).sum()),
            "left open in the sample": int(basis.is_open.sum()),
            **{f"from {origin_words(origin)}": n for origin, n in labelled.origins(given).counts.items()},
        },
    }


def versions() -> dict[str, str]:
    """Give the versions of what computed the figures."""
    packages = {name: version(name) for name in PACKAGES}
    return {"tlm_dash": __version__, "python": platform.python_version(), **packages}


def rows_hash(labelled: LabelledRun) -> str:
    """Identify rows by what statistics see: item, response, score, label, its source, weight in the sample.

    64 hexadecimal digits of SHA-256. Any score or label that changes, changes it.
    """
    digest = hashlib.sha256()
    basis = labelled.basis
    # The score that is stored, also of an answer that is never accepted: what was seen of it did not change.
    score = labelled.score if labelled.own_score is None else labelled.own_score
    for column in (labelled.item_no, score, labelled.label, basis.in_sample, basis.weight):
        # Every NaN alike: its bits may differ from one machine to the next.
        plain = np.where(np.isnan(column), -1.0, column) if column.dtype.kind == "f" else column
        digest.update(np.ascontiguousarray(plain).tobytes())
    for texts in (labelled.response_hash, labelled.source):
        digest.update("\n".join(str(text) for text in texts).encode())
    return digest.hexdigest()
