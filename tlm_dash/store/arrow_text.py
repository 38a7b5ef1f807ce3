"""Arrow columns of text: digests as hexadecimal, JSON objects, and what text.py must change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.store.text import stored_text

DIGEST_BYTES = 32
_UNSTORABLE = "[\\x00\ufdd0]"
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def hexadecimal(digests: Sequence[bytes | None]) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Write digests of 32 bytes as texts of 64 digits; None stays NULL."""
    missing = [digest is None for digest in digests]
    text = b"".join([digest or b"\0" * DIGEST_BYTES for digest in digests]).hex().encode()
    offsets = np.arange(len(digests) + 1, dtype=np.int32) * (2 * DIGEST_BYTES)
    array = pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(text))
    return pc.if_else(pa.array(missing), None, array) if any(missing) else array


def json_objects(columns: Mapping[str, Any], n_rows: int, *, few: bool = False) -> Any:  # noqa: ANN401
    """Write the cells of some columns as a JSON object per row, keys sorted; empty cells are left out.

    `few`: the rows repeat each other, so that each different one is written once.
    """
    if not columns:
        return pa.array(["{}"], pa.string()).take(pa.array(np.zeros(n_rows, np.int8)))
    names = sorted(columns)
    keys = [_quoted(name) + ":" for name in names]
    rows = zip(*(columns[name].to_pylist() for name in names), strict=True)
    if not few:
        return pa.array([_json_object(keys, row) for row in rows], pa.string())
    memory: dict[tuple[str | None, ...], int] = {}
    numbers = [memory.setdefault(row, len(memory)) for row in rows]
    return pa.array([_json_object(keys, row) for row in memory], pa.string()).take(pa.array(numbers))


def storable(array: Any) -> Any:  # noqa: ANN401
    """Write the rare characters that no engine holds as text.py says."""
    if array.type != pa.string() or not pc.any(pc.match_substring_regex(array, _UNSTORABLE)).as_py():
        return array
    return pa.array([None if text is None else stored_text(text) for text in array.to_pylist()], pa.string())


def repeated(value: str | None, n_rows: int) -> Any:  # noqa: ANN401
    """Give a column that has one value in every row."""
    return pa.repeat(pa.scalar(value, pa.string()), n_rows)


def _json_object(keys: Sequence[str], row: Sequence[str | None]) -> str:
    return (
        "{"
        + ",".join([key + _quoted(cell) for key, cell in zip(keys, row, strict=True) if cell is not None])
        + "}"
    )
