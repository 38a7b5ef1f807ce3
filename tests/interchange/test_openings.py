"""Cells that hold a value, a message or a conversation are read as that; the last turn is the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tlm_dash.interchange.conversations import conversation_of, message_of
from tlm_dash.interchange.openings import find_openings, is_hidden, opened

USER = {"role": "user", "content": "Who?"}
CALL = {"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}


def columns_of(**cells: object) -> dict[str, str | None]:
    """Open one row: gives its columns as a person sees them."""
    texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells.values()]
    openings = find_openings(list(cells), [texts], lambda _: False)
    names, (row,) = opened(list(cells), [texts], openings)
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize(
    ("turns", "prompt", "response"),
    [
        ([USER, {"role": "assistant", "content": "He."}], [USER], "He."),
        ([{"from": "system", "value": "Be brief."}, {"from": "human", "value": "Who?"},
          {"from": "gpt", "value": "He."}],
         [{"role": "system", "content": "Be brief."}, USER], "He."),
        ([USER, {"role": "model", "parts": [{"text": "He"}, {"text": "."}]}], [USER], "He."),
        ([USER, {"role": "assistant", "content": [{"type": "text", "text": "He."}]}], [USER], "He."),
        ([USER, {"role": "assistant", "content": None, "refusal": "I will not."}], [USER], "I will not."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["messages", "conversations", "turns", "chat"])
def test_the_last_turn_of_an_assistant_is_the_response(
    name: str, turns: list[Any], prompt: list[Any], response: str
) -> None:
    found = columns_of(**{name: turns})
    assert list(found) == [name, "response"]
    assert (json.loads(found[name] or ""), found["response"]) == (prompt, response)


def test_a_response_column_keeps_its_name() -> None:
    found = columns_of(messages=[USER, {"role": "assistant", "content": "He."}], response="She.")
    assert (found["messages.response"], found["response"]) == ("He.", "She.")


def test_turns_before_the_answer_stay_with_calls_and_tools() -> None:
    before = [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]},
              {"role": "tool", "tool_call_id": "t1", "content": "data"}]  # fmt: skip
    found = columns_of(messages=[*before, {"role": "assistant", "content": "He."}])
    assert (json.loads(found["messages"] or ""), found["response"]) == (before, "He.")
    assert columns_of(messages=before) == {"messages": json.dumps(before)}


def test_what_an_answer_has_beside_its_text_goes_along() -> None:
    cell = json.dumps([USER, {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None}])
    (opening,) = find_openings(["messages"], [[cell]], lambda _: False)
    names, cells = opening.names, opening.read(cell)
    assert names[:2] == ("messages", "response") and is_hidden(names[2])
    assert json.loads(cells[2] or "") == {"tool_calls": [CALL]}


def test_conversations_whose_answers_come_late_are_found() -> None:
    asked: list[str] = []
    cell = json.dumps([USER])
    assert find_openings(["messages"], [[cell]], lambda name: bool(asked.append(name))) == ()
    assert asked == ["messages"]
    (opening,) = find_openings(["messages"], [[cell]], lambda _: True)
    assert opening.read(cell)[1:] == (None, None)


def test_two_conversations_are_two_answers_to_one_prompt() -> None:
    one, other = (
        [USER, {"role": "assistant", "content": "He."}],
        [USER, {"role": "assistant", "content": "She."}],
    )
    found = columns_of(a=one, b=other)
    assert (found["a.response"], found["b.response"]) == ("He.", "She.")
    elsewhere = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    assert columns_of(a=one, b=elsewhere)["b.response"] is None


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ({"question": "Who?"}, "Who?"),
        ("{'question': 'Who?'}", "Who?"),
        ({"a": {"b": "Who?"}}, "Who?"),
        ({"n": 12}, "12"),
        ({"a": "x", "b": "y"}, '{"a": "x", "b": "y"}'),
        ("[not json", "[not json"),
        ("{'a': open('x')}", "{'a': open('x')}"),
        ({"role": "assistant", "content": "He."}, "He."),
        ([{"role": "assistant", "content": "He."}], "He."),
        ([{"index": 0, "message": {"role": "assistant", "content": "He."}}], "He."),
        ({"choices": [{"message": {"content": "He."}}]}, "He."),
        ([{"type": "text", "text": "He."}], "He."),
        ([{"type": "reasoning"},
          {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "He."}]}],
         "He."),
        ([{"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}], "look()"),
        (["He.", "She."], '["He.", "She."]'),
    ],
)  # fmt: skip
def test_a_cell_is_what_it_holds(cell: object, value: str) -> None:
    assert columns_of(cell=cell) == {"cell": value}


def test_a_model_that_answers_with_an_object_is_quoted_as_it_stands() -> None:
    assert columns_of(response={"sentiment": "good"}) == {"response": '{"sentiment": "good"}'}
    assert columns_of(output={"answer": "good"}) == {"output": "good"}


def test_the_verdict_of_one_person_is_the_value() -> None:
    found = columns_of(quality=[{"value": "good", "user_id": "u-1"}])
    assert found == {"quality": "good", "quality.user_id": "u-1"}
    several = [{"value": "good", "user_id": "u-1"}, {"value": "bad", "user_id": "u-2"}]
    assert columns_of(quality=several) == {"quality": json.dumps(several)}


def test_why_an_answer_ended_comes_with_its_choice() -> None:
    found = columns_of(
        choices=[{"index": 0, "message": {"role": "assistant", "content": "H"}, "finish_reason": "length"}]
    )
    assert found == {"choices": "H", "choices.finish_reason": "length"}


def test_lists_that_are_no_turns() -> None:
    assert conversation_of([{"role": "user"}]) is None
    assert conversation_of([]) is None
    assert message_of({"content": "x"}) is None
    called = message_of({"from": "function_call", "value": '{"name": "look", "arguments": {"x": 1}}'})
    assert called is not None and called["tool_calls"][0]["function"]["name"] == "look"


def test_calls_alone_are_an_answer_of_the_assistant() -> None:
    found = columns_of(prompt="Who?", response={"tool_calls": [CALL]})
    assert found["response"] == "look(x: 1)"
    assert (
        columns_of(prompt="Who?", response={"tool_calls": 3, "n": 1})["response"]
        == '{"tool_calls": 3, "n": 1}'
    )


@pytest.mark.parametrize("name", ["response", "answer", "model_response"])
def test_a_text_among_messages_leaves_them_messages(name: str) -> None:
    cells = [json.dumps({"role": "assistant", "content": "He."}), "ERROR: timeout", json.dumps({"n": 1})]
    rows = [[cell] for cell in cells]
    names, read = opened([name], rows, find_openings([name], rows, lambda _: False))
    assert (names, [row[0] for row in read]) == ((name,), ["He.", cells[1], cells[2]])


def test_a_prompt_that_quotes_a_message_stays_as_it_is() -> None:
    rows = [[json.dumps({"role": "assistant", "content": "He."})], ["Why?"]]
    assert find_openings(["prompt"], rows, lambda _: False) == ()
