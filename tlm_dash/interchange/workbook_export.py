"""Workbooks (XLSX) that we write: one sheet of text and numbers, row by row, without formulas.

The format is a ZIP archive of XML (ECMA-376, Office Open XML). Texts stand in their cells, so that nothing
has to be kept until the end, and have the style that makes a spreadsheet program take them for text when they
are edited.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.exports import Written

MOST_CELL_CHARACTERS = 32_767
"""The most that a cell holds, counted as UTF-16 does: an emoji is two."""

MOST_ROWS = 1_048_575
"""The most that a sheet holds below its header."""

_CUT = " …"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Rows" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # Styles: 0 plain, 1 text whatever it begins with, 2 header.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}  # fmt: skip
_SHEET_START = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    "<sheetData>"
)
_SHEET_END = "</sheetData></worksheet>"
# What XML cannot hold, and what the format would take for an escape of its own.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def write_workbook(path: Path, schema: Any, batches: Iterable[Any], n_rows: int) -> Written:  # noqa: ANN401
    """Write one sheet. Raises InvalidInputError for more rows than a sheet can have.

    Control characters are written as ⟨U+0007⟩; texts that are too long end in an ellipsis, and are counted.
    """
    if n_rows > MOST_ROWS:
        raise InvalidInputError(
            f"These are {n_rows:,} rows; a sheet of a workbook holds {MOST_ROWS:,} at most.",
            hint="Export them as CSV, Parquet or JSON Lines, or filter them first.",
        )
    sheet = _Sheet(schema.names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, _HEAD + content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
            for piece in sheet.pieces(batches):
                file.write(piece.encode())
    return Written(sheet.n_rows, sheet.n_shortened)


class _Sheet:
    """The XML of a sheet, in pieces."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.n_rows = 0
        self.n_shortened = 0

    def pieces(self, batches: Iterable[Any]) -> Iterator[str]:
        yield _SHEET_START
        header = "".join(self._text(name, 2) for name in self._names)
        yield f"<row>{header}</row>"
        for batch in batches:
            self.n_rows += batch.num_rows
            # A part at a time: as Python's objects, cells take several times the room.
            for start in range(0, batch.num_rows, 1000):
                columns = [column.slice(start, 1000).to_pylist() for column in batch.columns]
                yield "".join(
                    f"<row>{''.join(map(self._cell, row))}</row>" for row in zip(*columns, strict=True)
                )
        yield _SHEET_END

    def _cell(self, value: object) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{value:d}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value!r}</v></c>"
        return self._text(str(value), 1)

    def _text(self, text: str, style: int) -> str:
        shown = _ESCAPE.sub("_x005F_", _UNWRITABLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text))
        if (
            len(shown) * 2 > MOST_CELL_CHARACTERS
            and (units := shown.encode("utf-16-le"))[2 * MOST_CELL_CHARACTERS :]
        ):
            self.n_shortened += 1
            kept = units[: 2 * (MOST_CELL_CHARACTERS - len(_CUT))]
            shown = kept.decode("utf-16-le", errors="ignore") + _CUT
        # A carriage return in XML would come back as a line feed.
        written = escape(shown, {"\r": "&#13;"})
        return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{written}</t></is></c>'
