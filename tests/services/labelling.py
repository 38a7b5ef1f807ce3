"""A run with scored responses to label, shared by the tests of plans, the queue and its benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.models import canonical_json, messages_identity, new_id, response_hash, text_hash, utc_now
from tlm_dash.store.database import Store


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

    Without `dataset_id` its dataset is made too. Items count from 1.
    """
    now, run_id = utc_now(), new_id()
    tables: dict[str, list[dict[str, object]]] = {"item": [], "completion": [], "run_item": []}
    if dataset_id is None:
        dataset_id = new_id()
        tables["dataset"] = [
            {"dataset_id": dataset_id, "name": "Sums", "kind": "uploaded", "created_at": now}
        ]
    made_here = "dataset" in tables
    for item_no, score in enumerate(scores, 1):
        prompt = f"What is {item_no} + {item_no}?"
        # Labels belong to texts: runs of different tests hold different ones.
        given = f"It is {2 * item_no}, says run {run_id[:6]}."
        response = responses[item_no - 1] if responses is not None else given
        messages = [{"role": "user", "content": prompt}]
        hashed, completion_id = response_hash(messages, response), new_id()
        if made_here:
            tables["item"].append({
                "dataset_id": dataset_id, "item_no": item_no, "prompt": prompt,
                "messages": canonical_json(messages), "prompt_hash": text_hash(messages_identity(messages)),
                "reference": str(2 * item_no) if references else None, "created_at": now,
            })  # fmt: skip
        tables["completion"].append({
            "completion_id": completion_id, "dataset_id": dataset_id, "item_no": item_no,
            "response_hash": hashed, "response": response, "answered_by": "given", "is_complete": True,
            "extra": {}, "created_at": now,
        })  # fmt: skip
        tables["run_item"].append({
            "run_id": run_id, "item_no": item_no, "attempt_no": 1, "status": "done",
            "completion_id": completion_id, "response_hash": hashed, "trustworthiness_score": score,
            "unscored_reason": None if score is not None else "The file has no score.", "written_at": now,
        })  # fmt: skip
    tables["run"] = [{
        "run_id": run_id, "dataset_id": dataset_id, "name": name, "mode": "score", "answered_by": "given",
        "endpoint": "imported", "quality_preset": "imported", "settings": {}, "settings_hash": run_id,
        "created_at": now,
    }]  # fmt: skip
    tables["imported_run"] = [{
        "run_id": run_id, "dataset_id": dataset_id, "response_column": "answer", "n_items": len(scores)
    }]  # fmt: skip
    store.append(tables).result(60)
    return run_id
