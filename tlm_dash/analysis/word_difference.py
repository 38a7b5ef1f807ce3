"""What differs between two texts, word by word: a longest common subsequence in machine words at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Kind = Literal["same", "only_a", "only_b", "cut_a", "cut_b"]

# Scripts that write no spaces between words are compared character by character.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = f"[^\\W{_UNSPACED}]+"
_TOKEN = re.compile(f"\\s*(?:{_WORD}(?:['’.,-]{_WORD})*|\\S)")


def word_difference(a: str, b: str, most_words: int) -> list[tuple[Kind, str]]:
    """Return the parts of two texts in reading order, each with where it is found.

    Kinds: "same" (the text as b has it; white space between words does not count), "only_a", "only_b". A word
    is a run of letters and digits, a sign, or one character of a script without spaces. At most `most_words`
    words of each text are compared; what lies beyond comes last as "cut_a" and "cut_b". The parts of b joined
    are b. Work and memory grow with the product of both lengths over 64. Raises ValueError for a limit of 0.

    Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    """
    if most_words < 1:
        raise ValueError("at least one word must be compared")
    words_a, rest_a = _words(a, most_words)
    words_b, rest_b = _words(b, most_words)
    parts: list[tuple[Kind, str]] = []
    at_a = at_b = 0
    for match_a, match_b in [*_matches(words_a, words_b), (len(words_a), len(words_b))]:
        parts.append(("only_a", "".join(words_a[at_a:match_a])))
        parts.append(("only_b", "".join(words_b[at_b:match_b])))
        parts.append(("same", "".join(words_b[match_b : match_b + 1])))
        at_a, at_b = match_a + 1, match_b + 1
    blank = rest_a.isspace() and not rest_b.strip()
    parts += [("same", rest_b)] if blank else [("cut_a", rest_a), ("cut_b", rest_b)]
    return _joined(parts)


def _words(text: str, most: int) -> tuple[list[str], str]:
    """Return the first words, each with the white space before it, and the text after them."""
    words: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        if len(words) == most:
            return words, text[end:]
        words.append(found.group())
        end = found.end()
    return words, text[end:]


def _matches(words_a: Sequence[str], words_b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the index pairs of a longest common subsequence.

    Bit i of row j is 0 where the subsequence of the first j + 1 words of b grows at word i of a.
    """
    places: dict[str, int] = {}
    for index, word in enumerate(words_a):
        places[word.strip()] = places.get(word.strip(), 0) | (1 << index)
    whole = (1 << len(words_a)) - 1
    row, rows = whole, []
    for word in words_b:
        hits = row & places.get(word.strip(), 0)
        row = ((row + hits) | (row - hits)) & whole
        rows.append(row)
    found = []
    i, j = len(words_a), len(words_b)
    while i and j:
        bit = 1 << (i - 1)
        if rows[j - 1] & bit:
            i -= 1
        elif j > 1 and not rows[j - 2] & bit:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]


def _joined(parts: Sequence[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """Join neighbours of one kind; within a change, all of a comes before all of b."""
    joined: list[tuple[Kind, str]] = []
    for kind, text in parts:
        if not text:
            continue
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined
