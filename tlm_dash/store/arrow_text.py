"""Arrow columns of text: digests as hexadecimal, JSON objects, and what text.py must change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.store.text import ESCAPE, stored_text

DIGEST_BYTES = 32
_UNSTORABLE = "[\\x00\ufdd0]"
# The backslash first: it is part of what the others become.
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_RARE = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]"
_RARE_BYTES = set(range(32)) - {9, 10, 13}
# Everything that str.strip() takes away.
_WHITE = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                           0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))  # fmt: skip
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


def json_escaped(array: Any) -> Any:  # noqa: ANN401
    """Write texts as json.dumps(text, ensure_ascii=False) does, without the quotation marks around them."""
    held = _special_bytes(array)
    escaped = array
    for character, written in _ESCAPES:
        if ord(character) in held:
            escaped = pc.replace_substring(escaped, character, written)
    if not held & _RARE_BYTES:
        return escaped
    rare = pc.fill_null(pc.match_substring_regex(array, _RARE), fill_value=False)
    written_out = [_quoted(text)[1:-1] for text in array.filter(rare).to_pylist()]
    return pc.replace_with_mask(escaped, rare, pa.array(written_out, pa.string()))


def trimmed(array: Any) -> Any:  # noqa: ANN401
    """Do what models.messages_identity does to a text: CRLF as LF, outer white space away."""
    if _holds(array, b"\r\n"):
        array = pc.replace_substring(array, "\r\n", "\n")
    first, last = outer_bytes(array)
    # White space is a byte up to 32, or several from 128 on.
    doubtful = pa.array((first <= 32) | (first >= 128) | (last <= 32) | (last >= 128))
    if not pc.any(doubtful).as_py():
        return array
    return pc.replace_with_mask(array, doubtful, pc.utf8_trim(array.filter(doubtful), characters=_WHITE))


def outer_bytes(array: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Give the first and the last byte of every text; "x" for empty ones and NULL."""
    data, offsets = _buffers(array)
    starts, ends = offsets[:-1], offsets[1:]
    if not data.size:
        none = np.full(len(array), ord("x"), np.uint8)
        return none, none
    is_empty = starts == ends
    first = np.where(is_empty, ord("x"), data[np.minimum(starts, data.size - 1)])
    return first, np.where(is_empty, ord("x"), data[np.maximum(ends, 1) - 1])


def storable(array: Any) -> Any:  # noqa: ANN401
    """Write the rare characters that no engine holds as text.py says."""
    if array.type != pa.string() or not _holds(array, b"\0", ESCAPE.encode()):
        return array
    if not pc.any(pc.match_substring_regex(array, _UNSTORABLE)).as_py():
        return array
    return pa.array([None if text is None else stored_text(text) for text in array.to_pylist()], pa.string())


def _special_bytes(array: Any) -> set[int]:  # noqa: ANN401
    """Tell which of the bytes that JSON writes in another way are in a column: control bytes, quotes."""
    data = _bytes_of(array)
    control = data[data < 32]
    held = set(np.flatnonzero(np.bincount(control, minlength=32)).tolist())
    raw = data.tobytes()  # bytes.find is as fast as memory is
    return held | {ord(character) for character in '"\\' if raw.find(character.encode()) >= 0}


def _holds(array: Any, *wanted: bytes) -> bool:  # noqa: ANN401
    """Tell whether a column has some bytes anywhere; those of two neighbouring texts may be taken for one."""
    raw = _bytes_of(array).tobytes()
    # One byte is found as fast as memory is, several are not.
    return any(raw.find(each[:1]) >= 0 and raw.find(each) >= 0 for each in wanted)


def _bytes_of(array: Any) -> Any:  # noqa: ANN401
    data, offsets = _buffers(array)
    return data[offsets[0] : offsets[-1]]


def _buffers(array: Any) -> tuple[Any, Any]:  # noqa: ANN401
    _, offsets, data = array.buffers()
    if not len(array):
        return np.zeros(0, np.uint8), np.zeros(1, np.int32)
    places = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data or b"", np.uint8), places


def repeated(value: str | None, n_rows: int) -> Any:  # noqa: ANN401
    """Give a column that has one value in every row."""
    return pa.repeat(pa.scalar(value, pa.string()), n_rows)


def _json_object(keys: Sequence[str], row: Sequence[str | None]) -> str:
    return (
        "{"
        + ",".join([key + _quoted(cell) for key, cell in zip(keys, row, strict=True) if cell is not None])
        + "}"
    )
