"""Delimiter, header and names of text tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.delimited import NO_DELIMITER, prepare_delimited, unique_names
from tlm_dash.interchange.prepared import Overrides, Prepared


def prepared(tmp_path: Path, text: str, *, is_tsv: bool = False, **said: object) -> Prepared:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return prepare_delimited(path, Overrides(**said), tmp_path, is_tsv=is_tsv)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "delimiter", "names"),
    [
        ("a,b\n1,2\n", ",", ("a", "b")),
        ("a;b\n1,5;2,5\n", ";", ("a", "b")),
        ("a\tb\n1, 2\t3\n", "\t", ("a", "b")),
        ("a|b\n1|2\n", "|", ("a", "b")),
        ("prompt\nOne, two, three\n", NO_DELIMITER, ("prompt",)),
        ('a,b\r\n"x\r\ny",2\r\n', ",", ("a", "b")),
        (";id;short\n0;x;y\n", ";", ("column_1", "id", "short")),
        ("a,a,A\n1,2,3\n", ",", ("a", "a_2", "A")),
        ("\ufeffa,b\n1,2\n", ",", ("a", "b")),
    ],
)
def test_found(tmp_path: Path, text: str, delimiter: str, names: tuple[str, ...]) -> None:
    found = prepared(tmp_path, text)
    assert (found.delimiter, found.names, found.has_header) == (delimiter, names, True)


def test_what_a_person_says_wins(tmp_path: Path) -> None:
    found = prepared(tmp_path, "a,b;c\n1,2;3\n", delimiter="semicolon", has_header=False)
    assert (found.delimiter, found.names) == (";", ("column_1", "column_2"))


@pytest.mark.parametrize("delimiter", [",,", "", '"', "\n"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(InvalidInputError, match="not one character"):
        prepared(tmp_path, "a,b\n1,2\n", delimiter=delimiter)


def test_more_columns_than_a_table_has(tmp_path: Path) -> None:
    row = ",".join("x" for _ in range(30_000))
    with pytest.raises(InvalidInputError, match="has 30,000 columns; no more than 2,000"):
        prepared(tmp_path, f"{row}\n{row}\n")


def test_a_first_line_of_data_is_no_header(tmp_path: Path) -> None:
    found = prepared(tmp_path, "What is the capital of France?,Paris\nAnd of Spain?,Madrid\n")
    assert (found.has_header, found.names) == (False, ("column_1", "column_2"))
    assert found.warnings


@pytest.mark.parametrize(("text", "told"), [("\n\n", "is empty"), ("a,b\n", "has a header but no rows")])
def test_nothing_in_it(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        prepared(tmp_path, text)


def test_names_are_unique_whatever_they_are() -> None:
    names = unique_names(["a", "a_2", "a", "", None, "column_4"])
    assert len(set(names)) == 6
