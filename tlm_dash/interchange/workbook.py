"""Sheets of a workbook (XLSX), read row by row; of a formula the result that was stored with it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.headers import title_rows, unique_names
from tlm_dash.interchange.spool import MOST_COLUMNS, Row

# A workbook that unpacks to more than this was made to do harm, or belongs into another format.
_MAX_UNPACKED_BYTES = 2 << 30
_LOOK_ROWS = 200
_BROKEN = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, TypeError)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as a table. `n_unknown` formulas have no stored result; `n_above` rows precede its header."""

    name: str
    names: tuple[str, ...]
    rows: Iterator[Row]
    n_unknown: int
    n_above: int = 0


def sheet_of(
    path: Path, wanted: str | None, header_row: int | None = None, *, has_header: bool = True
) -> tuple[Sheet, tuple[str, ...]]:
    """Give the wanted sheet, else the one that holds most, and the names of all.

    The first row with cells is the header, save for titles above it, or what a person says. Raises
    InvalidInputError where the file is no workbook, or has no such sheet.
    """
    book = _opened(path, values=True)
    names = tuple(sheet.title for sheet in book.worksheets)
    if wanted is not None and wanted not in names:
        raise InvalidInputError(
            f"{path.name} has no sheet {wanted!r}.", hint=f"Its sheets: {', '.join(names)}."
        )
    taken = wanted or max(names, key=lambda name: _filled(book[name]))
    filled = (row for row in book[taken].iter_rows(values_only=True) if _is_filled(row))
    head = list(islice(filled, max(_LOOK_ROWS, header_row or 0)))
    n_above = 0
    if has_header:
        n_above = title_rows(head) if header_row is None else header_row - 1
    header = head[n_above] if n_above < len(head) else None
    if header is None:
        raise InvalidInputError(f"The sheet {taken!r} of {path.name} is empty.", hint="Choose another sheet.")
    width = max(number for number, cell in enumerate(header, 1) if cell is not None)
    if width > MOST_COLUMNS:
        raise InvalidInputError(
            f"The sheet {taken!r} has {width:,} columns; no more than {MOST_COLUMNS:,} can be read.",
            hint="Leave out columns that are not needed, or choose another sheet.",
        )
    named = [str(cell) if has_header and cell is not None else None for cell in header[:width]]
    columns = unique_names(named)
    rows = _rows(book[taken], columns, n_above + has_header)
    return Sheet(taken, columns, rows, _unknown_results(path, taken, book), n_above), names


def _opened(path: Path, *, values: bool) -> Any:  # noqa: ANN401 - openpyxl ships no types
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED_BYTES:
                raise InvalidInputError(
                    f"{path.name} is too large for a workbook.", hint="Save the sheet as CSV."
                )
            if not any(entry.filename.startswith("xl/") for entry in archive.infolist()):
                raise InvalidInputError(
                    f"{path.name} is an archive, not a table.", hint="Unpack it and choose a file in it."
                )
        return openpyxl.load_workbook(path, read_only=True, data_only=values)
    except _BROKEN as error:
        raise InvalidInputError(
            f"{path.name} is a damaged workbook.", hint="Open and save it again, or save the sheet as CSV."
        ) from error


def _rows(sheet: Any, columns: Sequence[str], n_skipped: int) -> Iterator[Row]:  # noqa: ANN401
    """Give the rows after the header; rows without any cell are no rows."""
    filled = (row for row in sheet.iter_rows(values_only=True) if _is_filled(row))
    for row_no, row in enumerate(islice(filled, n_skipped, None), 1):
        cells = [_plain(cell) for cell in row]
        if any(cell is not None for cell in cells[len(columns) :]):
            shown = " | ".join("" if cell is None else str(cell) for cell in cells)
            yield Row(row_no, None, "The row has more cells than the header.", shown)
        else:
            yield Row(row_no, dict(zip(columns, cells, strict=False)))


def _plain(cell: object) -> object:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell.isoformat(" ") if isinstance(cell, datetime) else cell


def _is_filled(row: Sequence[object]) -> bool:
    return any(cell is not None and cell != "" for cell in row)


def _filled(sheet: Any) -> int:  # noqa: ANN401
    """Tell how much a sheet holds: rows by columns, as far as a look goes."""
    rows = [row for row in sheet.iter_rows(max_row=_LOOK_ROWS, values_only=True) if _is_filled(row)]
    width = sum(cell is not None for cell in rows[0]) if rows else 0
    return width * max(len(rows), min(sheet.max_row or 0, 1 << 20) if len(rows) == _LOOK_ROWS else 0)


def _unknown_results(path: Path, name: str, book: Any) -> int:  # noqa: ANN401
    """Count formulas without a result: the program that wrote the file has never computed them."""
    with zipfile.ZipFile(path) as archive:
        sheets = [entry for entry in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry)]
        if not any(_mentions_formula(archive, entry) for entry in sheets):
            return 0
    formulas = _opened(path, values=False)[name].iter_rows(values_only=True)
    results = book[name].iter_rows(values_only=True)
    return sum(
        result is None and isinstance(formula, str) and formula.startswith("=")
        for written, computed in zip(formulas, results, strict=False)
        for formula, result in zip(written, computed, strict=False)
    )


def _mentions_formula(archive: zipfile.ZipFile, entry: str) -> bool:
    with archive.open(entry) as file:
        tail = b""
        while piece := file.read(1 << 20):
            if b"<f>" in tail + piece or b"<f " in tail + piece:
                return True
            tail = piece[-3:]
    return False
