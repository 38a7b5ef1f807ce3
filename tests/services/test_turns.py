"""Earlier turns: what is typed or pasted is what is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.turns import build_messages, parse_turns

turn = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=60)}
)


@given(st.lists(turn, max_size=5))
def test_pasted_turns_are_taken_as_they_are(turns: list[dict[str, str]]) -> None:
    assert parse_turns(json.dumps(turns)) == turns


def test_turns_may_span_lines_and_differ_in_case() -> None:
    assert parse_turns("User: one\ntwo\n\n  ASSISTANT : three") == [
        {"role": "user", "content": "one\ntwo"},
        {"role": "assistant", "content": "three"},
    ]


@pytest.mark.parametrize(
    "text", ["hello", "hello\nuser: x", "[1, 2]", "[", '[{"role": "tool", "content": "x"}]']
)
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_turns(text)
    assert "user:" in refused.value.hint


def test_only_what_was_set_is_sent() -> None:
    assert build_messages(" ", "", "Hi") == ({"role": "user", "content": "Hi"},)
