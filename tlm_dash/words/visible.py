"""Untrusted text with nothing hidden and nothing that commands a terminal or turns the line around."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, except tab and line feed
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, invisible
    "\ud800-\udfff"  # halves of a character: not text, and not sendable
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # fillers, no ink
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # tags: a whole invisible alphabet, and room for more
    "]"
)
_JOINERS = "\u200c\u200d"
_JOINABLE = {"So", "Sk", "Lo", "Mn", "Mc", "Me"}


def visible(text: str) -> str:
    """Write control, bidi and invisible characters as ⟨U+202E⟩; line breaks and tabs stay.

    Joiners stay where scripts and emoji need them: after a letter without case, a mark or a symbol.
    """
    return _HIDDEN.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character in _JOINERS and match.start() > 0:
        before = match.string[match.start() - 1]
        if unicodedata.category(before) in _JOINABLE:
            return character
    return f"⟨U+{ord(character):04X}⟩"
