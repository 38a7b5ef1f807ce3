"""Datasets to run and waiting for runs, shared by the tests of runs."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conftest import wait_until
from tlm_dash.models import canonical_json, messages_identity, new_id, response_hash, text_hash, utc_now
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView
from tlm_dash.store.database import Store

MODEL = "gpt-4.1-mini"
SETTLED = ("done", "failed", "cancelled", "paused")


def make_dataset(store: Store, prompts: Sequence[str] | int, name: str = "Questions") -> str:
    """Store a dataset with an item per prompt; gives its id."""
    texts = [f"What is {n} + {n}?" for n in range(prompts)] if isinstance(prompts, int) else prompts
    dataset_id, now = new_id(), utc_now()
    items = []
    for item_no, prompt in enumerate(texts, 1):
        messages = [{"role": "user", "content": prompt}]
        items.append({
            "dataset_id": dataset_id, "item_no": item_no, "prompt": prompt,
            "messages": canonical_json(messages), "prompt_hash": text_hash(messages_identity(messages)),
            "created_at": now,
        })  # fmt: skip
    dataset = {"dataset_id": dataset_id, "name": name, "kind": "uploaded", "created_at": now}
    store.append({"dataset": [dataset], "item": items}).result(60)
    return dataset_id


def make_imported_run(
    store: Store, dataset_id: str, responses: Sequence[str | None], name: str = "Questions · answer"
) -> str:
    """Store a run that came with the dataset's file, with a response per item (None: it has none)."""
    run_id, now = new_id(), utc_now()
    prompts = dict(store.read("SELECT item_no, prompt FROM item WHERE dataset_id = ?", [dataset_id]))
    completions, items = [], []
    for item_no, response in enumerate(responses, 1):
        if response is None:
            continue
        hashed = response_hash([{"role": "user", "content": prompts[item_no]}], response)
        completions.append({
            "completion_id": new_id(), "dataset_id": dataset_id, "item_no": item_no, "response_hash": hashed,
            "response": response, "answered_by": "given", "is_complete": True, "extra": {}, "created_at": now,
        })  # fmt: skip
        items.append({
            "run_id": run_id, "item_no": item_no, "attempt_no": 1, "status": "done",
            "completion_id": completions[-1]["completion_id"], "response_hash": hashed,
            "unscored_reason": "The file has no score.", "written_at": now,
        })  # fmt: skip
    run = {
        "run_id": run_id, "dataset_id": dataset_id, "name": name, "mode": "score", "answered_by": "given",
        "endpoint": "imported", "quality_preset": "imported", "settings": {}, "settings_hash": run_id,
        "created_at": now,
    }  # fmt: skip
    imported = {
        "run_id": run_id, "dataset_id": dataset_id, "response_column": "answer", "n_items": len(items)
    }  # fmt: skip
    tables = {"run": [run], "imported_run": [imported], "completion": completions, "run_item": items}
    store.append(tables).result(60)
    return run_id


def wait_for(dashboard: Dashboard, run_ids: Sequence[str], within_s: float = 30.0) -> list[RunView]:
    """Wait until runs have ended in whichever way, and nothing is under way for them."""

    def settled() -> bool:
        views = [runs.show(dashboard, run_id) for run_id in run_ids]
        return all(view.status in SETTLED and view.live is None for view in views)

    wait_until(settled, within_s=within_s, what="the end of the runs")
    return [runs.show(dashboard, run_id) for run_id in run_ids]
