"""A table in JSON gives the same rows, whichever way it lies: none is lost, none is mixed with another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.detection import prepare
from tlm_dash.interchange.prepared import Overrides, Prepared

Table = tuple[list[str], list[list[str]]]

NAMES = ("prompt", "response", "note", "Über uns", "x")
cell = st.text(max_size=12).filter(lambda text: text not in NAMES)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    names = ["prompt", "response", *draw(st.lists(st.sampled_from(NAMES[2:]), unique=True, max_size=2))]
    rows = draw(st.lists(st.lists(cell, min_size=len(names), max_size=len(names)), min_size=2, max_size=6))
    return names, rows


def records(table: Table) -> list[dict[str, str]]:
    names, rows = table
    return [dict(zip(names, row, strict=True)) for row in rows]


def by_column(table: Table) -> dict[str, list[str]]:
    names, rows = table
    return {name: [row[number] for row in rows] for number, name in enumerate(names)}


ORIENTATIONS: dict[str, Callable[[Table], str]] = {
    "objects": lambda t: json.dumps(records(t)),
    "pretty objects": lambda t: json.dumps(records(t), indent=2, ensure_ascii=False),
    "objects under a key": lambda t: json.dumps({"version": 2, "data": {"rows": records(t)}}),
    "lines of objects": lambda t: "\n".join(map(json.dumps, records(t))),
    "lists with a header": lambda t: json.dumps([t[0], *t[1]]),
    "lists with a header under a key": lambda t: json.dumps({"rows": [t[0], *t[1]]}),
    "lines of lists": lambda t: "\n".join(map(json.dumps, [t[0], *t[1]])),
    "lists by column": lambda t: json.dumps(by_column(t)),
    "lists by column under a key": lambda t: json.dumps({"meta": {"a": 1}, "data": by_column(t)}),
    "columns and data": lambda t: json.dumps({"columns": t[0], "index": [*range(len(t[1]))], "data": t[1]}),
    "objects by row": lambda t: json.dumps({f"q{n}": row for n, row in enumerate(records(t))}),
    "objects by row number": lambda t: json.dumps({str(n): row for n, row in enumerate(records(t))}),
    "objects by column": lambda t: json.dumps(
        {name: {str(n): part for n, part in enumerate(cells)} for name, cells in by_column(t).items()}
    ),
}  # fmt: skip


def written(folder: Path, text: str, has_header: bool | None = None) -> Prepared:  # noqa: FBT001
    path = folder / "table.json"
    path.write_text(text, encoding="utf-8", newline="")
    return prepare([path], Overrides(has_header=has_header), folder)


def rows_of(found: Prepared) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = []
    for path in found.paths:
        for part in pq.read_table(path).to_pylist():
            rows.append({name: part.get(f"c{number}") for number, name in enumerate(found.names)})
    return rows


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@given(table=tables())
def test_every_orientation_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, orientation: str, table: Table
) -> None:
    found = written(tmp_path_factory.mktemp("table"), ORIENTATIONS[orientation](table))
    rows = [{name: row[name] for name in table[0]} for row in rows_of(found)]
    assert rows == records(table)
    assert not found.rejects and not found.is_header_open


@pytest.mark.parametrize("orientation", ["objects", "lists with a header", "pretty objects"])
def test_what_follows_the_table_is_a_reject(tmp_path: Path, orientation: str) -> None:
    table = (["prompt", "response"], [["Why?", "So."], ["Who?", "He."]])
    found = written(tmp_path, ORIENTATIONS[orientation](table) + ' {"prompt": "lost"}')
    assert rows_of(found) == records(table)
    assert [(row.row_no, row.content) for row in found.rejects] == [(3, '{"prompt": "lost"}')]


def test_rows_that_are_not_as_wide_as_the_others(tmp_path: Path) -> None:
    found = written(tmp_path, '[["prompt", "response"], ["Why?"], ["Who?", "He.", "more"], "text", 7]')
    assert rows_of(found) == [{"prompt": "Why?", "response": None}, {"prompt": "text", "response": None}]
    assert [(row.row_no, row.content) for row in found.rejects] == [(2, '["Who?", "He.", "more"]'), (4, "7")]


def test_lists_without_a_header_have_columns_without_names(tmp_path: Path) -> None:
    found = written(tmp_path, '{"rows": [["Q1", "a"], ["Q2", "b"]]}')
    assert (found.names, found.is_header_open) == (("column_1", "column_2"), False)
    assert len(rows_of(found)) == 2


def test_where_a_first_row_may_be_either_it_is_open(tmp_path: Path) -> None:
    text = '[["left", "right"], ["up", "down"], ["in", "out"]]'
    assert written(tmp_path, text).is_header_open
    named = written(tmp_path, text, has_header=True)
    assert (named.names, named.is_header_open, len(rows_of(named))) == (("left", "right"), False, 2)
    plain = written(tmp_path, text, has_header=False)
    assert (plain.names, plain.is_header_open, len(rows_of(plain))) == (("column_1", "column_2"), False, 3)


def test_the_longest_table_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    few, many = [{"prompt": "few"}], [{"prompt": "one"}, {"prompt": "two"}]
    found = written(tmp_path, json.dumps({"few": few, "all": {"many": many}}))
    assert (found.sheet, found.sheets, len(rows_of(found))) == ("all.many", ("few", "all.many"), 2)
    assert any("'few' (1)" in warning for warning in found.warnings)


def test_what_is_said_once_for_the_file_is_named(tmp_path: Path) -> None:
    found = written(tmp_path, '{"model": "m", "prompts": ["a", "b"], "responses": ["c", "d"]}')
    assert rows_of(found) == [{"prompts": "a", "responses": "c"}, {"prompts": "b", "responses": "d"}]
    assert any("`model`" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"prompt": ["a", "b"], "response": ["c"]}', "different numbers of rows: prompt 2, response 1"),
        ('{"prompt": {"response": "a"}, "response": {"prompt": "b", "response": "c"}}', "may both name"),
    ],
)
def test_tables_that_cannot_be_one(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        written(tmp_path, text)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]},
        {"prompt": "Why?", "contexts": ["a", "b"], "tags": ["x", "y"]},
        {"question": "Why?", "gpt": {"answer": "So."}, "llama": {"answer": "No."}},
    ],
)  # fmt: skip
def test_one_row_alone_is_a_row(tmp_path: Path, row: dict[str, Any]) -> None:
    assert len(rows_of(written(tmp_path, json.dumps(row)))) == 1


def test_a_list_of_conversations_is_one_conversation_a_row(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Why?"}]
    found = written(tmp_path, json.dumps([talk, talk]))
    assert [json.loads(row["messages"] or "") for row in rows_of(found)] == [talk, talk]


def test_events_of_an_evals_log_are_joined(tmp_path: Path) -> None:
    def event(number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "run_id": "r",
            "event_id": number,
            "sample_id": f"s.{number // 2}",
            "type": kind,
            "data": data,
        }

    asked = [{"role": "user", "content": "Why?"}]
    lines = [
        {"spec": {"completion_fns": ["m"], "eval_name": "e"}},
        event(0, "sampling", {"prompt": asked, "sampled": ["So."]}),
        event(1, "match", {"correct": True, "expected": "So."}),
        event(2, "sampling", {"prompt": "Who?", "sampled": ["He."]}),
        event(3, "match", {"correct": False, "expected": "She."}),
        {"final_report": {"accuracy": 0.5}},
    ]
    found = written(tmp_path, "\n".join(map(json.dumps, lines)) + "\nnot json\n")
    rows = [{key: part for key, part in row.items() if part is not None} for row in rows_of(found)]
    assert rows == [
        {"sample_id": "s.0", "model": "m", "messages": json.dumps(asked), "response": "So.",
         "correct": "true", "expected": "So."},
        {"sample_id": "s.1", "model": "m", "prompt": "Who?", "response": "He.", "correct": "false",
         "expected": "She."},
    ]  # fmt: skip
    assert [row.row_no for row in found.rejects] == [3]
    assert any("6 events (1 spec, 2 sampling, 2 match, 1 final_report)" in told for told in found.warnings)
