"""Tables of delimited text: which character divides the cells, and what the columns are called."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.column_names import is_prompt_name
from tlm_dash.interchange.encodings import as_utf8, checked_encoding, detect_encoding, read_head
from tlm_dash.interchange.prepared import Overrides, Prepared
from tlm_dash.interchange.spool import MOST_COLUMNS, spool
from tlm_dash.interchange.untidy import untidy_rows
from tlm_dash.models import EXPORT_MARK

_DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""Stands for one column only: commas inside its cells divide nothing."""

_SAMPLE_BYTES = 256 << 10
_HEADER_CELL_CHARACTERS = 120
_LOOKED_AT = 200
_BLOCK_BYTES = 8 << 20
_LEAST_BYTES, _SURELY_BYTES, _MOST_BYTES = 2 << 20, 64 << 20, 128 << 20
"""Limits of a row: any file may have the first, a file of the second may be one row, none has the third."""

_LINE_END = re.compile(rb"[\r\n]")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "none": NO_DELIMITER}


def prepare_delimited(path: Path, overrides: Overrides, work_dir: Path, *, is_tsv: bool) -> Prepared:
    """Find encoding, delimiter and header of a text table. Raises InvalidInputError where it has no rows."""
    encoding = checked_encoding(overrides.encoding) if overrides.encoding else detect_encoding(path)
    readable, replaced = as_utf8(path, encoding, work_dir)
    text = read_head(readable, _SAMPLE_BYTES)
    if not text.strip():
        raise InvalidInputError(f"{path.name} is empty.", hint="Choose a file with a header and rows.")
    delimiter = _delimiter(overrides.delimiter, text, is_tsv=is_tsv)
    records = sample_records(text, delimiter)
    if len(records[0]) > MOST_COLUMNS:
        raise InvalidInputError(
            f"{path.name} has {len(records[0]):,} columns; no more than {MOST_COLUMNS:,} can be read.",
            hint="Leave out columns that are not needed, or check the delimiter.",
        )
    has_header = overrides.has_header if overrides.has_header is not None else _has_header(records)
    if has_header and len(records) == 1 and readable.stat().st_size < _SAMPLE_BYTES:
        raise InvalidInputError(f"{path.name} has a header but no rows.", hint="Choose a file with rows.")
    header = records[0] if has_header else [""] * len(records[0])
    warnings = []
    if replaced:
        warnings.append(f"{replaced} characters are not valid {encoding.name}; they were replaced by \ufffd.")
    if not has_header:
        warnings.append("The first line looks like data, so the columns have no names.")
    longest_row = _longest_row(readable)
    prepared = Prepared(
        format="tsv" if delimiter == "\t" else "csv", layout="delimited", paths=(readable,),
        names=unique_names(header), encoding=encoding.name, delimiter=delimiter, has_header=has_header,
        longest_line_bytes=longest_row or 0, warnings=tuple(warnings),
    )  # fmt: skip
    return prepared if longest_row is not None else as_untidy(prepared, work_dir)


def as_untidy(prepared: Prepared, work_dir: Path) -> Prepared:
    """Lay a text table out record by record, so that what is wrong with one row costs no other.

    Raises InvalidInputError where no row can be used, or there is no room.
    """
    (path,) = prepared.paths
    folder = work_dir / "records"
    folder.mkdir(exist_ok=True)
    rows = untidy_rows(
        path, prepared.names, prepared.delimiter or ",", has_header=prepared.has_header,
        keeps_empty=EXPORT_MARK in prepared.names,
    )  # fmt: skip
    spooled = spool(rows, folder)
    if not spooled.names:
        reason = spooled.rejects[0].reason if spooled.rejects else ""
        raise InvalidInputError(
            f"No row of {path.name} can be used. {reason}",
            hint="Check the delimiter and the quotation marks.",
        )
    return replace(prepared, layout="spool", paths=spooled.paths, rejects=spooled.rejects)


def _longest_row(path: Path) -> int | None:
    """Tell how long a row can be, in bytes; None where one may be too long for fast reading.

    A row longer than that would be passed over in silence. It is as long as a line, or has line ends in
    quotation marks: then all line ends of a whole block have an odd number of marks before them.
    """
    size = path.stat().st_size
    if size <= _SURELY_BYTES:
        return max(size, _LEAST_BYTES)
    n_marks = covered = longest = 0
    block = bytearray(_BLOCK_BYTES)
    with path.open("rb") as file:
        while n_read := file.readinto(block):
            del block[n_read:]
            covered = 0 if _has_row_end(block, n_marks) else covered + 1
            longest = max(longest, covered)
            n_marks += block.count(b'"')
    # A row that covers no whole block is shorter than two.
    most = (longest + 2) * _BLOCK_BYTES
    return None if most > _MOST_BYTES else most


def _has_row_end(block: bytearray, n_marks_before: int) -> bool:
    """Tell whether a row ends in a block of a file."""
    start = 0
    for found in _LINE_END.finditer(block):
        n_marks_before += block.count(b'"', start, found.start())
        if n_marks_before % 2 == 0:
            return True
        start = found.end()
    return False


def table_delimiter(text: str) -> str | None:
    """Tell what divides the cells of a text without an ending that says so; None where it is no table.

    A table has a header with different short names, and rows of its width. Commas stand in sentences as well,
    so that with them one of the names must be one of prompts.
    """
    for delimiter in ("\t", ",", ";"):
        records = sample_records(text, delimiter)[:_LOOKED_AT]
        if len(records) < 2 or len(records[0]) < 2 or len({len(record) for record in records}) > 1:
            continue
        header = [cell.strip() for cell in records[0]]
        is_named = all(header) and len(set(header)) == len(header) and _has_header(records)
        if is_named and (delimiter == "\t" or any(is_prompt_name(name) for name in header)):
            return delimiter
    return None


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


def sample_records(text: str, delimiter: str) -> list[list[str]]:
    """Read the first records of a text, at least one; the last one may be cut, and is left out."""
    csv.field_size_limit(1 << 30)
    lines = text.splitlines(keepends=True)
    records = [record for record in csv.reader(lines, delimiter=delimiter) if record]
    return records[:-1] if len(records) > 1 and len(text.encode()) >= _SAMPLE_BYTES - 4 else records


def _delimiter(said: str | None, text: str, *, is_tsv: bool) -> str:
    if said is not None:
        found = _NAMES.get(said.lower(), said)
        if len(found) != 1 or found in '"\r\n':
            raise InvalidInputError(
                f"The delimiter {said!r} is not one character that can stand between cells.",
                hint="For example , ; tab |",
            )
        return found
    scores = {candidate: _fit(text, candidate) for candidate in _DELIMITERS}
    if is_tsv and scores["\t"] > 0:
        return "\t"
    best = max(scores, key=lambda candidate: scores[candidate])
    return best if scores[best] > 0 else NO_DELIMITER


def _fit(text: str, delimiter: str) -> float:
    """Tell how well a character divides a text: the share of records as wide as the header."""
    records = sample_records(text, delimiter)[:200]
    width = len(records[0])
    if width < 2:
        return 0.0
    widths = Counter(len(record) for record in records)
    return widths[width] / len(records) + width / 1000


def _has_header(records: Sequence[Sequence[str]]) -> bool:
    """Doubt a header whose cells are long, hold line ends, are numbers, or ask something."""
    first = records[0]
    return not any(
        len(cell) > _HEADER_CELL_CHARACTERS or "\n" in cell or cell.rstrip().endswith("?") or _is_number(cell)
        for cell in first
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
