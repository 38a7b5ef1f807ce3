"""Tables of delimited text: which character divides the cells, and what the columns are called."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.encodings import as_utf8, checked_encoding, detect_encoding, read_head
from tlm_dash.interchange.prepared import Overrides, Prepared

_DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""Stands for one column only: commas inside its cells divide nothing."""

_SAMPLE_BYTES = 256 << 10
_HEADER_CELL_CHARACTERS = 120
_PIECE_BYTES = 1 << 20
_LEAST_BYTES, _USUAL_BYTES, _SURELY_BYTES, _MOST_BYTES = 2 << 20, 16 << 20, 64 << 20, 128 << 20
"""Limits of a row: any file may have the first, a large one has the second, a small one may be one row."""

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
    has_header = overrides.has_header if overrides.has_header is not None else _has_header(records)
    if has_header and len(records) == 1 and readable.stat().st_size < _SAMPLE_BYTES:
        raise InvalidInputError(f"{path.name} has a header but no rows.", hint="Choose a file with rows.")
    header = records[0] if has_header else [""] * len(records[0])
    warnings = []
    if replaced:
        warnings.append(f"{replaced} characters are not valid {encoding.name}; they were replaced by \ufffd.")
    if not has_header:
        warnings.append("The first line looks like data, so the columns have no names.")
    return Prepared(
        format="tsv" if delimiter == "\t" else "csv", layout="delimited", paths=(readable,),
        names=unique_names(header), encoding=encoding.name, delimiter=delimiter, has_header=has_header,
        longest_line_bytes=_longest_row(readable),
        warnings=tuple(warnings),
    )  # fmt: skip


def _longest_row(path: Path) -> int:
    """Tell how long a row can be, in bytes: a longer one would be passed over in silence by the reader.

    Rows of many quoted lines may be longer than any line, so that is allowed for.
    """
    size = path.stat().st_size
    if size <= _SURELY_BYTES:
        return max(size, _LEAST_BYTES)
    longest = open_line = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            first, last = piece.find(b"\n"), piece.rfind(b"\n")
            longest = max(longest, open_line + (len(piece) if first < 0 else first))
            open_line = open_line + len(piece) if last < 0 else len(piece) - last - 1
    if longest > _MOST_BYTES:
        raise InvalidInputError(
            f"{path.name} has a line of {longest / 1e6:.0f} MB, which is too long.",
            hint="Check the line ends, or split the longest cells.",
        )
    return max(_USUAL_BYTES, 2 * longest)


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
        if len(found) != 1:
            raise InvalidInputError(
                f"The delimiter {said!r} is not one character.", hint="For example , ; tab |"
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
