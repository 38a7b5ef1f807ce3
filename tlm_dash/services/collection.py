"""Keeping answers of the playground: each is added to a dataset that grows, where Review and runs find it.

Adding appends, and only to datasets that were made in this way. Items are added behind all others, and a run
over the dataset has written down how far it goes, so that no run, sample or plan changes under anybody: a
plan of labels says of itself how many rows came too late for it. A dataset of a file would have to be copied
for every answer to stay what its file was.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tlm_dash.errors import InvalidInputError, NotFoundError, StoreError
from tlm_dash.models import new_id, utc_now
from tlm_dash.services import datasets
from tlm_dash.services.free_names import free_name
from tlm_dash.services.place import Place
from tlm_dash.store import collected as stored
from tlm_dash.store.collected import AnswerPlace, CollectedDataset, PlaygroundAnswer
from tlm_dash.store.run_models import COLLECTED, RunCounts, RunEvent
from tlm_dash.store.runs import append_events

__all__ = ["LONGEST_NAME", "Added", "CollectedDataset", "Kept", "add", "kept", "listed"]

LONGEST_NAME = 120

Row = dict[str, Any]

_adding = threading.Lock()
"""Two presses must not make one dataset twice, or add one answer twice."""


@dataclass(frozen=True, slots=True)
class Added:
    """Where an answer stands now. `is_new` is False where it stood there before, and nothing was written."""

    dataset_id: str
    name: str
    item_no: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Datasets that answers can be added to, and for each card, by its run, those that hold its answer."""

    datasets: tuple[CollectedDataset, ...]
    holders: Mapping[str, tuple[CollectedDataset, ...]]


def listed(place: Place) -> tuple[CollectedDataset, ...]:
    """Give the datasets that answers can be added to, newest first."""
    return stored.collected_datasets(place.store)


def kept(place: Place, entry_id: str) -> Kept:
    """Tell where the answers of an entry can be added, and where they are already."""
    known = listed(place)
    return Kept(known, stored.holders(place.store, entry_id) if known else {})


def add(place: Place, entry_id: str, run_id: str, name: str) -> Added:
    """Add the answer of a card, with its score as it is now, to the dataset of this name, made where new.

    An answer that is there already stays as it is, also where it was scored again since: figures must not
    change by asking until they please. Raises InvalidInputError, NotFoundError, StoreError.
    """
    called = " ".join(name.split())
    with _adding:
        answer = _answer(place, entry_id, run_id)
        dataset_id, is_new = _dataset(place, called)
        where = stored.place_of(place.store, dataset_id, answer)
        if where.held_at is not None:
            return Added(dataset_id, called, where.held_at, is_new=False)
        item_no = where.free_at or place.store.reserve_item_no(dataset_id)
        to_run = where.run_id or new_id()
        rows = _rows(answer, where, to_run, dataset_id, item_no, called)
        if is_new:
            rows["dataset"] = [
                {"dataset_id": dataset_id, "name": called, "kind": COLLECTED, "created_at": utc_now()}
            ]
        assert answer.completion is not None, "it was checked"
        counts = RunCounts(
            n_done=where.n_rows + 1, resolved_model=answer.completion["resolved_model"]
        ).as_mapping()
        try:
            append_events(place.store, [RunEvent(to_run, "done", {}, counts=counts)], along=rows)
        except TimeoutError:
            raise StoreError(
                "The database is too busy to take the answer.", hint="Wait a moment, then add it again."
            ) from None
    return Added(dataset_id, called, item_no, is_new=True)


def _answer(place: Place, entry_id: str, run_id: str) -> PlaygroundAnswer:
    answer = stored.answer_of(place.store, entry_id, run_id)
    if answer is None:
        raise NotFoundError("This card is not part of the result.", hint="Reload the page.")
    result, completion = answer.run_item, answer.completion
    is_there = result is not None and completion is not None and result["status"] == "done"
    if not is_there or not (completion["is_complete"] or completion["finish_reason"]):  # type: ignore[index]
        raise InvalidInputError(
            "There is no complete answer with its score to add.", hint="Wait for it, or score it again."
        )
    return answer


def _dataset(place: Place, called: str) -> tuple[str, bool]:
    """Give the id of the dataset of this name, and whether it is new. Raises InvalidInputError."""
    if not called:
        raise InvalidInputError("The dataset has no name yet.", hint="Choose one, or type a new name.")
    if len(called) > LONGEST_NAME:
        raise InvalidInputError(
            f"The name has {len(called):,} characters; the most is {LONGEST_NAME}.", hint="Shorten it."
        )
    for known in listed(place):
        if known.name == called:
            return known.dataset_id, False
    if any(other.name == called for other in datasets.listed(place)):
        raise InvalidInputError(
            f"“{called}” was made from a file, and stays as that was.", hint="Choose another name."
        )
    return new_id(), True


def _rows(
    answer: PlaygroundAnswer, where: AnswerPlace, run_id: str, dataset_id: str, item_no: int, called: str
) -> dict[str, list[Row]]:
    """Write an answer as rows of the dataset: its item, its response and its score are those of the card."""
    assert answer.run_item is not None and answer.completion is not None, "it was checked"
    now, completion_id = utc_now(), new_id()
    there = {"dataset_id": dataset_id, "item_no": item_no}
    rows: dict[str, list[Row]] = {
        "completion": [{**answer.completion, **there, "completion_id": completion_id}],
        # When it was added, not when it was scored: by this a plan of labels tells what came after it.
        "run_item": [{
            **answer.run_item, "run_id": run_id, "item_no": item_no, "attempt_no": 1,
            "completion_id": completion_id, "written_at": now,
        }],
    }  # fmt: skip
    if answer.run_item_text is not None:
        text = {**answer.run_item_text, "run_id": run_id, "item_no": item_no, "attempt_no": 1}
        rows["run_item_text"] = [text]
    if where.free_at is None:
        asked = {"Added from": "the playground", "Asked": f"{answer.asked_at:%Y-%m-%d at %H:%M:%S} UTC"}
        rows["item"] = [{**answer.item, **there, "created_at": now}]
        rows["item_extra"] = [{**there, "source_id": None, "tags": {}, "extra": asked}]
    if where.run_id is None:
        run = answer.run
        told = f"{run['model'] or 'given responses'} · {run['quality_preset']}"
        # Runs may differ in what their names do not tell: the scorer, or how they were asked.
        named = free_name(f"{called} · {told}", where.names)
        rows["run"] = [{**run, "run_id": run_id, "dataset_id": dataset_id, "name": named, "created_at": now}]
        # It grows: its rows are counted with each one, so that no number stands here.
        rows["imported_run"] = [{
            "run_id": run_id, "dataset_id": dataset_id,
            "response_column": named.removeprefix(f"{called} · "), "score_column": "trustworthiness_score",
            "label_column": None, "n_items": 0,
        }]  # fmt: skip
    return rows
