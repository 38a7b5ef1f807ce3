"""Text with nothing hidden: every character that has no ink of its own is written out."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from tlm_dash.words.visible import visible

WITH_INK = {
    *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440),
}  # fmt: skip
"""What Unicode calls formatting and prints: signs above or around numbers, and Egyptian joins."""


def test_every_character_without_ink_is_written_out() -> None:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    kept = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in unseen
        and code not in WITH_INK
        and visible(chr(code)) != f"⟨U+{code:04X}⟩"
    ]
    assert kept == ["U+0009", "U+000A"]


@pytest.mark.parametrize("filler", "\u034f\u115f\u1160\u17b4\u3164\uffa0\U000e0fff")
def test_fillers_are_written_out(filler: str) -> None:
    assert visible(f"a{filler}b") == f"a⟨U+{ord(filler):04X}⟩b"


@pytest.mark.parametrize("text", ["Ｗörter, 語, العربية", "👩\u200d🚀 ❤\ufe0f", "क्\u200dष", "a\tb\nc"])
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert visible(text) == text
