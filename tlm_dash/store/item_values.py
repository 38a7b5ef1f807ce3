"""The values of items that a prompt template can name: what the file had in its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tlm_dash.store.database import Store

OWN_NAMES = ("prompt", "reference", "id")
"""What an item has under a name of ours; a column of the file with such a name stands behind it."""

_LOOKED_AT = 500

_HAS = """
SELECT
    EXISTS (SELECT 1 FROM item WHERE dataset_id = $dataset_id AND reference IS NOT NULL),
    EXISTS (SELECT 1 FROM item_extra WHERE dataset_id = $dataset_id AND source_id IS NOT NULL)
"""

_FIRST = """
SELECT tags, extra FROM item_extra WHERE dataset_id = $dataset_id ORDER BY item_no LIMIT $most
"""

_VALUES = """
SELECT i.item_no, i.prompt, i.reference, e.source_id, coalesce(e.tags, '{}'), coalesce(e.extra, '{}')
FROM (
    SELECT item_no, prompt, reference FROM item
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
        AND item_no IN (SELECT unnest($item_nos))
) AS i
LEFT JOIN (
    SELECT item_no, source_id, tags, extra FROM item_extra
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
) AS e USING (item_no)
"""

_WITH_REFERENCE = "SELECT count(*) FROM item WHERE dataset_id = $dataset_id AND reference IS NOT NULL"

_WITH_ID = "SELECT count(*) FROM item_extra WHERE dataset_id = $dataset_id AND source_id IS NOT NULL"

# A pointer, not a path: it takes any name with two characters escaped.
_WITH_COLUMN = """
SELECT count(*) FROM item_extra
WHERE dataset_id = $dataset_id
    AND coalesce(json_extract_string(tags, $pointer), json_extract_string(extra, $pointer)) IS NOT NULL
"""


def value_names(store: Store, dataset_id: str) -> tuple[str, ...]:
    """Name what the items of a dataset have, as far as its first rows show; `prompt` is always there."""
    ((has_reference, has_id),) = store.read(_HAS, {"dataset_id": dataset_id})
    own = ["prompt", *(["reference"] if has_reference else []), *(["id"] if has_id else [])]
    rows = store.read(_FIRST, {"dataset_id": dataset_id, "most": _LOOKED_AT})
    columns = (name for row in rows for text in row for name in json.loads(text))
    return tuple(dict.fromkeys((*own, *columns)))


def role_columns(store: Store, dataset_id: str) -> dict[str, str]:
    """Name the columns of the file that became one of `OWN_NAMES`, each with which."""
    rows = store.read("SELECT mapping FROM dataset_import WHERE dataset_id = ?", [dataset_id])
    mapping = json.loads(rows[0][0]) if rows else {}
    return {
        mapping[name]: name
        for name in OWN_NAMES
        if isinstance(mapping.get(name), str) and mapping[name] not in OWN_NAMES and "{" not in mapping[name]
    }


def values_of(store: Store, dataset_id: str, item_nos: Sequence[int]) -> dict[int, Mapping[str, str]]:
    """Read the values of some items by name; what an item does not have is absent."""
    if not item_nos:
        return {}
    parameters = {
        "dataset_id": dataset_id, "low": min(item_nos), "high": max(item_nos), "item_nos": list(item_nos)
    }  # fmt: skip
    return {row[0]: _named(*row[1:]) for row in store.read(_VALUES, parameters)}


def _named(
    prompt: str, reference: str | None, source_id: str | None, tags: str, extra: str
) -> Mapping[str, str]:
    own = {"prompt": prompt, "reference": reference, "id": source_id}
    found = {**json.loads(extra), **json.loads(tags), **{n: v for n, v in own.items() if v is not None}}
    return {name: str(value) for name, value in found.items() if value is not None}


def count_without(store: Store, dataset_id: str, name: str) -> int:
    """Count the items that have no value under a name."""
    if name == "prompt":
        return 0
    wanted = {"dataset_id": dataset_id}
    ((n_items,),) = store.read("SELECT count(*) FROM item WHERE dataset_id = $dataset_id", wanted)
    if name in OWN_NAMES:
        ((n_with,),) = store.read(_WITH_REFERENCE if name == "reference" else _WITH_ID, wanted)
    else:
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        ((n_with,),) = store.read(_WITH_COLUMN, wanted | {"pointer": pointer})
    return int(n_items - n_with)
