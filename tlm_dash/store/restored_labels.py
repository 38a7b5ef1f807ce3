"""What an export says of responses: annotations with who gave them and when, and labels of other sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import new_id
from tlm_dash.store.labels import SOURCES
from tlm_dash.store.person_rule import person_of
from tlm_dash.store.restored_items import RowHashes
from tlm_dash.store.restored_runs import RestoredRun
from tlm_dash.store.restored_values import json_value
from tlm_dash.store.staging import Staged
from tlm_dash.store.text import original_text, stored_text, stored_time

_KINDS = ("verdict", "resolution", "skip", "note", "retraction")
_VERDICTS = ("correct", "incorrect", "unsure")
_WORDS = {0: "incorrect", 1: "correct"}
_TYPES = {
    "item_no": pa.int64(), "inclusion_probability": pa.float64(), "score_visible": pa.bool_(),
    "created_at": pa.timestamp("us"),
}  # fmt: skip
LABEL_COLUMN = "label"
"""Stands for the column of labels where an export holds labels without one."""


def are_annotations(text: str) -> bool:
    """Tell whether a text holds annotations as an export writes them."""
    try:
        return isinstance(_annotations(text), list)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _annotations(text: str) -> list[dict[str, Any]]:
    """Read the annotations of a row. They come back as imported.

    Where some were imported before already and others were not, each stays what it was, so that the same one
    counts.
    """
    rows = [_annotation(row) for row in json_value(text)]
    if len({row["source"] for row in rows}) == 1:
        rows = [{**row, "source": "imported"} for row in rows]
    return [{**row, "person_id": _person(row)["person_id"]} for row in rows]


def _person(row: Mapping[str, Any]) -> dict[str, Any]:
    return person_of(row["source"], original_text(row["annotator"]), row["created_at"].replace(tzinfo=UTC))


def _annotation(told: Mapping[str, Any]) -> dict[str, Any]:
    kind, verdict, source, probability = (
        told["kind"], told.get("verdict"), told.get("source"), told.get("inclusion_probability")
    )  # fmt: skip
    texts = [
        told["annotator"],
        *(text for text in (told.get("note"), told.get("plan_id")) if text is not None),
    ]
    known = kind in _KINDS and verdict in (None, *_VERDICTS) and source in ("person", "imported")
    if not known or not all(isinstance(text, str) for text in texts):
        raise ValueError("not an annotation of ours")
    return {
        "annotation_id": new_id(), "kind": kind, "verdict": verdict, "source": source,
        "annotator": stored_text(told["annotator"]),
        "note": None if told.get("note") is None else stored_text(told["note"]),
        "plan_id": told.get("plan_id"),
        "inclusion_probability": None if probability is None else float(probability),
        "score_visible": bool(told.get("score_visible")),
        "created_at": stored_time(datetime.fromisoformat(told["created_at"])),
    }  # fmt: skip


class RestoredLabels:
    """The labels of an export as it is read; what their spellings meant is learnt on the way."""

    def __init__(self) -> None:
        self._meanings: dict[tuple[str, str], str] = {}
        self._order: list[str] | None = None
        self._annotated: set[str] = set()
        self._people: dict[str, dict[str, Any]] = {}

    def tables(
        self,
        columns: Mapping[str, Any],
        typed: Mapping[str, Any],
        hashes: RowHashes,
        runs: Sequence[RestoredRun],
    ) -> Staged:
        """Give the rows of annotation and imported_label; `runs` has the run of each row."""
        said = [self._annotations_of(columns, typed, hashes, n) for n in _valid(columns["annotations"])]
        labels = self._label_rows(columns, typed, hashes, runs)
        found = {"annotation": [row for rows in said for row in rows], "imported_label": labels}
        return {table: [_as_columns(rows)] for table, rows in found.items() if rows}

    def _annotations_of(
        self, columns: Mapping[str, Any], typed: Mapping[str, Any], hashes: RowHashes, number: int
    ) -> list[dict[str, Any]]:
        hashed = hashes.response_hash[number].as_py()
        if hashed is None or hashed in self._annotated:
            return []
        self._annotated.add(hashed)
        same = {"item_no": typed["item_no"][number].as_py(), "response_hash": hashed}
        rows = _annotations(columns["annotations"][number].as_py())
        for row in rows:
            self._people.setdefault(row["person_id"], _person(row))
        return [{**row, **same} for row in rows]

    def _label_rows(
        self,
        columns: Mapping[str, Any],
        typed: Mapping[str, Any],
        hashes: RowHashes,
        runs: Sequence[RestoredRun],
    ) -> list[dict[str, Any]]:
        names = ("label_text", "label_source", "label_state")
        if all(columns[name].null_count == len(hashes) for name in ("label", "label_text", "label_source")):
            return []
        # A label that somebody typed in another way than 0 or 1 waits until its spelling is read.
        typed_in = pc.if_else(pc.is_null(typed["label"]), columns["label"], None)
        columns = {**columns, "label_text": pc.coalesce(columns["label_text"], typed_in)}
        told = zip(
            *(columns[name].to_pylist() for name in names), typed["label"].to_pylist(),
            typed["item_no"].to_pylist(), hashes.response_hash.to_pylist(), runs, strict=True,
        )  # fmt: skip
        rows = []
        for text, source, state, label, item_no, hashed, run in told:
            if (spelled := self._spelled(run, text, source, state, label)) is not None:
                row = {"run_id": run.run_id, "item_no": item_no, "response_hash": hashed, "label": spelled}
                rows.append(row)
        return rows

    def _spelled(
        self, run: RestoredRun, text: str | None, source: str | None, state: str | None, label: int | None
    ) -> str | None:
        """Give the text of the label of a row, and learn what it means; None where it has none."""
        word = None if label is None else _WORDS.get(label)
        if word is None and source == "column" and state == "unsure":
            word = "unsure"
        if source in ("person", "imported"):
            word = None  # the annotations say it
        if word is not None and (text is None or source != "column"):
            text = word
        if text is None:
            return None
        run.label_column = run.label_column or LABEL_COLUMN
        if word is not None:
            self._meanings.setdefault((run.label_column, text.strip()), word)
        return text

    def learn_order(self, text: str) -> None:
        """Read which source came first; imported follows person, since that is what a person's became."""
        try:
            sources = [source for source in json.loads(text) if source in SOURCES]
        except (ValueError, TypeError):
            return
        if "person" in sources:
            place = sources.index("person")
            if "imported" not in sources[:place]:
                rest = [source for source in sources[place + 1 :] if source != "imported"]
                sources = [*sources[: place + 1], "imported", *rest]
        self._order = sources

    def closing_rows(self, dataset_id: str, now: datetime) -> dict[str, list[dict[str, Any]]]:
        """Give the rows of the tables that say how labels are read."""
        same = {"dataset_id": dataset_id, "decided_by": None, "created_at": now}
        spelled = [
            {**same, "label_column": column, "spelling": spelling, "meaning": meaning}
            for (column, spelling), meaning in self._meanings.items()
        ]
        order = [] if self._order is None else [{**same, "sources": self._order}]
        people = list(self._people.values())
        return {"label_spelling": spelled, "label_precedence": order, "person": people}


def _valid(column: Any) -> list[int]:  # noqa: ANN401 - an Arrow column
    numbers: list[int] = pc.indices_nonzero(pc.is_valid(column)).to_pylist()
    return numbers


def _as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: pa.array([row[name] for row in rows], _TYPES.get(name, pa.string())) for name in rows[0]}
