"""Verdicts on rows, shared by the tests of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.services import labels
from tlm_dash.services.place import Place

Row = dict[str, Any]


def hash_of(place: Place, run_id: str, item_no: int) -> str:
    """Give the response_hash of a row."""
    ((found,),) = place.store.read(
        "SELECT DISTINCT response_hash FROM run_item WHERE run_id = ? AND item_no = ?", [run_id, item_no]
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
