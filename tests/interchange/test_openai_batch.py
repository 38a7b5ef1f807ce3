"""Batch files: every request is a row, every answer finds its request or is named as one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.detection import detect_format, prepare
from tlm_dash.interchange.openai_batch import batch_rows
from tlm_dash.interchange.prepared import Overrides


def request(custom_id: str, text: str) -> dict[str, object]:
    body = {"model": "small", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def answer(custom_id: str, text: str | None, model: str = "small-2026") -> dict[str, object]:
    if text is None:
        return {"custom_id": custom_id, "response": None, "error": {"code": "expired"}}
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"model": model, "choices": [choice], "usage": {"completion_tokens": 3}}
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def lines(tmp_path: Path, name: str, *values: object) -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{v if isinstance(v, str) else json.dumps(v)}\n" for v in values))
    return path


def test_requests_with_the_answers_of_two_models(tmp_path: Path) -> None:
    asked = lines(tmp_path, "in.jsonl", request("a", "Why?"), request("b", "Who?"), request("a", "again"))
    first = lines(tmp_path, "out.jsonl", answer("b", "He."), answer("a", None), answer("z", "?"), "broken")
    second = lines(tmp_path, "other.jsonl", answer("a", "So.", "large"), answer("a", "Twice.", "large"))
    assert {detect_format(path) for path in (asked, first, second)} == {"openai-batch"}
    rows = list(batch_rows([first, asked, second]))
    assert len(rows) == 6 and [row.row_no for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.problem is None for row in rows] == [True, True, False, False, False, False]
    value = rows[0].value
    assert isinstance(value, dict)
    assert value["small-2026"] == {"response": None, "error": '{"code": "expired"}'}
    assert value["large"] == {"response": "So.", "model": "large", "finish_reason": "stop"}
    assert rows[3].problem == "out.jsonl answers 'z', and no request has this custom_id."
    found = prepare([asked, first, second], Overrides(), tmp_path)
    assert {"custom_id", "messages", "small-2026.response", "large.response"} <= set(found.names)
    assert len(found.rejects) == 4


def test_two_files_of_one_model_are_told_apart(tmp_path: Path) -> None:
    asked = lines(tmp_path, "in.jsonl", request("a", "Why?"))
    outputs = [lines(tmp_path, f"{name}.jsonl", answer("a", name)) for name in ("one", "two")]
    (row,) = batch_rows([asked, *outputs])
    assert isinstance(row.value, dict)
    assert {"small-2026 (one)", "small-2026 (two)"} <= row.value.keys()


def test_answers_alone_have_no_prompts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="without the prompts"):
        list(batch_rows([lines(tmp_path, "out.jsonl", answer("a", "So."))]))


def test_several_other_files_are_several_uploads(tmp_path: Path) -> None:
    paths = [lines(tmp_path, name, {"prompt": "x"}) for name in ("a.jsonl", "b.jsonl")]
    with pytest.raises(InvalidInputError, match="one upload only where"):
        prepare(paths, Overrides(), tmp_path)
