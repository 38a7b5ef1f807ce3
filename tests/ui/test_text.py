"""What is shown of untrusted text, times, scores and sizes."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.ui.text import (
    ago,
    amount,
    beginning,
    duration,
    file_size,
    one_line,
    roughly,
    score_text,
    visible,
)

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text() | st.text(alphabet=BIDI + "a\u0000\u001b\u200b\ufeff\n"))
def test_nothing_hidden_stays_and_nothing_visible_goes(text: str) -> None:
    shown = visible(text)
    assert not set(shown) & set(BIDI)
    for character in shown:
        assert unicodedata.category(character) not in ("Cc", "Cs") or character in "\n\t"
    kept = [c for c in text if c.isalnum() or c in "⟨⟩"]
    escaped = iter(shown)
    assert all(character in escaped for character in kept)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("null\x00", "null⟨U+0000⟩"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("lone\rreturn", "lone⟨U+000D⟩return"),
        ("zero\u200bwidth \u200d joiner", "zero⟨U+200B⟩width ⟨U+200D⟩ joiner"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("half\ud83d", "half⟨U+D83D⟩"),
        ("plain **bold** <b>", "plain **bold** <b>"),
    ],
)
def test_examples_of_visible_text(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("score", "shown"),
    [(0.5, "0.500"), (0.0, "0.000"), (1.0, "1.000"), (0.99999, "0.99999"), (0.9999999, "0.9999999"),
     (0.9994, "0.999"), (0.9996, "0.9996"), (0.00004, "0.00004"), (0.12345, "0.123")],
)  # fmt: skip
def test_a_score_reads_as_0_or_1_only_when_it_is(score: float, shown: str) -> None:
    assert score_text(score) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(None, "—"), (0.4, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_949, "59.9 s"), (59_960, "1 min 0 s"),
     (125_000, "2 min 5 s"), (179_900, "3 min 0 s")],
)  # fmt: skip
def test_durations(milliseconds: float | None, shown: str) -> None:
    assert duration(milliseconds) == shown


def test_how_long_ago() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    seconds = {5: "just now", 60: "1 minute ago", 7_300: "2 hours ago", 90_000: "1 day ago", -5: "just now"}
    assert {s: ago(now - timedelta(seconds=s), now) for s in seconds} == seconds


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (537_000, "537 kB"), (81_500_000_000, "81.5 GB")],
)
def test_sizes(size: int, shown: str) -> None:
    assert file_size(size) == shown


@given(st.text(max_size=300), st.integers(min_value=5, max_value=80))
def test_one_line_is_one_line_and_short(text: str, most: int) -> None:
    shown = one_line(text, most)
    assert "\n" not in shown and len(shown) <= most


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "1 s"), (89, "89 s"), (90, "2 min"), (2040, "34 min"), (5399, "90 min"), (5400, "2 h"),
     (172_000, "48 h"), (200_000, "2 days")],
)  # fmt: skip
def test_a_guessed_time_has_one_unit(seconds: float, shown: str) -> None:
    assert roughly(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.00"), (1234.5, "1,234.50"), (0.25, "0.25"), (0.0123, "0.012"), (0.00042, "0.00042"),
     (0.00001, "under 0.0001")],
)  # fmt: skip
def test_small_amounts_keep_digits_that_say_something(value: float, shown: str) -> None:
    assert amount(value) == shown


def test_a_text_that_is_cut_says_so() -> None:
    assert one_line("word " * 100, 20) == "word word word word…"
    assert one_line("short", 20) == "short"
    # What stands beyond the part that is looked at counts too, and a cut that was marked is marked once.
    assert one_line("a" + " " * 200 + "b", 20) == "a…"
    assert one_line("a" + " " * 200, 20) == "a"
    assert one_line("word " * 3 + "more…", 19) == "word word word mor…"
    assert one_line("word word word wor…", 19) == "word word word wor…"
    assert beginning("1234567890", 10) == "1234567890"
    assert beginning("1234567890" * 200, 10) == "1234567890… (1,990 more characters)"
    assert beginning("\u202e" * 3, 1) == "⟨U+202E⟩… (2 more characters)"
