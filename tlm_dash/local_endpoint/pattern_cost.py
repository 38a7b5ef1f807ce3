"""What a regular expression costs as a grammar: how many places it has once its repetitions are written out.

llama.cpp writes `x{2,5}` out as copies of x. At every token it then follows all places of the grammar that
the text so far may have led to: a hundred letters can keep thousands of them open. Worst is what repeats
something that may be empty, since each copy may be skipped as well: `(a?){0,200}` was not through 24 tokens
after 40 s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"\\.|\[(?:\\.|[^\]\\])*\]|\(\?[:=!<]?|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\}|.", re.DOTALL
)

# A star, a plus and a question mark are not copied: they go on with one more, or without.
OPEN_ENDED = 2

# So many ways to skip from one piece to a later one cost about as much as a place (measured: `a*` 90 times).
SKIPS_FOR_A_PLACE = 8


@dataclass(frozen=True)
class PatternCost:
    """What was found in a pattern.

    Places of all of it, the largest number in braces, the places of the largest repetition that holds another
    one, and those of the largest repetition of something that may be empty.
    """

    places: int
    repetitions: int
    nested: int
    empty: int


@dataclass
class _Piece:
    """A character or a group, with its quantifier if it has one."""

    places: int
    repeats: bool = False
    may_be_empty: bool = False


@dataclass
class _Group:
    """What stands between two parentheses: pieces in a row, and rows as alternatives."""

    rows: list[list[_Piece]] = field(default_factory=lambda: [[]])

    def close(self) -> _Piece:
        pieces = [piece for row in self.rows for piece in row]
        return _Piece(
            places=sum(piece.places for piece in pieces) + sum(_in_a_row(row) for row in self.rows),
            repeats=any(piece.repeats for piece in pieces),
            may_be_empty=any(all(piece.may_be_empty for piece in row) for row in self.rows),
        )


class _Reading:
    """A pattern as far as it was read."""

    def __init__(self) -> None:
        self.groups = [_Group()]
        self.repetitions = 0
        self.nested = 0
        self.empty = 0

    def add(self, piece: _Piece) -> None:
        self.groups[-1].rows[-1].append(piece)

    def close_group(self) -> None:
        piece = self.groups.pop().close()
        self.add(piece)

    def repeat(self, copies: int, *, may_be_empty: bool) -> None:
        row = self.groups[-1].rows[-1]
        if not row:
            return
        piece = row[-1]
        places = piece.places * copies
        if piece.repeats:
            self.nested = max(self.nested, places)
        if piece.may_be_empty:
            self.empty = max(self.empty, places)
        row[-1] = _Piece(places, repeats=True, may_be_empty=may_be_empty or piece.may_be_empty)


def cost_of(pattern: str) -> PatternCost:
    """Read a pattern. One that is not well-formed costs what can be read of it: no grammar is made of it."""
    reading = _Reading()
    for token in _TOKEN.finditer(pattern):
        text = token.group()
        if text.startswith("("):
            reading.groups.append(_Group())
        elif text == ")":
            if len(reading.groups) > 1:
                reading.close_group()
        elif text == "|":
            reading.groups[-1].rows.append([])
        elif text in ("*", "+", "?"):
            reading.repeat(OPEN_ENDED, may_be_empty=text != "+")
        elif token["comma"] is not None:
            low, high = _number(token["low"]), _number(token["high"])
            reading.repetitions = max(reading.repetitions, low, high)
            copies = (high or low + OPEN_ENDED) if token["comma"] else low
            reading.repeat(copies, may_be_empty=low == 0)
        elif text not in ("^", "$"):
            reading.add(_Piece(1))
    while len(reading.groups) > 1:
        reading.close_group()
    places = reading.groups[0].close().places
    return PatternCost(places, reading.repetitions, reading.nested, reading.empty)


def _in_a_row(row: list[_Piece]) -> int:
    """Return what pieces in a row cost that may all be skipped: from each the text may go to all after it."""
    longest = current = 0
    for piece in row:
        current = current + 1 if piece.may_be_empty else 0
        longest = max(longest, current)
    return longest * longest // SKIPS_FOR_A_PLACE


def _number(digits: str) -> int:
    return int(digits[:9] or 0)
