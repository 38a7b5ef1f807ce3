"""A header is known by its names, and by how it differs from the rows below."""

from __future__ import annotations

from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.detection import prepare
from tlm_dash.interchange.headers import is_header, title_rows
from tlm_dash.interchange.prepared import Overrides

ROWS = [["How many legs has a spider?", "8", "yes"], ["Capital of Peru?", "Lima", "no"]]


@pytest.mark.parametrize(
    "header",
    [
        ["Prompt", "Response", "Correct?"],
        ["prompt", "response", "1"],
        ["prompt", "response", "Is the response correct and complete, and free of contradictions with " * 3],
        ["question", "[openai:gpt-4.1] You are a clerk.\nAnswer in one sentence.\n{{question}}", "ok"],
        ["id?", "expected output", "2026"],
    ],
)
def test_a_known_name_makes_a_header(header: list[str]) -> None:
    assert is_header(header, ROWS) is True


@pytest.mark.parametrize(
    ("first", "below", "told"),
    [
        (["a", "b"], [["1", "2"], ["3", "4"]], True),
        (["1", "2"], [["3", "4"]], False),
        (["Why is it so?", "Because."], [["And who?", "He."], ["Where?", "Here."]], False),
        (["Q1", "a"], [["Q2", "b"], ["Q3", "c"]], False),
        (["left", "right"], [["up", "down"]], None),
        (["prompt", "x"], [["prompt", "y"]], False),
        (["amount", "share"], [["1,5", "12%"], ["2,5", "3%"]], True),
    ],
)
def test_without_one_the_rows_below_tell(first: list[str], below: list[list[str]], told: bool | None) -> None:
    assert is_header(first, below) is told


@pytest.mark.parametrize(
    ("rows", "n_above"),
    [
        ([["Pilot review"], ["June"], ["Prompt", "Response", "ok"], *ROWS], 2),
        ([["Pilot", "", ""], ["", "", ""], ["Prompt", "Response", "ok"], *ROWS], 2),
        ([["# run: pilot, June", "x"], ["Prompt", "Response", "ok"], *ROWS], 1),
        ([["prompt"], ["One", " two", " three"]], 0),
        ([["Prompt", "Response"], *ROWS], 0),
        ([["One line"], ["another line"]], 0),
        ([["One sentence"], ["And, so", "on"]], 0),
    ],
)
def test_titles_stand_above_a_row_of_names(rows: list[list[str]], n_above: int) -> None:
    assert title_rows(rows) == n_above


TITLED = "Pilot review of the mill\nprepared in June\n\nPrompt,Response,Score\nWhy?,So.,0.5\nWho?,He.,0.6\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_titles_are_left_out_and_told(tmp_path: Path) -> None:
    found = prepare([written(tmp_path, TITLED)], Overrides(), tmp_path)
    assert found.names == ("Prompt", "Response", "Score")
    assert "2 lines above the header left out." in found.warnings
    assert found.paths[0].read_text() == TITLED.partition("\n\n")[2]


def test_the_header_row_can_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\nprompt,response\nWhy?,So.\n")
    found = prepare([path], Overrides(has_header=True, header_row=2), tmp_path)
    assert found.names == ("prompt", "response")
    with pytest.raises(InvalidInputError, match="no row 9"):
        prepare([path], Overrides(has_header=True, header_row=9), tmp_path)


@pytest.mark.parametrize("said", [None, 3])
def test_titles_of_a_workbook(tmp_path: Path, said: int | None) -> None:
    book = openpyxl.Workbook()
    for row in (["Pilot review"], ["June"], [], ["Prompt", "Response"], ["Why?", "So."]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = prepare([tmp_path / "a.xlsx"], Overrides(header_row=said), tmp_path)
    assert (found.names, found.rejects) == (("Prompt", "Response"), ())
    assert "2 rows above the header left out." in found.warnings


def test_a_workbook_without_a_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Why?", "So."], ["Who?", "He."]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = prepare([tmp_path / "a.xlsx"], Overrides(has_header=False), tmp_path)
    assert found.names == ("column_1", "column_2")
    assert pq.read_table(found.paths[0])["c0"].to_pylist() == ["Why?", "Who?"]


def test_a_name_of_several_lines_is_a_name(tmp_path: Path) -> None:
    found = prepare(
        [written(tmp_path, 'question,"response in\nplain words"\nWhy?,So.\n')], Overrides(), tmp_path
    )
    assert (found.names, found.layout) == (("question", "response in\nplain words"), "spool")
