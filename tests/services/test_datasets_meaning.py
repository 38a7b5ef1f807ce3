"""What the rows of a file become, and what of them is not sent, told with its count."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.responses import hash_of_response
from tlm_dash.services import datasets
from tlm_dash.services.dataset_inspection import Said, inspect
from tlm_dash.services.dataset_upload import ImportResult, OpenQuestionsError, check, save
from tlm_dash.services.place import OpenStore

TALKS = [
    [{"role": "user", "content": f"Who built {n}?"}, {"role": "assistant", "content": f"Number {n}."}]
    for n in range(3)
]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}


def imported(place: OpenStore, path: Path) -> ImportResult:
    return save(place, inspect(place, [path]))


def as_csv(columns: dict[str, list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)])
    return text.getvalue()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_an_answer_is_never_sent_back_to_the_model(place: OpenStore, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"talks.{kind}"
    if kind == "csv":
        path.write_text(as_csv({"conversation": [json.dumps(talk) for talk in TALKS]}))
    elif kind == "parquet":
        pq.write_table(pa.table({"conversation": TALKS}), path)
    else:
        rows = [{"conversation": talk} for talk in TALKS]
        path.write_text(json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows)))
    result = imported(place, path)
    assert (result.n_rows_in, result.n_items, len(result.runs)) == (3, 3, 1)
    rows = datasets.page(place, result.dataset_id).rows
    assert [row.prompt for row in rows] == [f"Who built {n}?" for n in range(3)]
    assert place.store.read("SELECT count(*) FROM item WHERE messages IS NOT NULL") == [(0,)]
    texts = place.store.read("SELECT response FROM completion ORDER BY item_no")
    assert texts == [(f"Number {n}.",) for n in range(3)]
    told = (
        "The assistant's last turn in `conversation` of 3 rows is taken as the response `response` "
        "and not sent."
    )
    assert told in result.warnings
    assert told in datasets.show(place, result.dataset_id).warnings


def test_an_answer_that_comes_late_in_the_file_is_a_response(place: OpenStore, tmp_path: Path) -> None:
    talks = [[{"role": "user", "content": f"Who {n}?"}] for n in range(300)]
    talks[280] = TALKS[0]
    path = tmp_path / "late.csv"
    path.write_text(as_csv({"messages": [json.dumps(talk) for talk in talks]}))
    result = imported(place, path)
    assert result.runs[0].response_column == "response"
    assert place.store.read("SELECT item_no, response FROM completion") == [(281, "Number 0.")]


def test_what_of_a_request_is_not_sent_is_told_with_its_count(place: OpenStore, tmp_path: Path) -> None:
    first = {
        "messages": TALKS[0],
        "tools": [TOOL],
        "temperature": 0.5,
        "response_format": {"type": "json_object"},
    }
    rows = [first, {"messages": TALKS[1], "tools": [TOOL]}, {"messages": TALKS[2], "contexts": ["a passage"]}]
    path = tmp_path / "tuning.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = inspect(place, [path])
    told = {
        "`tools` of 2 rows is kept beside the item and not sent.",
        "`temperature` of 1 row is kept beside the item and not sent.",
        "`response_format` of 1 row is kept beside the item and not sent.",
        "`contexts` of 1 row is kept beside the item and not sent.",
    }
    assert told <= set(check(found, found.mapping).notes)
    result = save(place, found)
    assert told <= set(result.warnings)
    extra = datasets.page(place, result.dataset_id).rows[0].extra
    assert json.loads(extra["tools"]) == [TOOL]
    assert json.loads(extra["response_format"]) == {"type": "json_object"}


def test_every_key_of_a_batch_request_is_kept_and_told(place: OpenStore, tmp_path: Path) -> None:
    body = {
        "model": "m",
        "messages": TALKS[0][:1],
        "tools": [TOOL],
        "logit_bias": {"50256": -100},
        "stop": ["x"],
    }
    line = {"custom_id": "r0", "method": "POST", "url": "/v1/chat/completions", "body": body}
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    requests.write_text(json.dumps(line))
    parts = [{"type": "text", "text": "Number "}, {"type": "text", "text": "0."}]
    choice = {"message": {"role": "assistant", "content": parts}, "finish_reason": "stop"}
    answer = {"custom_id": "r0", "response": {"body": {"model": "m", "choices": [choice]}}}
    answers.write_text(json.dumps(answer))
    result = save(place, inspect(place, [requests, answers]))
    for name in ("tools", "logit_bias", "stop"):
        assert f"`{name}` of 1 row is kept beside the item and not sent." in result.warnings
    assert place.store.read("SELECT response FROM completion") == [("Number 0.",)]
    extra = datasets.page(place, result.dataset_id).rows[0].extra
    assert json.loads(extra["body.logit_bias"]) == {"50256": -100}


def test_a_total_below_the_table_is_no_prompt(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "total.csv"
    path.write_text("prompt,response,score\nWhy?,So.,0.9\nAverage,It is one.,0.5\nAverage,,0.7\nTotal:,,\n")
    result = imported(place, path)
    assert (result.n_rows_in, result.n_items) == (4, 2)
    assert [row.row_no for row in result.rejected] == [3, 4]
    assert all("total" in row.reason for row in result.rejected)


def test_nothing_is_stored_where_a_file_has_two_readings(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("prompt,response,expected,reference\nWhy?,So.,x,y\n")
    with pytest.raises(OpenQuestionsError, match="reference answer"):
        imported(place, path)
    assert not datasets.listed(place)
    found = inspect(place, [path], said=Said((("reference", "expected"),)))
    assert not found.questions
    assert save(place, found).mapping["reference"] == "expected"


def test_an_opened_column_without_a_role_is_kept_as_it_was(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "open.csv"
    path.write_text(as_csv({"prompt": ["Why?"], "scores": ['{"factuality": 1}'], "input": ['{"q": "Why?"}']}))
    result = imported(place, path)
    extra = datasets.page(place, result.dataset_id).rows[0].extra
    assert extra == {"scores": '{"factuality": 1}', "input": '{"q": "Why?"}'}


def test_two_different_calls_are_two_responses(place: OpenStore, tmp_path: Path) -> None:
    def answered(arguments: str, call_id: str) -> dict[str, object]:
        call = {"id": call_id, "type": "function", "function": {"name": "look", "arguments": arguments}}
        return {"messages": [*TALKS[0][:1], {"role": "assistant", "content": None, "tool_calls": [call]}]}

    rows = [answered('{"x": 1}', "t1"), answered('{"x":1}', "t2"), answered('{"x": 2}', "t1")]
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    result = imported(place, path)
    assert result.hygiene["empty_responses"] == 0
    stored = place.store.read("SELECT response, response_hash, extra FROM completion ORDER BY item_no")
    assert [text for text, _, _ in stored] == ["look(x: 1)", "look(x: 1)", "look(x: 2)"]
    assert stored[0][1] == stored[1][1] != stored[2][1]
    for row, (text, response_hash, extra) in zip(rows, stored, strict=True):
        message = row["messages"][-1]  # type: ignore[index]
        assert json.loads(extra)["message"]["tool_calls"] == message["tool_calls"]
        assert response_hash == hash_of_response(TALKS[0][:1], text, json.loads(extra))


def test_a_refusal_in_a_field_of_its_own_is_marked(place: OpenStore, tmp_path: Path) -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I will not say."}
    path = tmp_path / "refusals.jsonl"
    path.write_text(
        "\n".join(json.dumps({"messages": [*TALKS[0][:1], last]}) for last in (refused, TALKS[0][1]))
    )
    imported(place, path)
    stored = place.store.read("SELECT response, is_refusal FROM completion ORDER BY item_no")
    assert stored == [("I will not say.", True), ("Number 0.", False)]


@pytest.mark.parametrize("bad", [range(250), range(1_000, 1_250), range(0, 1_300, 9)])
def test_a_bad_score_costs_its_row_wherever_it_stands(place: OpenStore, tmp_path: Path, bad: range) -> None:
    lines = [f"Q{n}?,a,{'failed' if n in bad else 0.5}" for n in range(1_300)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(["prompt,response,trustworthiness_score", *lines]))
    (run,) = imported(place, path).runs
    assert (run.n_items, run.n_scored) == (1_300, 1_300 - len(bad))


def test_what_was_asked_beside_the_prompt_is_told(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "alpaca.csv"
    path.write_text("instruction,input,output\nSummarise.,A long text.,So.\nTranslate.,,Ja.\n")
    result = imported(place, path)
    assert result.mapping == {"prompt": "instruction", "response": "output"}
    assert "`input` of 1 row is kept beside the item and not sent." in result.warnings


def test_a_system_prompt_beside_messages_is_kept_and_told(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "system.jsonl"
    path.write_text(json.dumps({"system": "Be brief.", "messages": TALKS[0][:1]}) + "\n" * 2)
    result = imported(place, path)
    assert "`system` of 1 row is kept beside the item and not sent." in result.warnings
    assert datasets.page(place, result.dataset_id).rows[0].extra == {"system": "Be brief."}


def test_an_id_that_occurs_twice_is_told(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("id,prompt\n1,Why?\n1,Who?\n")
    result = imported(place, path)
    assert "id" not in result.mapping
    assert "'id' is not used as the id of a row: it has the same value more than once." in result.warnings


def test_a_name_stays_on_one_line_and_has_an_end(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(as_csv({"prompt": ["Why?"], "response": ["So."]}))
    assert save(place, inspect(place, [path]), name=" a\nb\tc ").name == "a b c"
    with pytest.raises(InvalidInputError, match="201 characters long") as caught:
        save(place, inspect(place, [path]), name="x" * 201)
    assert "up to 200" in (caught.value.hint or "")


def test_a_call_among_texts_of_a_file_is_an_answer(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    call = {"tool_calls": [{"type": "function", "function": {"name": "look", "arguments": "{}"}}]}
    rows = [{"prompt": "Who?", "response": call}, {"prompt": "Why?", "response": "So."}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    imported(place, path)
    found = place.store.read("SELECT response FROM completion ORDER BY item_no")
    assert found == [("look()",), ("So.",)]
