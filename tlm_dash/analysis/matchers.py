"""Whether a response agrees with its reference, by rule: quick, and wrong often enough to be looked at first.

`match` gives True, False, or None where there is nothing to compare with. Texts are normalised for all
matchers but `exact`: Unicode compatibility form and upper case folded, the articles a, an, the left out,
apostrophes and points inside words dropped, other punctuation read as a space, except what belongs to a
number (1,000 is 1000; -3.5 stays), white space joined.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

Matcher = Literal["exact", "normalized", "contains", "number", "aliases"]

MATCHERS: tuple[Matcher, ...] = ("exact", "normalized", "contains", "number", "aliases")

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
# A minus belongs to the number after it where nothing stands before it that it could be between.
_KEPT = re.compile(r"\d+(?:\.\d+)+|(?<![\w)\]])-(?=\d)")
_DROPPED = re.compile(r"(?<=\w)['’.](?=\w)|(?<=\w)\.(?=\s|$)")
_OTHER = re.compile(r"[^\w\s]|_")
_LIST_SEPARATOR = re.compile(r"\s*[;|]\s*")

_FIGURE = r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w)\]}}])-)?"
    rf"(?:\\[dt]?frac\{{(?P<over>\d+)\}}\{{(?P<under>\d+)\}}"
    rf"|(?P<figure>{_FIGURE})(?:[eE](?P<power>[+-]?\d{{1,3}}))?"
    rf"(?:(?:\s+(?P<part>\d+))?\s*/\s*(?P<denominator>\d+))?)"
    rf"\s*(?P<percent>\\?%|percent\b)?"
)
_CLOSE = Fraction(1, 10**9)


def match(matcher: Matcher, response: str, reference: str | None) -> bool | None:
    """Tell whether a response agrees with its reference; None where the reference cannot be compared."""
    return None if reference is None or not reference.strip() else _RULES[matcher](response, reference)


def normalized(text: str) -> str:
    """Write a text so that spellings of the same answer are the same text."""
    flat = unicodedata.normalize("NFKC", text).casefold().replace("−", "-")
    flat = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), flat)
    kept = [found.span() for found in _KEPT.finditer(flat)]
    parts, start = [], 0
    for begin, end in kept:
        parts += [_plain(flat[start:begin]), flat[begin:end]]
        start = end
    parts.append(_plain(flat[start:]))
    return " ".join(_ARTICLES.sub(" ", "".join(parts)).split())


def aliases(reference: str) -> tuple[str, ...]:
    """Read the accepted answers of a reference: a JSON list, or texts with ; or | between them."""
    text = reference.strip()
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list):
            return tuple(part if isinstance(part, str) else json.dumps(part) for part in listed)
    return tuple(part for part in _LIST_SEPARATOR.split(text) if part)


def last_number(text: str) -> tuple[Fraction, bool] | None:
    """Give the last number of a text and whether it is a percentage; None where there is none.

    Reads 1,000 as 1000, 3/4, 1 1/2 and \\frac{3}{4} as what they are, and 1e3. Dates and versions are read as
    whatever their last part is.
    """
    found = None
    for found in _NUMBER.finditer(text.replace("−", "-")):  # noqa: B007 - the last one is wanted
        pass
    if found is None:
        return None
    value = _value(found)
    if found["sign"]:
        value = -value
    return value, found["percent"] is not None


def _plain(text: str) -> str:
    return _OTHER.sub(" ", _DROPPED.sub("", text))


def _exact(response: str, reference: str) -> bool:
    return response.replace("\r\n", "\n").strip() == reference.replace("\r\n", "\n").strip()


def _normalized(response: str, reference: str) -> bool | None:
    wanted = normalized(reference)
    return normalized(response) == wanted if wanted else None


def _contains(response: str, reference: str) -> bool | None:
    wanted = normalized(reference)
    return _holds(normalized(response), wanted) if wanted else None


def _number(response: str, reference: str) -> bool | None:
    wanted = last_number(reference)
    if wanted is None:
        return None
    said = last_number(response)
    return said is not None and _same_number(said, wanted)


def _aliases(response: str, reference: str) -> bool | None:
    wanted = [text for alias in aliases(reference) if (text := normalized(alias))]
    if not wanted:
        return None
    said = normalized(response)
    return any(_holds(said, text) for text in wanted)


def _holds(text: str, wanted: str) -> bool:
    """Tell whether whole words of a text are the wanted ones."""
    return f" {wanted} " in f" {text} "


def _value(found: re.Match[str]) -> Fraction:
    if found["over"]:
        return Fraction(int(found["over"]), int(found["under"]) or 1)
    value = Fraction(found["figure"].replace(",", ""))
    if found["power"]:
        value *= Fraction(10) ** int(found["power"])
    if found["denominator"] and int(found["denominator"]):
        if found["part"]:
            return value + Fraction(int(found["part"]), int(found["denominator"]))
        return value / int(found["denominator"])
    return value


def _same_number(said: tuple[Fraction, bool], wanted: tuple[Fraction, bool]) -> bool:
    """Compare two numbers; where only one is a percentage, its sign may have been left out, or counted in."""
    (a, a_percent), (b, b_percent) = said, wanted
    if a_percent == b_percent:
        return _close(a, b)
    plain, percent = (b, a) if a_percent else (a, b)
    return _close(plain, percent) or _close(plain * 100, percent)


def _close(a: Fraction, b: Fraction) -> bool:
    return abs(a - b) <= _CLOSE * max(abs(a), abs(b))


_RULES: dict[Matcher, Callable[[str, str], bool | None]] = {
    "exact": _exact,
    "normalized": _normalized,
    "contains": _contains,
    "number": _number,
    "aliases": _aliases,
}
