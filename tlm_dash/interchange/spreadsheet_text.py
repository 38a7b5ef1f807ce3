"""Cells that a spreadsheet program must take for text: marked so that it does, and so that it can be undone.

A cell that begins like a formula (and one that begins with the mark) gets an apostrophe in front.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# What may begin a formula, also in its full-width form; some programs pass over white space before it.
_RISKY = "^(?:['\\t\\r\\n]|[\\s\\x00-\\x1f]*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
_MARK = "'"


def as_cells(texts: Any) -> Any:  # noqa: ANN401 - an Arrow column of text
    """Put the mark before every text that needs it."""
    risky = pc.match_substring_regex(texts, _RISKY)
    if not pc.any(risky).as_py():
        return texts
    return pc.if_else(risky, pc.binary_join_element_wise(_MARK, texts, ""), texts)


def from_cells(cells: Any) -> Any:  # noqa: ANN401 - an Arrow column of text
    """Undo `as_cells`."""
    marked = pc.starts_with(cells, _MARK)
    if not pc.any(marked).as_py():
        return cells
    return pc.if_else(marked, pc.utf8_slice_codeunits(cells, 1), cells).cast(pa.string())
