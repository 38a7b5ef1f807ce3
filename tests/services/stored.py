"""Datasets and runs as a file brings them, shared by the tests of services and pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tlm_dash.models import canonical_json, messages_identity, new_id, response_hash, text_hash, utc_now
from tlm_dash.store.database import Store

Row = dict[str, Any]


def make_dataset(
    store: Store,
    prompts: Sequence[str] | int,
    references: Sequence[str | None] = (),
    *,
    name: str = "Questions",
) -> str:
    """Store a dataset with an item per prompt; gives its id."""
    texts = [f"What is {n} + {n}?" for n in range(prompts)] if isinstance(prompts, int) else prompts
    dataset_id, now = new_id(), utc_now()
    items = []
    for item_no, prompt in enumerate(texts, 1):
        messages = [{"role": "user", "content": prompt}]
        items.append({
            "dataset_id": dataset_id, "item_no": item_no, "prompt": prompt,
            "messages": canonical_json(messages), "prompt_hash": text_hash(messages_identity(messages)),
            "reference": references[item_no - 1] if references else None, "created_at": now,
        })  # fmt: skip
    dataset = {"dataset_id": dataset_id, "name": name, "kind": "uploaded", "created_at": now}
    store.append({"dataset": [dataset], "item": items}).result(60)
    return dataset_id


def make_run(
    store: Store,
    dataset_id: str,
    responses: Sequence[str | None],
    *,
    scores: Sequence[float | None] = (),
    labels: Sequence[str | None] = (),
    name: str = "Questions · answer",
    label_column: str | None = None,
) -> str:
    """Store an imported run; a response of None: the file had none. `labels` are cells of its column."""
    run_id, now = new_id(), utc_now()
    prompts = dict(store.read("SELECT item_no, prompt FROM item WHERE dataset_id = ?", [dataset_id]))
    tables: dict[str, list[Row]] = {"completion": [], "run_item": [], "imported_label": []}
    for item_no, response in enumerate(responses, 1):
        score = scores[item_no - 1] if scores else None
        row: Row = {"run_id": run_id, "item_no": item_no, "attempt_no": 1, "written_at": now}
        if response is None:
            row |= {"status": "error", "error_kind": "no_response", "error_message": "None here."}
        else:
            hashed = response_hash([{"role": "user", "content": prompts[item_no]}], response)
            row |= {
                "status": "done", "completion_id": f"{run_id}-{item_no}", "response_hash": hashed,
                "trustworthiness_score": score,
                "unscored_reason": "The file has no score." if score is None else None,
            }  # fmt: skip
            tables["completion"].append({
                "completion_id": f"{run_id}-{item_no}", "dataset_id": dataset_id, "item_no": item_no,
                "response_hash": hashed, "response": response, "answered_by": "given",
                "is_complete": bool(response.strip()), "extra": {}, "created_at": now,
            })  # fmt: skip
        tables["run_item"].append(row)
        if labels and labels[item_no - 1] is not None:
            tables["imported_label"].append({
                "run_id": run_id, "item_no": item_no, "response_hash": row.get("response_hash"),
                "label": labels[item_no - 1],
            })  # fmt: skip
    tables["run"] = [{
        "run_id": run_id, "dataset_id": dataset_id, "name": name, "mode": "score", "answered_by": "given",
        "endpoint": "imported", "quality_preset": "imported", "settings": {}, "settings_hash": run_id,
        "created_at": now,
    }]  # fmt: skip
    tables["imported_run"] = [{
        "run_id": run_id, "dataset_id": dataset_id, "response_column": "answer", "n_items": len(responses),
        "label_column": label_column or ("label" if labels else None),
    }]  # fmt: skip
    store.append(tables).result(60)
    return run_id


def make_scored_run(
    store: Store,
    scores: Sequence[float | None],
    *,
    dataset_id: str | None = None,
    name: str = "Sums · answer",
    responses: Sequence[str] | None = None,
    references: bool = False,
) -> str:
    """Store a run with a response to "What is <n> + <n>?" per score (None: unscored); gives its id.

    Without `dataset_id` its dataset is made too. Items count from 1. Labels belong to texts, so without
    `responses` every run says its own.
    """
    numbers = range(1, len(scores) + 1)
    right = [str(2 * number) for number in numbers] if references else []
    dataset_id = dataset_id or make_dataset(
        store, [f"What is {number} + {number}?" for number in numbers], right, name="Sums"
    )
    speaker = new_id()[:6]
    told = responses or [f"It is {2 * number}, says run {speaker}." for number in numbers]
    return make_run(store, dataset_id, told, scores=scores, name=name)
