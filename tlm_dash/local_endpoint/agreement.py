"""Whether a short answer occurs in a longer text: word by word, numbers as numbers."""

from __future__ import annotations

import re
import unicodedata

ARTICLES = frozenset({"a", "an", "the"})

_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL_NUMBERS.split())} | {
    word: str(20 + 10 * step) for step, word in enumerate(_TENS.split())
}

# Digits with thousands separators and decimals count as one word; letters may hold an apostrophe.
_WORD = re.compile(r"(?:(?<!\w)-)?\d+(?:,\d{3})*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?")


def words_of(text: str) -> list[str]:
    """Return the text's words, comparable: no accents, case or articles; numbers in plain digits.

    "The Seven Dwarfs" gives ["7", "dwarfs"], "1,000.50" gives ["1000.5"].
    """
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark)).casefold()
    return [_comparable(word) for word in _WORD.findall(plain) if word not in ARTICLES]


def _comparable(word: str) -> str:
    if word[0].isdigit() or word[0] == "-":
        digits = word.replace(",", "").lstrip("-")
        sign = "-" if word[0] == "-" else ""
        whole, _, fraction = digits.partition(".")
        fraction = fraction.rstrip("0")
        return sign + (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    return NUMBER_WORDS.get(word, word.removesuffix("'s"))


def occurs_in(short: str, text: str) -> bool:
    """Return whether the words of `short` stand next to each other somewhere in `text`.

    An empty `short` occurs in nothing. A plural of the last word, on either side, still counts.
    """
    wanted, found = words_of(short), words_of(text)
    if not wanted:
        return False
    starts = range(len(found) - len(wanted) + 1)
    return any(all(map(_same_word, wanted, found[start:])) for start in starts)


def _same_word(left: str, right: str) -> bool:
    return left == right or (left.isalpha() and right.isalpha() and _singular(left) == _singular(right))


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word


def overlap(left: str, right: str) -> float:
    """Return the share of `left`'s distinct words that `right` has too, in [0, 1]; 0 for an empty text."""
    ours, theirs = set(words_of(left)), set(words_of(right))
    return len(ours & theirs) / len(ours) if ours else 0.0
