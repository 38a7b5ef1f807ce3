"""Which response of a run a row of a label file speaks of: by item number, id, or text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.text import stored_text

Key = Literal["item_no", "id", "response", "prompt and response"]

_ROWS = """
SELECT r.item_no, r.response_hash, {key}, {response}
FROM (
    SELECT * FROM run_item WHERE run_id = $run_id
    {counting}
) AS r {joins}
"""

_COMPLETION = """
LEFT JOIN (SELECT completion_id, response FROM completion WHERE dataset_id = $dataset_id) AS c
    ON c.completion_id = r.completion_id"""
_ITEM = """
LEFT JOIN (SELECT item_no, prompt FROM item WHERE dataset_id = $dataset_id) AS i ON i.item_no = r.item_no"""
_EXTRA = """
LEFT JOIN (SELECT item_no, source_id FROM item_extra WHERE dataset_id = $dataset_id) AS e
    ON e.item_no = r.item_no"""

# Texts may be long and many: they are found by their digest.
_DIGEST = "sha256(trim(replace({text}, chr(13) || chr(10), chr(10)), ' ' || chr(9) || chr(10) || chr(13)))"
_RESPONSE = _DIGEST.format(text="c.response")
_BOTH = f"concat({_DIGEST.format(text='i.prompt')}, {_RESPONSE})"

_KEYS: dict[Key, tuple[str, str]] = {
    "item_no": ("CAST(r.item_no AS VARCHAR)", ""),
    "id": ("e.source_id", _EXTRA),
    "response": (_RESPONSE, ""),
    "prompt and response": (_BOTH, _ITEM),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A row of a run. `response_hash` is None where it has no response.

    `response_key` is the `text_key` of its response where that was asked for.
    """

    item_no: int
    response_hash: str | None
    response_key: str | None = None


def targets(
    store: Store, run_id: str, dataset_id: str, key: Key, *, with_response: bool = False
) -> dict[str, list[Target]]:
    """Give the rows of a run by what identifies them in a file; several rows may share an id or a text."""
    expression, joins = _KEYS[key]
    if with_response or "response" in key:
        joins = _COMPLETION + joins
    response = _RESPONSE if with_response else "NULL"
    sql = _ROWS.format(key=expression, response=response, joins=joins, counting=COUNTING_ROW)
    parameters = {"run_id": run_id} | ({"dataset_id": dataset_id} if joins else {})
    found: dict[str, list[Target]] = {}
    for item_no, response_hash, identity, response_key in store.read(sql, parameters):
        if identity is not None:
            found.setdefault(identity, []).append(Target(item_no, response_hash, response_key))
    return found


def text_key(*texts: str) -> str:
    """Give what `targets` has for a response, or for a prompt and a response."""
    return "".join(
        hashlib.sha256(stored_text(text.replace("\r\n", "\n").strip(" \t\n\r")).encode()).hexdigest()
        for text in texts
    )
