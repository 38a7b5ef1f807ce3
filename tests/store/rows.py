"""Rows as the layers above write them, with only what a test cares about to be said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.models import new_id, utc_now
from tlm_dash.store import Store
from tlm_dash.store.playground import ensure_playground_dataset, next_item_no

Row = dict[str, Any]


def dataset_row(**said: object) -> Row:
    return {"dataset_id": new_id(), "name": "Questions", "kind": "uploaded", "created_at": utc_now()} | said


def run_row(dataset_id: str = "playground", **said: object) -> Row:
    return {
        "run_id": new_id(),
        "dataset_id": dataset_id,
        "name": "a run",
        "mode": "generate",
        "answered_by": "endpoint",
        "endpoint": "http://127.0.0.1:8080/api",
        "model": "small",
        "quality_preset": "low",
        "settings": {},
        "settings_hash": new_id(),
        "created_at": utc_now(),
    } | said


def item_row(item_no: int, prompt: str = "Why?", dataset_id: str = "playground", **said: object) -> Row:
    return {
        "dataset_id": dataset_id,
        "item_no": item_no,
        "prompt": prompt,
        "messages": [{"role": "user", "content": prompt}],
        "prompt_hash": "0" * 64,
        "created_at": utc_now(),
    } | said


def completion_row(
    item_no: int, response: str = "Because.", dataset_id: str = "playground", **said: object
) -> Row:
    return {
        "completion_id": new_id(),
        "dataset_id": dataset_id,
        "item_no": item_no,
        "response_hash": "1" * 64,
        "response": response,
        "answered_by": "endpoint",
        "model": "small",
        "is_complete": True,
        "extra": {},
        "created_at": utc_now(),
    } | said


def run_item_row(run_id: str, item_no: int, **said: object) -> Row:
    return {
        "run_id": run_id,
        "item_no": item_no,
        "attempt_no": 1,
        "status": "done",
        "written_at": utc_now(),
    } | said


def attempt_row(run_id: str, item_no: int, **said: object) -> Row:
    return {
        "attempt_id": new_id(),
        "run_id": run_id,
        "item_no": item_no,
        "attempt_no": 1,
        "call": "generate",
        "content_hash": "2" * 64,
        "sent_at": utc_now(),
    } | said


def write(store: Store, **tables: Row | list[Row]) -> None:
    """Append rows and wait until they are on disk."""
    store.append({name: rows if isinstance(rows, list) else [rows] for name, rows in tables.items()}).result(
        30
    )


def make_entry(store: Store, *run_ids: str, prompt: str = "Why?", **said: object) -> tuple[str, int]:
    """Write a submission with one card per run; gives its entry_id and item_no."""
    dataset_id = ensure_playground_dataset(store)
    item_no = next_item_no(store, dataset_id)
    entry: Row = {
        "entry_id": new_id(),
        "dataset_id": dataset_id,
        "item_no": item_no,
        "request": {},
        "created_at": utc_now(),
    } | said
    cells: list[Row] = [
        {"entry_id": entry["entry_id"], "position": position, "run_id": run_id}
        for position, run_id in enumerate(run_ids)
    ]
    write(store, item=item_row(item_no, prompt), playground_entry=entry, playground_cell=cells)
    return entry["entry_id"], item_no


def make_runs(store: Store, *said: Mapping[str, object]) -> list[str]:
    """Write one playground run for each mapping of what it is to differ in; gives their run_ids."""
    ensure_playground_dataset(store)
    rows = [run_row(**what) for what in said]
    write(store, run=rows)
    return [row["run_id"] for row in rows]


def answer(store: Store, run_id: str, item_no: int, response: str = "Because.", **said: object) -> str:
    """Write a response and its score; gives the completion_id."""
    of_completion = {
        name: said.pop(name) for name in ("latency_ms", "is_complete", "answered_by") if name in said
    }
    completion = completion_row(item_no, response, **of_completion)
    result = run_item_row(run_id, item_no, completion_id=completion["completion_id"], **said)
    write(store, completion=completion, run_item=result)
    return str(completion["completion_id"])
