"""Tables in JSON, in every orientation: each row of the table is a row, and none is lost.

A list of objects; a list of lists, with or without a header; lists of equal length by column; objects by
row or by column; columns and data beside each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.column_names import is_known_name, is_prompt_name
from tlm_dash.interchange.conversations import conversation_of
from tlm_dash.interchange.headers import is_header, unique_names
from tlm_dash.interchange.spool import Row, cell_text

_LOOKED_AT = 50
_MOST_DEPTH = 3
_KEY_COLUMN = "index"


@dataclass(frozen=True, slots=True)
class Found:
    """A table inside a value: its rows, and the keys whose values hold for the whole of it.

    `is_header_open`: it cannot be told whether the first row is a header.
    """

    rows: list[Row]
    left_out: tuple[str, ...] = ()
    is_header_open: bool = False


def tabular(rows: Iterator[Row], has_header: bool | None) -> tuple[Iterator[Row], bool]:
    """Make rows of values that are lists: cells in the order of the columns, turns of a talk, or objects.

    Gives the rows, and whether it is open if the first list is a header.
    """
    head = list(islice(rows, _LOOKED_AT))
    lists = [row.value for row in head if isinstance(row.value, list)]
    every = chain(head, rows)
    if not lists or 2 * len(lists) < len(head):
        return every, False
    if all(conversation_of(value) is not None for value in lists):
        return (_renamed(row, {"messages": row.value}) for row in every), False
    if all(value and all(isinstance(part, Mapping) for part in value) for value in lists):
        return _one_by_one(every), False
    found = has_header if has_header is not None else _starts_with_names(lists)
    width = max(map(len, lists))
    names = unique_names([cell_text(cell) for cell in lists[0]] if found else [None] * width)
    return _cells(every, names, has_header=bool(found)), found is None


def _starts_with_names(lists: Sequence[list[Any]]) -> bool | None:
    first = lists[0]
    is_named = all(isinstance(cell, str) and cell.strip() for cell in first) and len(set(first)) == len(first)
    return is_header(first, lists[1:]) if is_named else False


def _renamed(row: Row, value: object) -> Row:
    return row if row.problem is not None or not isinstance(row.value, list) else replace(row, value=value)


def _one_by_one(rows: Iterable[Row]) -> Iterator[Row]:
    """Give each object of lists of objects as a row."""
    number = 0
    for row in rows:
        parts = row.value if isinstance(row.value, list) and row.problem is None else [row.value]
        for part in parts:
            number += 1
            yield replace(row, row_no=number, value=part)


def _cells(rows: Iterable[Row], names: Sequence[str], *, has_header: bool) -> Iterator[Row]:
    """Name the cells of lists; the first list is left out where it is the header."""
    number = 0
    for row in rows:
        if has_header and isinstance(row.value, list):
            has_header = False
            continue
        number += 1
        if not isinstance(row.value, list):
            yield replace(row, row_no=number)
        elif len(row.value) > len(names):
            content = json.dumps(row.value, ensure_ascii=False)
            yield Row(number, None, "The row has more cells than the header.", content)
        else:
            yield Row(number, dict(zip_longest(names, row.value)), content=row.content)


def tables_in(value: object, has_header: bool | None = None) -> dict[str, Found]:
    """Find the tables of a JSON object by the path of their key, "" for the object itself.

    Raises InvalidInputError where columns are lists of different lengths.
    """
    found: dict[str, Found] = {}
    unequal: list[str] = []
    _search(value, "", 0, has_header, found, unequal)
    if not found and unequal:
        raise InvalidInputError(
            f"The columns have different numbers of rows: {unequal[0]}.",
            hint="Give every column a value for each row, or save the rows as JSONL.",
        )
    return found


def is_row(value: object) -> bool:
    """Tell whether an object is itself a row: it has a prompt, or a conversation."""
    if not isinstance(value, Mapping):
        return False
    is_prompt = any(is_prompt_name(str(key)) and isinstance(part, str) for key, part in value.items())
    return is_prompt or any(conversation_of(part) is not None for part in value.values())


def _search(
    value: object, path: str, depth: int, has_header: bool | None, found: dict[str, Found], unequal: list[str]
) -> None:
    if not isinstance(value, Mapping) or depth > _MOST_DEPTH or not value or (depth and is_row(value)):
        return
    whole = _whole_table(value, unequal)
    if whole is not None:
        kept = {name for row in whole if isinstance(row, Mapping) for name in row}
        scalars = [str(key) for key, part in value.items() if not isinstance(part, list | Mapping)]
        found[path] = Found(_numbered(whole), tuple(name for name in scalars if name not in kept))
        return
    for key, part in value.items():
        inner = f"{path}.{key}" if path else str(key)
        if isinstance(part, list) and part:
            if all(isinstance(row, Mapping) for row in part) and conversation_of(part) is None:
                found[inner] = Found(_numbered(part))
            elif all(isinstance(row, list) for row in part):
                rows, is_open = tabular(iter(_numbered(part)), has_header)
                found[inner] = Found(list(rows), is_header_open=is_open)
            elif len(value) == 1 and all(isinstance(row, str) for row in part):
                found[inner] = Found(_numbered([{str(key): row} for row in part]))
        else:
            _search(part, inner, depth + 1, has_header, found, unequal)


def _numbered(values: Iterable[object]) -> list[Row]:
    return [Row(number, value, content=_shown(value)) for number, value in enumerate(values, 1)]


def _shown(value: object) -> str:
    return "" if isinstance(value, Mapping) else json.dumps(value, ensure_ascii=False)


def _whole_table(value: Mapping[Any, Any], unequal: list[str]) -> list[object] | None:
    """Read an object that is one table: columns and data, lists by column, or objects by row or column."""
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return _split_rows(value["columns"], value["data"])
    lists = {str(key): part for key, part in value.items() if isinstance(part, list) and part}
    scalars = [part for part in value.values() if not isinstance(part, list | Mapping)]
    is_whole = len(lists) + len(scalars) == len(value) and not (scalars and is_row(value))
    if is_whole and _are_columns(lists):
        lengths = {key: len(part) for key, part in lists.items()}
        if len(set(lengths.values())) == 1:
            # What is said once holds for the whole file: it stands in no row.
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        unequal.append(", ".join(f"{key} {count:,}" for key, count in lengths.items()))
        return None
    if len(value) > 1 and all(isinstance(part, Mapping) and part for part in value.values()):
        return _objects(value)
    return None


def _are_columns(lists: Mapping[str, list[Any]]) -> bool:
    """Tell whether lists are columns: several, and one of them at least of texts, numbers or talks."""
    return len(lists) > 1 and any(
        not any(isinstance(cell, Mapping) for cell in part)
        and (not all(isinstance(cell, list) for cell in part) or conversation_of(part[0]) is not None)
        for part in lists.values()
    )


def _split_rows(columns: Sequence[Any], data: Sequence[Any]) -> list[object]:
    """Name the cells of each row; one with more cells than columns stays a list, which is no row."""
    names = unique_names([" · ".join(map(str, n)) if isinstance(n, list) else str(n) for n in columns])
    return [
        dict(zip_longest(names, row)) if isinstance(row, list) and len(row) <= len(names) else row
        for row in data
    ]


def _objects(value: Mapping[Any, Mapping[Any, Any]]) -> list[object] | None:
    """Read objects in an object: by row, where the inner keys are the columns, or by column.

    Raises InvalidInputError where both readings are possible.
    """
    outer, inner = [str(key) for key in value], _inner_keys(value)
    if inner is None:
        return None
    by_column = _are_numbers(inner) or any(is_known_name(key) for key in outer)
    by_row = _are_numbers(outer) or any(is_known_name(key) for key in inner)
    if by_column == by_row:
        if not by_row:
            return None
        if len(outer) == len(inner) or _are_numbers(inner) == _are_numbers(outer):
            raise InvalidInputError(
                f"The keys {', '.join(outer[:3])} and {', '.join(inner[:3])} may both name the columns.",
                hint="Save the rows as JSONL: one object a line.",
            )
        by_column = _are_numbers(inner)
    if by_column:
        return [
            {str(name): cells.get(key) for name, cells in value.items()}
            for key in dict.fromkeys(key for cells in value.values() for key in cells)
        ]
    is_counted = _are_numbers(outer)
    return [
        dict(row) if is_counted or _KEY_COLUMN in row else {_KEY_COLUMN: str(key), **row}
        for key, row in value.items()
    ]


def _inner_keys(value: Mapping[Any, Mapping[Any, Any]]) -> list[str] | None:
    """Give the keys of the inner objects, None where they have none in common."""
    parts = [set(map(str, part)) for part in value.values()]
    if not set.intersection(*parts):
        return None
    return list(dict.fromkeys(str(key) for part in value.values() for key in part))


def _are_numbers(keys: Sequence[str]) -> bool:
    return all(key.isdigit() for key in keys)
