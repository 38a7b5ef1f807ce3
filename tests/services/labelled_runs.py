"""Runs with responses, scores, references and labels, shared by the tests of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.models import canonical_json, messages_identity, new_id, response_hash, text_hash, utc_now
from tlm_dash.services import labels
from tlm_dash.services.place import Place

Row = dict[str, Any]


def make_dataset(
    place: Place, prompts: Sequence[str] | int, references: Sequence[str | None] = (), name: str = "Questions"
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
    place.store.append({"dataset": [dataset], "item": items}).result(60)
    return dataset_id


def make_run(
    place: Place,
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
    prompts = dict(place.store.read("SELECT item_no, prompt FROM item WHERE dataset_id = ?", [dataset_id]))
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
                "trustworthiness_score": score, "unscored_reason": "No score." if score is None else None,
            }  # fmt: skip
            tables["completion"].append({
                "completion_id": f"{run_id}-{item_no}", "dataset_id": dataset_id, "item_no": item_no,
                "response_hash": hashed, "response": response, "answered_by": "given", "is_complete": True,
                "extra": {}, "created_at": now,
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
    place.store.append(tables).result(60)
    return run_id


def hash_of(place: Place, run_id: str, item_no: int) -> str:
    """Give the response_hash of a row."""
    ((found,),) = place.store.read(
        "SELECT response_hash FROM run_item WHERE run_id = ? AND item_no = ?", [run_id, item_no]
    )
    assert isinstance(found, str)
    return found


def target(place: Place, run_id: str, item_no: int) -> Row:
    """Give what `annotate` and `retract` need to know of a row."""
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [run_id])
    return {
        "dataset_id": dataset_id, "item_no": item_no, "response_hash": hash_of(place, run_id, item_no),
        "run_id": run_id,
    }  # fmt: skip


def say(
    place: Place, run_id: str, verdicts: Mapping[int, str], annotator: str = "Ada", **said: object
) -> None:
    """Give verdicts on rows; "skip" is one too."""
    for item_no, verdict in verdicts.items():
        skipped = {"kind": "skip", "verdict": None} if verdict == "skip" else {"verdict": verdict}
        arguments: Row = {"score_visible": False, **target(place, run_id, item_no), **skipped, **said}
        labels.annotate(place, annotator=annotator, **arguments)
