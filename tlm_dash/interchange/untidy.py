"""Delimited text that is not quite in order, read record by record so that one bad row costs one row.

DuckDB reads tidy files in parallel and stops making sense of a file where a quotation mark is left open or
line ends differ. Here a record that cannot be one costs its first line only; reading goes on at the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from tlm_dash.interchange.prepared import REJECT_CONTENT_CHARACTERS
from tlm_dash.interchange.spool import Row

_PIECE_BYTES = 4 << 20
MOST_RECORD_BYTES = 64 << 20
"""A longer record is rejected; a quotation mark that is open for so long was never meant to be closed."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_OPEN = "A quotation mark is not closed, or stands where none may be."
_LONG = "The row is too long."
_FEWER, _MORE = "The row has fewer cells than the header.", "The row has more cells than the header."
_BROKEN = "The row holds characters that are not valid in this encoding."


def untidy_rows(
    path: Path, names: Sequence[str], delimiter: str, *, has_header: bool, keeps_empty: bool
) -> Iterator[Row]:
    """Give the rows of a text in UTF-8 by the names of its columns, or what is wrong with them.

    `keeps_empty`: an empty cell in quotation marks is an empty text, otherwise it is nothing.
    """
    records = _Records(path, delimiter, len(names))
    row_no = 0
    for number, (cells, line, problem) in enumerate(records):
        if has_header and number == 0:
            continue
        row_no += 1
        content = line[: 4 * REJECT_CONTENT_CHARACTERS].decode(errors="replace")
        if problem is not None:
            yield Row(row_no, None, problem, content)
            continue
        try:
            texts = [cell.decode() for _, cell in cells]
        except UnicodeDecodeError:
            yield Row(row_no, None, _BROKEN, content)
            continue
        filled = (
            text if text or (keeps_empty and quoted) else None
            for text, (quoted, _) in zip(texts, cells, strict=True)
        )
        yield Row(row_no, dict(zip(names, filled, strict=True)), content=content)


_Cells = list[tuple[bool, bytes]]
_UNFINISHED, _BROKEN_RECORD = -1, -2


class _Records:
    """The records of a file: cells (quoted or not, and their bytes), the text, and what is wrong with it."""

    def __init__(self, path: Path, delimiter: str, width: int) -> None:
        self._path = path
        self._delimiter = delimiter.encode()
        self._width = width
        divider = re.escape(self._delimiter)
        # A cell and what ends it. Possessive: a text of megabytes is not walked through again and again.
        self._cell = re.compile(
            rb'(?:"((?:[^"]++|"")*+)"|((?!")[^\r\n' + divider + rb"]*+))(" + divider + rb"|\r\n|\n|\r|\Z)"
        )
        self._buffer = b""
        self._at_end = False

    def __iter__(self) -> Iterator[tuple[_Cells, bytes, str | None]]:
        with self._path.open("rb") as file:
            position = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
            file.seek(position)
            position = 0
            while True:
                if position > _PIECE_BYTES:
                    self._buffer, position = self._buffer[position:], 0
                cells, end = self._record(position)
                is_short = len(self._buffer) - position < MOST_RECORD_BYTES
                if end == _UNFINISHED and not self._at_end and is_short:
                    piece = file.read(max(_PIECE_BYTES, len(self._buffer) - position))
                    self._buffer, position = self._buffer[position:] + piece, 0
                    self._at_end = not piece
                    continue
                if position >= len(self._buffer):
                    return
                if end < 0:
                    end = self._line_end(position, file)
                    problem = _LONG if end - position >= MOST_RECORD_BYTES else _OPEN
                    yield [], self._buffer[position:end], problem
                elif cells == [(False, b"")]:
                    pass  # an empty line is no row
                elif len(cells) == self._width:
                    yield cells, self._buffer[position:end], None
                else:
                    end = self._line_end(position, file)
                    yield [], self._buffer[position:end], _MORE if len(cells) > self._width else _FEWER
                position = end

    def _record(self, position: int) -> tuple[_Cells, int]:
        """Read one record: its cells, and where the next one begins, or why that cannot be told."""
        cells: _Cells = []
        while found := self._cell.match(self._buffer, position):
            quoted, plain, ending = found.groups()
            position = found.end()
            if position == len(self._buffer) and not self._at_end:
                return cells, _UNFINISHED  # it may go on, and \r may be half of a line end
            cells.append((quoted is not None, plain if quoted is None else quoted.replace(b'""', b'"')))
            if ending != self._delimiter:
                return cells, position
        closed = _QUOTED.match(self._buffer, position)
        is_broken = closed is not None and closed.end() < len(self._buffer)
        return cells, _BROKEN_RECORD if is_broken else _UNFINISHED

    def _line_end(self, position: int, file: BinaryIO) -> int:
        """Find the end of the line, reading on until there is one."""
        while (found := _LINE_END.search(self._buffer, position)) is None or (
            found.end() == len(self._buffer) and not self._at_end
        ):
            piece = file.read(_PIECE_BYTES)
            if not piece:
                self._at_end = True
                return len(self._buffer) if found is None else found.end()
            self._buffer += piece
        return found.end()
