"""What is shown of untrusted text, times, scores and sizes."""

from __future__ import annotations

import re
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
    plain,
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


# What Streamlit's Markdown looks for where no escape is left: in the text between two elements.
FOUND_IN_TEXT = {
    "address": re.compile(r"https?://|www\.", re.IGNORECASE),
    "mail": re.compile(r"[-.\w+]@[-\w]", re.ASCII),
    "icon": re.compile(r":[\w+-]+:|:material/|:streamlit:", re.ASCII),
    "arrow": re.compile(r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)"),
}
# What it looks for where an escape is one.
FOUND_IN_MARKDOWN = re.compile(r"[`*<$~|#\[\]&\\]|:[^\W\d]|::|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
PIECES = [
    *"\\`*_{}[]()#+-.!|<>=~$&:@^'\"/ \t\n1a", "http", "https://", "www.", "a.bc", "@", ":red[", ":smile:",
    "<->", "->", "--", ">=", ":material/home:", ":small{}", "&copy;", "&#60;", "![", "](", "$$", "~~", "```",
    "[^1]", "\u202e",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


READ = re.compile(r"\\([!-/:-@\[-`{-~])|&#(9[13]);|(:small\{\})|(.)", re.DOTALL)


def read_as_markdown(text: str) -> tuple[list[str], str]:
    """Take the escapes away, as a reader of Markdown does.

    Gives the text between the empty elements, and what was written without an escape.
    """
    pieces, bare = [""], ""
    for escaped, bracket, element, other in READ.findall(text):
        if element and not bare.endswith(":"):
            pieces.append("")
        else:
            pieces[-1] += escaped or element or (chr(int(bracket)) if bracket else other)
        bare += other or "\0"
    return pieces, bare


@given(st.text(max_size=40) | HOSTILE)
def test_a_name_is_read_as_it_is_where_markdown_is_drawn(name: str) -> None:
    written = plain(name)
    pieces, bare = read_as_markdown(written)
    assert "".join(pieces) == " ".join(visible(name).split())
    for kind, pattern in FOUND_IN_TEXT.items():
        assert not [piece for piece in pieces if pattern.search(piece)], kind
    assert not FOUND_IN_MARKDOWN.search(bare)
    assert not re.match(r"[-+=>#]|\d+[.)]", bare)
    # st.badge puts a backslash before brackets.
    assert not set("[]") & set(written)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("trust_score (v2), 90%: good", "trust_score (v2), 90%: good"),
        ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B"),
        ("_x_", r"\_x\_"),
        ("1. first", r"1\. first"),
        ("two\n\tlines", "two lines"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("[a](b)", "&#91;a&#93;(b)"),
    ],
)
def test_examples_of_names_as_markdown(name: str, written: str) -> None:
    assert plain(name) == written
