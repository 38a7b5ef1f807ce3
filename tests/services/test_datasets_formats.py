"""The same awkward rows through every format come out as they went in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlm_dash.models import response_hash
from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import mapping_from_pairs, save
from tlm_dash.services.place import OpenStore

Rows = list[tuple[str, str]]

PAIRS = [("prompt", "prompt"), ("response", "response")]


def delimited(delimiter: str, encoding: str, line_end: str) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=line_end)
        writer.writerows([("prompt", "response"), *rows])
        path.write_bytes(buffer.getvalue().encode(encoding))

    return write


def as_objects(rows: Rows) -> list[dict[str, str]]:
    return [{"prompt": prompt, "response": response} for prompt, response in rows]


def write_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in as_objects(rows)), encoding="utf-8")


def write_list(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps(as_objects(rows), ensure_ascii=False, indent=1), encoding="utf-8", newline="")


def write_object(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps({"version": 1, "rows": as_objects(rows)}, indent=1), encoding="utf-8")


def write_parquet(path: Path, rows: Rows) -> None:
    pq.write_table(pa.Table.from_pylist(as_objects(rows)), path)


def write_workbook(path: Path, rows: Rows) -> None:
    book = openpyxl.Workbook()
    for row in [("prompt", "response"), *rows]:
        book.active.append(list(row))
    book.save(path)


FORMATS: dict[str, tuple[str, Callable[[Path, Rows], None]]] = {
    "csv": ("a.csv", delimited(",", "utf-8", "\r\n")),
    "csv with a mark": ("a.csv", delimited(",", "utf-8-sig", "\n")),
    "tsv": ("a.tsv", delimited("\t", "utf-8", "\n")),
    "semicolon": ("a.csv", delimited(";", "utf-8", "\n")),
    "utf-16": ("a.csv", delimited(",", "utf-16", "\n")),
    "jsonl": ("a.jsonl", write_lines),
    "json": ("a.json", write_list),
    "object": ("a.json", write_object),
    "parquet": ("a.parquet", write_parquet),
}

anything = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
# What a spreadsheet can hold: its XML has no control characters, and "=" begins a formula.
in_a_cell = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=40
).filter(lambda text: text.strip() and not text.startswith("=") and "_x" not in text)
AWKWARD = [
    ('a,b;c\td|"quoted" and ""doubled""', "line\nends\r\nof\rall kinds\n"),
    ("\x00 \x1f \x7f \ufdd0 \ufeff", "\u2028\u2029 e\u0301 😀 \u202e"),
    ("{not json", "[1, 2"),
    ("'; DROP TABLE item; --", "NULL"),
    ("nan", "null"),
    ("  leading and trailing  ", " "),
]


def check_round_trip(place: OpenStore, folder: Path, kind: str, rows: Rows) -> None:
    name, write = FORMATS.get(kind) or ("a.xlsx", write_workbook)
    write(folder / name, rows)
    found = inspect(place, [folder / name])
    result = save(place, found, mapping_from_pairs(PAIRS, found.names))
    usable = [(prompt, response) for prompt, response in rows if prompt.strip()]
    assert (result.n_rows_in, result.n_items) == (len(rows), len(usable))
    stored = place.store.read(
        "SELECT i.prompt, k.response, k.response_hash FROM item AS i LEFT JOIN completion AS k "
        "USING (dataset_id, item_no) WHERE i.dataset_id = ? ORDER BY i.item_no",
        [result.dataset_id],
    )
    expected = [
        (prompt, response, response_hash([{"role": "user", "content": prompt}], response))
        for prompt, response in usable
    ]
    assert stored == expected


@pytest.mark.parametrize("kind", FORMATS)
def test_awkward_texts(shared_place: OpenStore, tmp_path: Path, kind: str) -> None:
    check_round_trip(shared_place, tmp_path, kind, AWKWARD)


@pytest.mark.parametrize("kind", FORMATS)
@given(rows=st.lists(st.tuples(anything, anything), min_size=1, max_size=4))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_text(
    shared_place: OpenStore, tmp_path_factory: pytest.TempPathFactory, kind: str, rows: Rows
) -> None:
    if any(prompt.strip() for prompt, _ in rows):
        check_round_trip(shared_place, tmp_path_factory.mktemp("any"), kind, rows)


@given(rows=st.lists(st.tuples(in_a_cell, in_a_cell), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_any_text_of_a_workbook(
    shared_place: OpenStore, tmp_path_factory: pytest.TempPathFactory, rows: Rows
) -> None:
    check_round_trip(shared_place, tmp_path_factory.mktemp("any"), "xlsx", rows)
