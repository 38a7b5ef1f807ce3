"""Rows of JSON in all its shapes, whole and broken."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.detection import Overrides, detect_format, prepare
from tlm_dash.interchange.json_rows import is_json_lines, json_table, line_rows
from tlm_dash.interchange.spool import cell_text, flat, spool

row = st.dictionaries(st.text(max_size=8), st.text() | st.none() | st.integers() | st.booleans(), max_size=4)


def written(tmp_path: Path, text: str, name: str = "a.json") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_lines() -> None:
    rows = list(line_rows(io.StringIO('{"a": 1}\n\n{"a": NaN}\nnot json\n"text"\n')))
    assert [(r.row_no, r.problem is None) for r in rows] == [(1, True), (2, True), (3, False), (4, True)]
    assert rows[2].problem is not None and "Line 4" in rows[2].problem


@given(st.lists(row, max_size=5))
def test_a_list_gives_its_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    path = written(tmp_path_factory.mktemp("list"), json.dumps(rows, indent=1, ensure_ascii=False))
    assert [found.value for found in json_table(path, "utf-8", None).rows] == rows


@pytest.mark.parametrize("rest", ["", ",", ', {"a": '])
def test_a_list_that_breaks_off_keeps_what_came_before(tmp_path: Path, rest: str) -> None:
    text = '[{"a": 1}, {"a": 2}' + rest
    rows = list(json_table(written(tmp_path, text), "utf-8", None).rows)
    assert [found.value for found in rows[:2]] == [{"a": 1}, {"a": 2}]
    assert len(rows) == 3 and rows[2].problem is not None


def test_values_larger_than_a_piece(tmp_path: Path) -> None:
    rows = [{"a": "x" * 3_000_000}, {"a": "y"}, {"a": "z" * 1_500_000}]
    path = written(tmp_path, json.dumps(rows))
    assert [found.value for found in json_table(path, "utf-8", None).rows] == rows


def test_rows_under_a_key(tmp_path: Path) -> None:
    path = written(tmp_path, '{"version": 2, "few": [{"a": 1}], "data": {"rows": [{"a": 1}, {"a": 2}]}}')
    found = json_table(path, "utf-8", None)
    assert (found.key, found.keys) == ("data.rows", ("few", "data.rows"))
    assert len(list(found.rows)) == 2
    assert len(list(json_table(path, "utf-8", "few").rows)) == 1
    with pytest.raises(InvalidInputError, match="no rows under 'many'"):
        json_table(path, "utf-8", "many")


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": ', "true", '{"a": [1, 2]}'])
def test_no_rows(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInputError):
        json_table(written(tmp_path, text), "utf-8", None)


def test_lines_are_told_from_one_value() -> None:
    assert is_json_lines('{"a": 1}\n{"a": 2}\n', is_whole=True)
    assert is_json_lines('{"a": 1}\nbroken\n{"a": 2}\n{"a": 3}\n', is_whole=True)
    assert not is_json_lines('{\n "a": 1,\n "b": [2]\n}\n', is_whole=True)
    assert not is_json_lines('[\n{"a": 1},\n{"a": 2}\n]\n', is_whole=True)


def test_a_first_line_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    row = {"response": "x" * 600_000, "messages": [{"role": "user"}]}
    text = f"{json.dumps(row)}\n" + '{"response": "short"}\n' * 3
    assert detect_format(written(tmp_path, text, "a.jsonl")) == "jsonl"
    assert detect_format(written(tmp_path, "\n" + text, "a.txt")) == "jsonl"
    one_object = json.dumps({"note": "x" * 600_000, "rows": [{"a": 1}]})
    assert detect_format(written(tmp_path, f"{one_object}\n", "a.json")) == "json"


def test_flat() -> None:
    cells = dict(
        flat({"q": "x", "gpt": {"pred": "a", "ok": True}, "list": [1, "é"], "none": None, "empty": {}})
    )
    assert cells == {
        "q": "x", "gpt.pred": "a", "gpt.ok": "true", "list": '[1, "é"]', "none": None, "empty": "{}",
    }  # fmt: skip
    whole = dict(flat({"a": {"role": "user", "content": "x"}, "body": {"response_format": {"type": "json"}}}))
    assert whole == {"a": '{"role": "user", "content": "x"}', "body.response_format": '{"type": "json"}'}
    assert (cell_text(float("nan")), cell_text(0.1), cell_text(12)) == (None, "0.1", "12")


def test_half_emoji_are_replaced_and_counted(tmp_path: Path) -> None:
    found = spool(line_rows(io.StringIO('{"a": "x\\ud83d"}\n{"a": "y"}\n')), tmp_path)
    assert (found.n_rows, found.n_surrogates, len(found.rejects)) == (2, 1, 0)


def test_too_many_keys(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({f"key {n}": n}) for n in range(2500))
    with pytest.raises(InvalidInputError, match="different keys"):
        spool(line_rows(io.StringIO(lines)), tmp_path)


def test_of_choices_the_likeliest_is_the_answer_of_lm_eval() -> None:
    sample = {
        "target": 1, "arguments": {"gen_args_0": {"arg_1": " A"}, "gen_args_1": {"arg_1": " B"}},
        "filtered_resps": [["-3.2", "False"], ["-1.2", "False"]],
    }  # fmt: skip
    (row,) = line_rows(io.StringIO(json.dumps(sample)))
    assert isinstance(row.value, dict)
    assert (row.value["filtered_resps"], row.value["target"]) == ("B", "B")


def test_the_only_answer_of_a_sample_of_lm_eval_is_the_response_itself() -> None:
    answers: list[object] = [["so\n"], ["so", "then"], [["-1.5", "False"]], [], "so"]
    lines = "".join(json.dumps({"filtered_resps": part, "other": ["x"]}) + "\n" for part in answers)
    found = [row.value for row in line_rows(io.StringIO(lines))]
    assert found == [{"filtered_resps": part, "other": ["x"]} for part in ["so\n", *answers[1:]]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a":' * 3_000 + "1" + "}" * 3_000, "too deeply nested"),
        ('{"rows": [{"prompt": "a", "n": ' + "9" * 5_000 + "}]}", "a number has too many digits"),
        ("[{}, {}]", "nothing that has a name"),
    ],
)
def test_trouble_is_told_in_words_about_the_file(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=told) as caught:
        prepare([path], Overrides(), tmp_path)
    assert "recursion" not in caught.value.message and "sys." not in caught.value.message


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = Path(f"{tmp_path}/b\udcffad.jsonl")  # the byte FF, as Python names such files
    path.write_text('{"prompt": "Why?"}\n')
    with pytest.raises(InvalidInputError, match="not in UTF-8") as caught:
        prepare([path], Overrides(), tmp_path)
    assert "Rename" in (caught.value.hint or "")
