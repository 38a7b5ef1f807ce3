"""What makes a response the same response: plain text as ever, calls and refusals by what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.finish_reasons import finish_class, is_whole
from tlm_dash.models import response_hash
from tlm_dash.responses import (
    calls_of,
    hash_of_response,
    is_refusal,
    joined_calls,
    told_text,
    without_reasoning,
    written_content,
)

PROMPT = ({"role": "user", "content": "Look."},)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(st.text(max_size=8), json_values, max_size=4)
names = st.text(min_size=1, max_size=12)
calls = st.lists(st.tuples(names, arguments), min_size=1, max_size=3)
contents = st.text(max_size=30)


def call(name: str, arguments: str, **fields: object) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def answer(content: str = "", **message: object) -> tuple[str, dict[str, Any]]:
    """Give text and extra of an answer as the client makes them."""
    extra = {"message": message} if message else {}
    return told_text(content, extra), extra


def hashed(content: str = "", **message: object) -> str:
    return hash_of_response(PROMPT, *answer(content, **message))


def called(said: list[tuple[str, dict[str, Any]]], **dumps: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [call(name, json.dumps(values, **dumps), id=f"call_{n}") for n, (name, values) in enumerate(said)]


@given(contents)
def test_plain_text_keeps_its_hash(text: str) -> None:
    assert hash_of_response(PROMPT, text, {}) == response_hash(PROMPT, text)
    extra = {"id": "x", "message": {"reasoning_content": "hm", "refusal": None, "tool_calls": []}}
    assert hash_of_response(PROMPT, text, extra) == response_hash(PROMPT, text)


@given(contents, calls, st.integers(0, 9))
def test_key_order_spaces_ids_and_reasoning_do_not_count(
    content: str, said: list[tuple[str, dict[str, Any]]], index: int
) -> None:
    turned = [(name, dict(reversed(values.items()))) for name, values in said]
    other = [{**one, "id": "other", "index": index + n} for n, one in enumerate(called(turned, indent=3))]
    first = hashed(content, tool_calls=called(said))
    assert first == hashed(content, tool_calls=other, reasoning_content="Long thoughts.")
    as_objects = [call(name, values, id="z") for name, values in said]  # type: ignore[arg-type]
    assert first == hashed(content, tool_calls=as_objects)


@given(contents, calls, contents, calls)
def test_different_answers_never_share_a_hash(
    content: str,
    said: list[tuple[str, dict[str, Any]]],
    content_2: str,
    said_2: list[tuple[str, dict[str, Any]]],
) -> None:
    same = content == content_2 and json.dumps(said, sort_keys=True) == json.dumps(said_2, sort_keys=True)
    first = hashed(content, tool_calls=called(said))
    assert (first == hashed(content_2, tool_calls=called(said_2))) == same
    # What is shown of a call, and what it is recognised by, could both be answered as text.
    text, extra = answer(content, tool_calls=called(said))
    assert first not in (response_hash(PROMPT, text), hashed(content or "I cannot.", refusal="I cannot."))


@given(contents, calls)
def test_what_the_model_wrote_is_found_again(content: str, said: list[tuple[str, dict[str, Any]]]) -> None:
    text, extra = answer(content, tool_calls=called(said))
    assert written_content(text, extra) == content
    assert told_text(written_content(text, extra), extra) == text


def test_the_order_of_calls_counts() -> None:
    one, two = call("a", "{}"), call("b", "{}")
    assert hashed(tool_calls=[one, two]) != hashed(tool_calls=[two, one])
    assert hashed(tool_calls=[one]) != hashed(tool_calls=[one, one])


def test_an_old_function_call_is_one_call() -> None:
    old = {"name": "look", "arguments": '{"q": 1}'}
    assert hashed(function_call=old) == hashed(tool_calls=[call("look", '{"q":1}', id="t")])
    both = hashed(function_call=old, tool_calls=[call("look", '{"q":1}')])
    assert both == hashed(function_call=old)
    assert hashed(function_call=old, tool_calls=[call("see", "{}")]) != hashed(function_call=old)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1', '{"a": 1 '),  # no JSON: to the letter
        ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":0.1}', '{"a":0.1000000000000000055}'),
        ('{"a":1e400}', '{"a":1e500}'),
        ('{"a":NaN}', '{"a":null}'),
        ('"x"', "x"),
        ("", "{}"),
        ("[" * 5000, "[" * 5001),
        ('{"a":1e9999999999999999999}', '{"a":1}'),
    ],
)
def test_arguments_that_differ_are_different_calls(one: str, other: str) -> None:
    assert hashed(tool_calls=[call("f", one)]) != hashed(tool_calls=[call("f", other)])


def test_a_refusal_is_not_the_same_words_as_text() -> None:
    refused, extra = answer(refusal="I cannot.")
    assert refused == "I cannot." and is_refusal(extra, "stop")
    assert hashed(refusal="I cannot.") != hashed("I cannot.")
    assert hashed(refusal="I cannot.") != hashed("I cannot.", tool_calls=[call("f", "{}")])
    assert hashed(refusal="A.") != hashed(refusal="B.")
    assert not is_refusal({"message": {"refusal": None}}, "stop")
    assert is_refusal({}, "refusal")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"tool_calls": [call("get_weather", '{"city": "Paris"}')]}, 'get_weather(city: "Paris")'),
        ({"tool_calls": [call("a", '{"x":[1,{"y":null}],"z":"ö"}')]}, 'a(x: [1, {"y": null}], z: "ö")'),
        ({"tool_calls": [call("a", "{}"), call("b", "")]}, "a()\nb()"),
        ({"tool_calls": [call("a", "not json")]}, "a(not json)"),
        ({"tool_calls": [call("a", "[1]")]}, "a([1])"),
        ({"tool_calls": [{"type": "custom", "custom": {"name": "sh", "input": "ls -l"}}]}, "sh(ls -l)"),
        ({"function_call": {"name": "look", "arguments": "{}"}}, "look()"),
        ({"tool_calls": [{"odd": 1, "id": "t"}]}, '{"odd":1}'),
    ],
)
def test_calls_are_shown_one_a_line(message: Mapping[str, Any], text: str) -> None:
    assert told_text("", {"message": message}) == text
    assert told_text("So:", {"message": message}) == f"So:\n{text}"


def test_streamed_calls_are_put_together() -> None:
    pieces = [
        {"index": 0, "id": "x", "type": "function", "function": {"name": "look", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"q"'}},
        {"index": 1, "id": "y", "type": "function", "function": {"name": "see", "arguments": "{"}},
        {"index": 0, "function": {"arguments": ": 1}"}},
        {"index": 1, "function": {"name": "see", "arguments": "}"}},
    ]
    found = joined_calls(pieces)
    assert [one["function"] for one in found] == [
        {"name": "look", "arguments": '{"q": 1}'}, {"name": "see", "arguments": "{}"}
    ]  # fmt: skip
    assert joined_calls(found) == found
    whole = [call("a", '{"n":1}', index=0, id="c"), call("a", '{"n":2}', index=0, id="c")]
    assert calls_of({"message": {"tool_calls": whole}}) == whole


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "complete"), ("eos", "complete"), (None, "complete"), ("", "complete"),
        ("newword", "complete"),
        ("length", "cut"), ("MAX_TOKENS", "cut"), ("max_tokens", "cut"), ("model_length", "cut"),
        ("max-output-tokens", "cut"), ("maxTokens", "cut"), ("tool_calls", "call"), ("tool_use", "call"),
        ("content_filter", "withheld"), ("SAFETY", "withheld"), ("PROHIBITED_CONTENT", "withheld"),
        ("refusal", "refused"), ("error", "failed"), ("MALFORMED_FUNCTION_CALL", "failed"),
    ],
)  # fmt: skip
def test_finish_reasons_by_class(reason: str | None, expected: str) -> None:
    assert finish_class(reason) == expected
    assert is_whole(reason) == (expected not in ("cut", "withheld"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>\nLyon?\n</think>\n\nParis.", "Paris."),
        ("<thinking>a</thinking>b", "b"),
        ("<think>never ends", ""),
        ("Paris <think>no</think>", "Paris <think>no</think>"),
        ("  Paris. ", "  Paris. "),
    ],
)
def test_reasoning_in_tags_is_left_out(text: str, left: str) -> None:
    assert without_reasoning(text) == left
