"""Tables of delimited text: which character divides the cells, and what the columns are called."""

from __future__ import annotations

import codecs
import csv
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.column_names import is_prompt_name
from tlm_dash.interchange.encodings import as_utf8, checked_encoding, detect_encoding, read_head
from tlm_dash.interchange.headers import is_header, title_rows, unique_names
from tlm_dash.interchange.prepared import Overrides, Prepared
from tlm_dash.interchange.spool import MOST_COLUMNS, spool
from tlm_dash.interchange.untidy import untidy_rows
from tlm_dash.models import EXPORT_MARK

_DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""Stands for one column only: commas inside its cells divide nothing."""

_SAMPLE_BYTES = 256 << 10
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
    n_above = _rows_above(overrides, records)
    warnings = []
    if n_above:
        readable = _from_row(readable, text, delimiter, n_above, work_dir)
        records = records[n_above:]
        warnings.append(_above(n_above))
    has_header = overrides.has_header
    if has_header is None:
        has_header = is_header(records[0], records[1:]) is not False
    if has_header and len(records) == 1 and readable.stat().st_size < _SAMPLE_BYTES:
        raise InvalidInputError(f"{path.name} has a header but no rows.", hint="Choose a file with rows.")
    header = records[0] if has_header else [""] * len(records[0])
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
    # The engine takes a header for one line.
    is_tidy = longest_row is not None and not any("\n" in name or "\r" in name for name in header)
    return prepared if is_tidy else as_untidy(prepared, work_dir)


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
        is_named = all(header) and len(set(header)) == len(header)
        is_named = is_named and is_header(header, records[1:]) is not False
        if is_named and (delimiter == "\t" or any(is_prompt_name(name) for name in header)):
            return delimiter
    return None


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
    records = records[title_rows(records) :]
    width = len(records[0])
    if width < 2:
        return 0.0
    widths = Counter(len(record) for record in records)
    return widths[width] / len(records) + width / 1000


def _rows_above(overrides: Overrides, records: Sequence[Sequence[str]]) -> int:
    """Count the records above the header: as a person says, or titles and comments."""
    if overrides.header_row is None:
        return title_rows(records) if overrides.has_header is not False else 0
    if overrides.header_row > len(records):
        raise InvalidInputError(
            f"There is no row {overrides.header_row} to be the header.", hint="Rows are counted from 1."
        )
    return overrides.header_row - 1


def _above(n_rows: int) -> str:
    return f"{n_rows} line{'s' if n_rows > 1 else ''} above the header left out."


def _from_row(path: Path, text: str, delimiter: str, n_above: int, work_dir: Path) -> Path:
    """Give a file that begins with its header: a copy without the records above it."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter)
    n_seen = n_lines = 0
    for record in reader:
        if record and n_seen == n_above:
            break
        n_seen, n_lines = n_seen + bool(record), reader.line_num
    skipped = len("".join(lines[:n_lines]).encode())
    copy = work_dir / f"{path.stem}.table{path.suffix}"
    with path.open("rb") as source, copy.open("wb") as target:
        source.seek(skipped + (3 if source.read(3) == codecs.BOM_UTF8 else 0))
        shutil.copyfileobj(source, target, _BLOCK_BYTES)
    return copy
