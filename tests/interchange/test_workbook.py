"""Workbooks: which sheet, formulas, empty and wide rows, and what is no workbook."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.workbook import sheet_of


def workbook(tmp_path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def test_the_sheet_that_holds_most_is_taken(tmp_path: Path) -> None:
    rows = [["prompt", "", "prompt"], ["Why?", 1.0, "so"], [None, None, None], ["Who?", 0.5, None]]
    path = workbook(tmp_path, Notes=[["read me"]], Data=rows)
    sheet, names = sheet_of(path, None)
    assert (sheet.name, names, sheet.names) == ("Data", ("Notes", "Data"), ("prompt", "column_2", "prompt_2"))
    assert [row.value for row in sheet.rows] == [
        {"prompt": "Why?", "column_2": 1, "prompt_2": "so"},
        {"prompt": "Who?", "column_2": 0.5, "prompt_2": None},
    ]
    assert sheet_of(path, "Notes")[0].names == ("read me",)
    with pytest.raises(InvalidInputError, match="no sheet 'None'"):
        sheet_of(path, "None")


def test_formulas_without_a_result_are_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path, A=[["prompt", "score"], ["Why?", "=1/2"], ["=HYPERLINK", 3]])
    assert sheet_of(path, None)[0].n_unknown == 2


def test_dates_and_rows_that_are_too_wide(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 - cells of a workbook have no zone
    path = workbook(tmp_path, A=[["prompt", "at"], ["Why?", at], ["a", "b", "c"]])
    first, second = sheet_of(path, None)[0].rows
    assert first.value == {"prompt": "Why?", "at": "2026-01-02 03:04:00"}
    assert second.problem == "The row has more cells than the header." and second.content == "a | b | c"


def test_a_sheet_wider_than_a_table_is(tmp_path: Path) -> None:
    path = workbook(tmp_path, A=[["prompt", *[None] * 2_000, "far"], ["Why?"]])
    with pytest.raises(InvalidInputError, match="The sheet 'A' has 2,002 columns; no more than 2,000"):
        sheet_of(path, None)


def test_no_workbook(tmp_path: Path) -> None:
    archive = tmp_path / "a.xlsx"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "text")
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(workbook(tmp_path, A=[["a"], ["b"]]).read_bytes()[:2000])
    for path, told in ((archive, "an archive"), (broken, "damaged")):
        with pytest.raises(InvalidInputError, match=told):
            sheet_of(path, None)
    with pytest.raises(InvalidInputError, match="is empty"):
        sheet_of(workbook(tmp_path, A=[]), None)
