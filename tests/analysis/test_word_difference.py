"""Word-level differences: complete, as short as they can be, and cheap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlm_dash.analysis.word_difference import word_difference


def test_one_changed_word_is_one_change() -> None:
    parts = word_difference("The answer is 18 apples.", "The answer is 20 apples.", 100)
    assert parts == [("same", "The answer is"), ("only_a", " 18"), ("only_b", " 20"), ("same", " apples.")]


def test_texts_without_spaces_are_compared_by_character() -> None:
    parts = word_difference("東京は首都", "京都は首都", 100)
    assert ("same", "は首都") in parts
    assert [text for kind, text in parts if kind == "only_a"] == ["東"]


def test_what_is_beyond_the_limit_is_kept_and_named() -> None:
    parts = word_difference("a b c d e", "a b x", 2)
    assert parts == [("same", "a b"), ("cut_a", " c d e"), ("cut_b", " x")]


def test_white_space_alone_is_no_difference() -> None:
    assert word_difference("one  two\n", "one\ntwo", 10) == [("same", "one\ntwo")]
    assert word_difference("", "", 10) == []
    assert word_difference("", "all new", 10) == [("only_b", "all new")]


def longest_common(a: list[str], b: list[str]) -> int:
    row = [0] * (len(b) + 1)
    for word in a:
        new = [0]
        for index, other in enumerate(b):
            new.append(row[index] + 1 if word == other else max(row[index + 1], new[-1]))
        row = new
    return row[-1]


words = st.lists(st.sampled_from("abcd"), max_size=25)


@settings(max_examples=150, deadline=None)
@given(words, words)
def test_both_texts_come_back_and_no_longer_match_exists(a: list[str], b: list[str]) -> None:
    parts = word_difference(" ".join(a), " ".join(b), 100)
    of_a = "".join(text for kind, text in parts if kind in ("same", "only_a"))
    of_b = "".join(text for kind, text in parts if kind in ("same", "only_b"))
    assert of_a.replace(" ", "") == "".join(a)
    assert of_b == " ".join(b)
    n_letters = sum(len(text.replace(" ", "")) for kind, text in parts if kind == "same")
    assert n_letters == longest_common(a, b)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 30))
def test_the_parts_of_b_joined_are_b(a: str, b: str, most: int) -> None:
    parts = word_difference(a, b, most)
    assert "".join(text for kind, text in parts if kind in ("same", "only_b", "cut_b")) == b


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        word_difference("a", "b", 0)
