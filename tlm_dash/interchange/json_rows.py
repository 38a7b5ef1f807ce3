"""Rows of JSON files: one object a line, a list of objects, or an object that holds such a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.spool import Row

_CHUNK_CHARACTERS = 1 << 20
# An object is read as a whole before its list of rows is known.
_MAX_OBJECT_BYTES = 256 << 20
_SPACE = " \t\r\n"
_LM_EVAL_ANSWERS = "filtered_resps"


@dataclass(frozen=True, slots=True)
class JsonTable:
    """Where the rows of a JSON object are: the key that was taken, and all that could have been."""

    key: str | None
    keys: tuple[str, ...]
    rows: Iterator[Row]


def line_rows(file: TextIO) -> Iterator[Row]:
    """Give the rows of JSON Lines. Blank lines are no rows; a broken one is a problem of its own."""
    row_no = 0
    for line_no, line in enumerate(file, 1):
        if not line.strip():
            continue
        row_no += 1
        try:
            yield Row(row_no, _one_answer(json.loads(line)), content=line)
        except (ValueError, RecursionError) as error:
            told = error.msg if isinstance(error, json.JSONDecodeError) else "too deeply nested"
            yield Row(row_no, None, f"Line {line_no} is not valid JSON ({told}).", line.rstrip("\n"))


def is_json_lines(head: str, *, is_whole: bool) -> bool:
    """Tell whether a text is one JSON value a line rather than one value over many lines."""
    # Not splitlines(): that also divides at characters that JSON may hold as they are.
    lines = [line for line in head.split("\n") if line.strip()]
    is_alone = len(lines) < 2
    if not is_whole:
        lines = lines[:-1]
    if not lines:
        return False
    first = _json_value(lines[0])
    if is_alone:
        return isinstance(first, dict) and not dict(_lists_of_objects(first))
    valid = sum(isinstance(_json_value(line), dict | str) for line in lines[:20])
    return isinstance(first, dict) or valid * 2 > min(20, len(lines))


def json_table(path: Path, encoding: str, key: str | None) -> JsonTable:
    """Find the rows of a JSON file that is not JSON Lines. Raises InvalidInputError where it has none."""
    with path.open(encoding=encoding) as file:
        first = file.read(_CHUNK_CHARACTERS).lstrip("\ufeff" + _SPACE)[:1]
    if first == "[":
        return JsonTable(None, (), _listed_rows(path, encoding))
    if first != "{":
        raise InvalidInputError(
            f"{path.name} is not JSON: it starts with {first!r}.",
            hint="Choose the right format, or save it as CSV or JSONL.",
        )
    return _table_in_object(path, encoding, key)


def _table_in_object(path: Path, encoding: str, key: str | None) -> JsonTable:
    if path.stat().st_size > _MAX_OBJECT_BYTES:
        raise InvalidInputError(
            f"{path.name} is too large for one JSON object.",
            hint="Save its rows as JSONL: one object a line.",
        )
    try:
        value = json.loads(path.read_text(encoding=encoding))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{path.name} is not valid JSON ({error}).", hint="Save it again, or save its rows as JSONL."
        ) from None
    lists = dict(_lists_of_objects(value))
    if not lists:
        raise InvalidInputError(
            f"{path.name} holds an object without a list of rows.",
            hint="Rows are a list of objects, at the top or under a key.",
        )
    if key is not None and key not in lists:
        raise InvalidInputError(
            f"{path.name} has no rows under {key!r}.", hint=f"There are rows under: {', '.join(lists)}."
        )
    taken = key or max(lists, key=lambda name: len(lists[name]))
    rows = (
        Row(number, _one_answer(part), content=_shown(part)) for number, part in enumerate(lists[taken], 1)
    )
    return JsonTable(taken, tuple(lists), rows)


def _lists_of_objects(value: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(value, dict) or depth > 2:
        return
    for name, part in value.items():
        if isinstance(part, list) and part and all(isinstance(row, dict) for row in part):
            yield f"{prefix}{name}", part
        yield from _lists_of_objects(part, f"{prefix}{name}.", depth + 1)


def _listed_rows(path: Path, encoding: str) -> Iterator[Row]:
    """Give the rows of a list without holding more than one of them and a piece of the file."""
    decoder = json.JSONDecoder()
    row_no = 0
    with path.open(encoding=encoding) as file:
        buffer = _Buffer(file)
        buffer.skip("\ufeff" + _SPACE + "[")
        while not buffer.at_end() and buffer.text[buffer.position] != "]":
            row_no += 1
            try:
                value = buffer.decode(decoder)
            except (ValueError, RecursionError):
                rest = buffer.text[buffer.position :]
                yield Row(row_no, None, "The JSON is broken here; nothing after this can be read.", rest)
                return
            yield Row(row_no, _one_answer(value), content=_shown(value))
            buffer.skip(_SPACE + ",")
        if buffer.at_end():
            yield Row(row_no + 1, None, "The list breaks off here: its closing bracket is missing.", "")


class _Buffer:
    """A piece of a text file that grows where a value needs more of it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.text = ""
        self.position = 0

    def at_end(self) -> bool:
        return self.position >= len(self.text) and not self._more()

    def skip(self, characters: str) -> None:
        while not self.at_end() and self.text[self.position] in characters:
            self.position += 1

    def decode(self, decoder: json.JSONDecoder) -> object:
        while True:
            try:
                value, end = decoder.raw_decode(self.text, self.position)
                # A number at the very end may go on in the next piece.
                if end < len(self.text) or not self._more():
                    self.position = end
                    return value
            except ValueError:
                if not self._more():
                    raise

    def _more(self) -> bool:
        """Read on, twice as much each time, so that a huge value is not decoded over and over."""
        piece = self._file.read(max(_CHUNK_CHARACTERS, len(self.text) - self.position))
        self.text = self.text[self.position :] + piece
        self.position = 0
        return bool(piece)


def _one_answer(value: object) -> object:
    """Take the only one of the answers of a sample of lm-evaluation-harness for its text."""
    if isinstance(value, dict) and _is_one_text(value.get(_LM_EVAL_ANSWERS)):
        return {**value, _LM_EVAL_ANSWERS: value[_LM_EVAL_ANSWERS][0]}
    return value


def _is_one_text(answers: object) -> bool:
    return isinstance(answers, list) and len(answers) == 1 and isinstance(answers[0], str)


def _json_value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, dict) else ""
