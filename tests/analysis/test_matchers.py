"""Matchers: what they accept, what they do not, and what they cannot tell."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlm_dash.analysis.matchers import MATCHERS, Matcher, aliases, last_number, match, normalized


@pytest.mark.parametrize(
    ("matcher", "response", "reference", "expected"),
    [
        ("exact", " Paris\r\n", "Paris", True),
        ("exact", "paris", "Paris", False),
        ("normalized", "The  U.S.!", "us", True),
        ("normalized", "It's an 'apple'.", "Its apple", True),
        ("normalized", "well-known", "well known", True),
        ("normalized", "Ｐａｒｉｓ", "paris", True),
        ("normalized", "3.5", "35", False),
        ("normalized", "-5", "5", False),
        ("normalized", "1,000 km", "1000 km", True),
        ("normalized", "1,2", "12", False),
        ("normalized", "Paris, France", "Paris", False),
        ("normalized", "anything", "?!", None),
        ("contains", "It is Paris, of course.", "Paris", True),
        ("contains", "Parisian", "Paris", False),
        ("contains", "It is 15.", "5", False),
        ("contains", "It is 3.5 m", "3.5", True),
        ("contains", "Paris", "It is Paris", False),
        ("contains", "whatever", "the", None),
        ("number", "So 16 - 3 = <<16-3=13>>13 eggs. The answer is 18.", "16 left\nA: 18", True),
        ("number", "#### 1,200", "1200", True),
        ("number", "$1,234.50", "1234.5", True),
        ("number", "It costs 18 dollars, not 20.", "18", False),
        ("number", "-3", "3", False),
        ("number", "−3", "-3", True),
        ("number", "from 10-18", "18", True),
        ("number", "16-3=13", "13", True),
        ("number", "3/4", "0.75", True),
        ("number", r"\frac{3}{4}", "3/4", True),
        ("number", "1 1/2 cups", "1.5", True),
        ("number", "2/3", "0.67", False),
        ("number", "50%", "0.5", True),
        ("number", "50", "50 percent", True),
        ("number", "50%", "0.5%", False),
        ("number", "1e3", "1000", True),
        ("number", "none of them", "4", False),
        ("number", "4", "four", None),
        ("number", "1/0", "1", True),
        ("aliases", "I think it is JFK.", '["John F. Kennedy", "JFK"]', True),
        ("aliases", "It was John F Kennedy", '["John F. Kennedy", "JFK"]', True),
        ("aliases", "Nixon", "Kennedy; JFK | John Kennedy", False),
        ("aliases", "Kennedy", "JFK;Kennedy", True),
        ("aliases", "[1", "[1", True),
        ("aliases", "7", "[7, 8]", True),
        ("aliases", "x", "[]", None),
    ],
)
def test_cases(matcher: Matcher, response: str, reference: str, expected: bool | None) -> None:  # noqa: FBT001
    assert match(matcher, response, reference) is expected


@pytest.mark.parametrize("matcher", MATCHERS)
@pytest.mark.parametrize("reference", [None, "", " \n"])
def test_without_a_reference(matcher: Matcher, reference: str | None) -> None:
    assert match(matcher, "Paris", reference) is None


@given(st.sampled_from(MATCHERS), st.text(), st.text())
@settings(deadline=None)
def test_any_text_is_taken(matcher: Matcher, response: str, reference: str) -> None:
    assert match(matcher, response, reference) in (True, False, None)
    assert match(matcher, reference, reference) is not False


@given(st.text())
@settings(deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


@given(st.lists(st.text(min_size=1)))
@settings(deadline=None)
def test_aliases_are_read_from_json(names: list[str]) -> None:
    assert aliases(json.dumps(names)) == tuple(names)


@given(st.fractions(max_denominator=1000), st.sampled_from(["x is {}", "{}.", "A: {} apples"]))
@settings(deadline=None)
def test_numbers_are_read_as_they_are(value: Fraction, sentence: str) -> None:
    found = last_number(sentence.format(value))
    assert found == (value, False)
