"""Cells of an export as values again: numbers, truths and JSON, NULL where they cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import canonical_json
from tlm_dash.store.answer_marks import are_blank
from tlm_dash.store.hygiene import are_whole
from tlm_dash.store.text import original_text, stored_text

_INTEGERS = ("item_no", "attempt_no", "input_tokens", "output_tokens", "label")
_NUMBERS = ("trustworthiness_score", "latency_ms", "first_token_ms", "score_latency_ms")
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
JSON_KINDS: dict[str, type] = {
    "messages": list, "tags": dict, "extra": dict, "log": dict, "response_extra": dict,
}  # fmt: skip


def typed_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Give the columns that are no plain texts as Arrow columns of their types; JSON in canonical form."""
    typed = {name: _read(columns[name], pa.int64(), _integer) for name in _INTEGERS}
    typed |= {name: _read(columns[name], pa.float64(), _number) for name in _NUMBERS}
    complete = [_TRUTHS.get((cell or "true").lower(), True) for cell in columns["is_complete"].to_pylist()]
    # An older export calls a response complete that had reached its limit, or is empty.
    ended = pc.and_(pa.array(complete, pa.bool_()), are_whole(columns["finish_reason"]))
    typed["is_complete"] = pc.and_not(ended, are_blank(columns["response"]))
    refused = [_TRUTHS.get((cell or "").lower()) for cell in columns["is_refusal"].to_pylist()]
    typed["is_refusal"] = pa.array(refused, pa.bool_())
    for name, kind in JSON_KINDS.items():
        typed[name] = _json_column(columns[name], kind)
    return typed


def json_value(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read JSON as it was before it was stored. Raises ValueError or RecursionError."""
    return json.loads(original_text(text), parse_constant=_no_number)


def _read(column: Any, kind: Any, one: Callable[[str], object]) -> Any:  # noqa: ANN401 - Arrow
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([None if cell is None else one(cell) for cell in column.to_pylist()], kind)


def _integer(cell: str) -> int | None:
    """Read a whole number, also as spreadsheet programs write one."""
    number = _number(cell)
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else None


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _json_column(column: Any, kind: type) -> Any:  # noqa: ANN401
    if column.null_count == len(column):
        return column
    memory: dict[str | None, str | None] = {None: None}
    found = []
    for text in column.to_pylist():
        if text not in memory:
            if len(memory) > 1000:
                memory = {None: None}
            memory[text] = _canonical(text, kind)
        found.append(memory[text])
    return pa.array(found, pa.string())


def _canonical(text: str, kind: type) -> str | None:
    try:
        value = json_value(text)
    except (ValueError, RecursionError):
        return None
    return stored_text(canonical_json(value)) if isinstance(value, kind) else None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
