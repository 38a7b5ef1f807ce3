"""Text tables with something wrong in them: one bad row costs one row, and rows in are items and rejects."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlm_dash.interchange import delimited, untidy
from tlm_dash.interchange.delimited import table_delimiter
from tlm_dash.interchange.spool import Row
from tlm_dash.interchange.untidy import untidy_rows


def rows_of(folder: Path, data: bytes, width: int = 2, *, keeps_empty: bool = False) -> list[Row]:
    path = folder / "a.csv"
    path.write_bytes(data)
    names = [f"c{number}" for number in range(width)]
    return list(untidy_rows(path, names, ",", has_header=False, keeps_empty=keeps_empty))


def cells(rows: list[Row]) -> list[list[str | None] | None]:
    return [list(row.value.values()) if isinstance(row.value, dict) else None for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,"b"\n1,2\n', [["a", "b"], ["1", "2"]]),
        ('a,"open\n1,2\n3,"4"\n', [None, ["1", "2"], ["3", "4"]]),
        ('a,"open\n1,2', [None, ["1", "2"]]),
        ('a,"b" c\n1,2\n', [None, ["1", "2"]]),
        ('a,5" pipe\n1,2\n', [["a", '5" pipe'], ["1", "2"]]),
        ('"a\nb","c\r\nd"\r1,2\n\n3,4', [["a\nb", "c\r\nd"], ["1", "2"], ["3", "4"]]),
        ('"a\nb"\n1,2\n', [None, None, ["1", "2"]]),
        ('1,2,3\n1,"",\n', [None, None]),
        ('"say ""so""",""\n', [['say "so"', None]]),
    ],
)
def test_records(tmp_path: Path, text: str, expected: list[list[str | None] | None]) -> None:
    rows = rows_of(tmp_path, text.encode())
    assert cells(rows) == expected
    assert [row.row_no for row in rows] == list(range(1, len(expected) + 1))
    assert all(row.problem for row in rows if row.value is None)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b"\xef\xbb\xbfa,b\n\xff\xfe,2\n3,4\n")
    assert cells(rows) == [["a", "b"], None, ["3", "4"]]
    assert "encoding" in (rows[1].problem or "")


def test_empty_and_nothing(tmp_path: Path) -> None:
    assert cells(rows_of(tmp_path, b'"",\n', keeps_empty=True)) == [["", None]]


def test_a_row_without_an_end_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untidy, "_PIECE_BYTES", 50)
    monkeypatch.setattr(untidy, "MOST_RECORD_BYTES", 1000)
    long, lines = b"x" * 5000, b"y,z\n" * 1000
    rows = rows_of(tmp_path, b"1,2\n" + long + b",2\n3,4\n" + b'5,"open\n' + lines)
    assert cells(rows)[:5] == [["1", "2"], None, ["3", "4"], None, ["y", "z"]]
    assert (rows[1].problem, len(rows)) == ("The row is too long.", 1004)


cell = st.text(alphabet=st.sampled_from(list('ab",\n\r \t') + ["é", "😀"]), max_size=12)


@given(
    table=st.lists(st.lists(cell, min_size=3, max_size=3), min_size=1, max_size=20), piece=st.integers(1, 60)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tidy_tables_come_back(tmp_path: Path, table: list[list[str]], piece: int) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untidy, "_PIECE_BYTES", piece)
        rows = rows_of(tmp_path, buffer.getvalue().encode(), 3, keeps_empty=True)
    assert cells(rows) == table


@given(text=st.text(alphabet=st.sampled_from(list('ab",\n')), max_size=60))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_ends_in_rows(tmp_path: Path, text: str) -> None:
    """Whatever it is, no line is lost: what is no row of two cells is a problem with its own line."""
    rows = rows_of(tmp_path, text.encode())
    held = sum(row.content.count("\n") + (not row.content.endswith("\n")) for row in rows)
    lines = text.split("\n")
    n_lines = len(lines) - (lines[-1] == "")
    n_empty = sum(1 for line in lines if line == "") - (lines[-1] == "")
    assert n_lines - n_empty <= held <= n_lines


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("prompt,topic\nWhy?,a\nWho?,b\n", ","),
        ("question\tanswer\nWhy?\tSo.\n", "\t"),
        ("Frage;prompt\n1;2\n", ";"),
        ("left\tright\n1\t2\n", "\t"),
        ("Why is it so, and not so?\nWell, who knows?\n", None),
        ("Tell me a story\nTell me two\n", None),
        ("name,place\nAnn,Rome\n", None),
        ("prompt,topic\nWhy, then?,a\n", None),
    ],
)
def test_a_table_without_an_ending(text: str, delimiter: str | None) -> None:
    assert table_delimiter(text) == delimiter


def test_how_long_a_row_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_SURELY_BYTES", 100)
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(delimited, "_MOST_BYTES", 640)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" * 100)
    assert delimited._longest_row(path) == 128
    path.write_text("a,b\n" * 100 + '"' + "line\n" * 50 + '",b\n')
    longest = delimited._longest_row(path)
    assert longest is not None and 250 <= longest <= 640
    path.write_text("a,b\n" + '"' + "line\n" * 200 + '",b\n')
    assert delimited._longest_row(path) is None
