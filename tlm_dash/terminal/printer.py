"""The one printer: lines for standard output and standard error, nothing hidden, of bounded length."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, TextIO

from tlm_dash.errors import TlmDashError
from tlm_dash.words.visible import visible

MOST_CHARACTERS = 300
"""Of one value of somebody else's: a name, a cell, a message."""

MOST_ENTRIES = 50
"""Of a list inside of an answer; the rows that a command is asked for (`runs list`) are all printed."""

MOST_LINE_CHARACTERS = 2_000
"""Of a line as a whole: sentences of ours are shorter, whatever they quote is not always."""


_NOBODY_READS = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)


class OutputLostError(TlmDashError):
    """Standard output does not take what is printed, for another reason than that nobody reads it."""


def say(line: str) -> None:
    """Print a line of facts on standard output. Raises OutputLostError."""
    _write(sys.stdout, one_line(line))


def tell(line: str) -> None:
    """Print a line about what happens (progress, notes) on standard error."""
    with suppress(OutputLostError):  # there is no other place to say it
        _write(sys.stderr, one_line(line))


def tell_error(error: TlmDashError) -> None:
    """Print an expected failure on standard error: what happened, and what to do next."""
    tell(f"error: {error.message}")
    if error.hint:
        tell(f"hint: {error.hint}")


def say_json(facts: Mapping[str, Any]) -> None:
    """Print facts as one complete JSON object in ASCII, on standard output. Raises OutputLostError."""
    try:
        text = json.dumps(facts, ensure_ascii=True, indent=2, allow_nan=False)
    except ValueError:  # a figure that is no number, which JSON has no word for
        text = json.dumps(_finite(facts), ensure_ascii=True, indent=2, allow_nan=False)
    # The one control character that JSON leaves as it is; it can stand in strings alone.
    _write(sys.stdout, text.replace("\x7f", "\\u007f"))


def one_line(text: str) -> str:
    """Give text as one line with nothing hidden in it, cut where it is longer than any line of ours."""
    return _in_one(cut(text, MOST_LINE_CHARACTERS))


def shown(value: object) -> str:
    """Give a value of somebody else's as it may stand in a line: nothing hidden and cut; None is empty."""
    return "" if value is None else _in_one(cut(str(value), MOST_CHARACTERS))


def cells(part: object) -> str:
    """Give the values of a mapping, or the one that it is, as they may stand in a line beside each other."""
    return "  ".join(map(shown, part.values() if isinstance(part, Mapping) else [part]))


def cut(text: str, most: int) -> str:
    """Give the beginning of a text, with a word on what is left out; a short text as it is."""
    left_out = len(text) - most
    return text if left_out <= 0 else f"{text[:most]}… ({left_out:,} more characters)"


def listed(values: Iterable[str], separator: str = ", ") -> str:
    """Join values that are fit for a line, with a word on how many are left out."""
    return separator.join(entries(values))


def entries(values: Iterable[str]) -> Iterator[str]:
    """Yield the first values, and a word on how many are left out."""
    rest = iter(values)
    yield from islice(rest, MOST_ENTRIES)
    if left_out := sum(1 for _ in rest):
        yield f"… and {left_out:,} more"


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever stands in facts
    """Give facts in which a figure that is no number is null, as everywhere where none can be computed."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _in_one(text: str) -> str:
    return visible(text).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")


def _write(stream: TextIO | None, text: str) -> None:
    """Write a line at once, so that both streams stay in order where they end in one place.

    Where nobody reads any more (`| head`) the rest is dropped: what the command does goes on to its end.
    """
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError as error:
        _drop_the_rest(stream)
        if error.errno in _NOBODY_READS:
            return
        raise OutputLostError(
            f"What is printed could not be written: {error.strerror or error}.",
            hint="Print to another place.",
        ) from error


def _drop_the_rest(stream: TextIO) -> None:
    """Let what follows and what is still kept back go nowhere: the interpreter too writes at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
