"""Whether a row names the columns: by known names, and by how it differs from the rows below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tlm_dash.interchange.column_names import is_known_name

_LOOKED_AT = 50
_LEAST_ALIKE = 0.8
_LONG_CHARACTERS = 120
_TITLE_ROWS = 20
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?\s?%?")
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")

Cells = Sequence[object]


def is_header(first: Cells, below: Sequence[Cells]) -> bool | None:
    """Tell whether the first row of a table names its columns; None where nothing speaks for or against it.

    A known name settles it. Else each column says whether the first cell is of the kind of those below.
    """
    names = [_text(cell) for cell in first]
    columns = [
        [text for row in below[:_LOOKED_AT] if number < len(row) and (text := _text(row[number]))]
        for number in range(len(names))
    ]
    if any(is_known_name(name) and name not in cells for name, cells in zip(names, columns, strict=True)):
        return True
    said = [_differs(name, cells) for name, cells in zip(names, columns, strict=True) if name and cells]
    n_for, n_against = said.count(True), said.count(False)
    return None if n_for == n_against else n_for > n_against


def title_rows(rows: Sequence[Cells]) -> int:
    """Count the rows above the header of a table: titles of one cell and comments, before a row of names.

    0 where the first row may be the header itself.
    """
    filled = [sum(bool(_text(cell)) for cell in row) for row in rows]
    if (
        not rows
        or filled[0] > 1
        and not _is_comment(rows[0])
        or any(is_known_name(_text(c)) for c in rows[0])
    ):
        return 0
    width, _ = (
        Counter(count for count in filled if count > 1).most_common(1)[0] if max(filled) > 1 else (0, 0)
    )
    for number, row in enumerate(rows[:_TITLE_ROWS]):
        texts = [text for cell in row if (text := _text(cell))]
        if len(texts) > 1 and not _is_comment(row):
            is_named = len(texts) >= width > 1 and len(set(texts)) == len(texts) and _names_columns(texts)
            return number if is_named else 0
    return 0


def unique_names(header: Sequence[str | None]) -> tuple[str, ...]:
    """Name every column: nameless ones column_1 …, repeated ones with a number after the name."""
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        plain = (cell or "").strip() or f"column_{number}"
        name, count = plain, 1
        while name in names:
            count += 1
            name = f"{plain}_{count}"
        names.append(name)
    return tuple(names)


def _names_columns(texts: Sequence[str]) -> bool:
    return any(is_known_name(text) for text in texts) and not any(_NUMBER.fullmatch(text) for text in texts)


def _is_comment(row: Cells) -> bool:
    return bool(row) and _text(row[0]).startswith("#")


def _differs(name: str, below: Sequence[str]) -> bool | None:
    """Tell whether the first cell of a column is of another kind than those below; None: cannot be told."""
    if _share(below, _is_number) >= _LEAST_ALIKE:
        return not _is_number(name)
    if _is_number(name):
        return None
    if name.endswith("?") and _share(below, lambda text: text.endswith("?")) >= 0.5:
        return False
    if len(name) > _LONG_CHARACTERS or "\n" in name:
        usual = sorted(len(text) for text in below)[len(below) // 2]
        return len(name) > 4 * usual
    if name in below:
        return False
    if any(character.isdigit() for character in name):
        shape = _shape(name)
        return False if _share(below, lambda text: _shape(text) == shape) >= _LEAST_ALIKE else None
    return None


def _share(texts: Sequence[str], fits: object) -> float:
    return sum(bool(fits(text)) for text in texts) / len(texts)  # type: ignore[operator]


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _shape(text: str) -> str:
    return _DIGITS.sub("9", _LETTERS.sub("a", text))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
