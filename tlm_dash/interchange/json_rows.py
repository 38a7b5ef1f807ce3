"""Rows of JSON files: one object a line, a list of objects, or an object that holds such a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.contents import number_in
from tlm_dash.interchange.json_tables import Found, is_row, tables_in, tabular
from tlm_dash.interchange.spool import Row

_CHUNK_CHARACTERS = 1 << 20
# An object is read as a whole before its list of rows is known.
_MAX_OBJECT_BYTES = 256 << 20
_SPACE = " \t\r\n"
_LM_EVAL_ANSWERS = "filtered_resps"


@dataclass(frozen=True, slots=True)
class JsonTable:
    """Where the rows of a JSON file are: the key that was taken, and all that could have been.

    `warnings` say what else the file holds. `is_header_open`: whether the first row is a header is not told.
    """

    key: str | None
    keys: tuple[str, ...]
    rows: Iterator[Row]
    warnings: tuple[str, ...] = ()
    is_header_open: bool = False


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
            told = error.msg if isinstance(error, json.JSONDecodeError) else _trouble(error)
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
        return isinstance(first, dict) and not _has_table(first)
    valid = sum(isinstance(_json_value(line), dict | str | list) for line in lines[:20])
    return isinstance(first, dict) or valid * 2 > min(20, len(lines))


def _has_table(value: object) -> bool:
    try:
        return bool(tables_in(value))
    except InvalidInputError:
        return True  # it is one, and cannot be read


def json_table(path: Path, encoding: str, key: str | None, has_header: bool | None = None) -> JsonTable:  # noqa: FBT001
    """Find the rows of a JSON file that is not JSON Lines. Raises InvalidInputError where it has none."""
    with path.open(encoding=encoding) as file:
        first = file.read(_CHUNK_CHARACTERS).lstrip("\ufeff" + _SPACE)[:1]
    if first == "[":
        rows, is_open = tabular(_listed_rows(path, encoding), has_header)
        return JsonTable(None, (), rows, is_header_open=is_open)
    if first != "{":
        raise InvalidInputError(
            f"{path.name} is not JSON: it starts with {first!r}.",
            hint="Choose the right format, or save it as CSV or JSONL.",
        )
    return _table_in_object(path, encoding, key, has_header)


def _table_in_object(path: Path, encoding: str, key: str | None, has_header: bool | None) -> JsonTable:  # noqa: FBT001
    """Take the longest table of an object, or the one under a key; the others are named."""
    if path.stat().st_size > _MAX_OBJECT_BYTES:
        raise InvalidInputError(
            f"{path.name} is too large for one JSON object.",
            hint="Save its rows as JSONL: one object a line.",
        )
    try:
        value = json.loads(path.read_text(encoding=encoding))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{path.name} is not valid JSON ({_trouble(error)}).",
            hint="Save it again, or save its rows as JSONL.",
        ) from None
    tables = tables_in(value, has_header)
    if not tables and is_row(value):
        tables = {"": Found([Row(1, value)])}
    if not tables:
        raise InvalidInputError(
            f"{path.name} holds an object without a list of rows.",
            hint="Rows are a list of objects, at the top or under a key.",
        )
    if key is not None and key not in tables:
        raise InvalidInputError(
            f"{path.name} has no rows under {key!r}.", hint=f"There are rows under: {', '.join(tables)}."
        )
    taken = key if key is not None else max(tables, key=lambda name: len(tables[name].rows))
    found = tables[taken]
    rows = (replace(row, value=_one_answer(row.value)) for row in found.rows)
    warnings = _also_there(tables, taken, said=key is not None)
    return JsonTable(taken or None, tuple(tables), rows, warnings, found.is_header_open)


def _also_there(tables: Mapping[str, Found], taken: str, *, said: bool) -> tuple[str, ...]:
    others = [f"{name!r} ({len(table.rows):,})" for name, table in tables.items() if name != taken]
    told = []
    if others and not said:
        shown = f"The rows under {taken!r} were taken ({len(tables[taken].rows):,})"
        told.append(f"{shown}; there are also rows under {', '.join(others)}.")
    if tables[taken].left_out:
        names = ", ".join(f"`{name}`" for name in tables[taken].left_out)
        told.append(f"What the file says once, for all rows, is left out: {names}.")
    return tuple(told)


def _listed_rows(path: Path, encoding: str) -> Iterator[Row]:
    """Give the rows of a list without holding more than one of them and a piece of the file."""
    decoder = json.JSONDecoder()
    row_no = 0
    with path.open(encoding=encoding) as file:
        buffer = _Buffer(file)
        buffer.skip("\ufeff" + _SPACE)
        buffer.position += 1  # the bracket of the list; another one would be that of its first value
        buffer.skip(_SPACE)
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
            return
        buffer.position += 1
        buffer.skip(_SPACE)
        if not buffer.at_end():
            rest = buffer.text[buffer.position :]
            yield Row(row_no + 1, None, "This follows the end of the list and was not read.", rest)


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


def _trouble(error: Exception) -> str:
    """Say why JSON cannot be read, in words that concern the file and not the reader's insides."""
    if isinstance(error, RecursionError):
        return "too deeply nested"
    return str(error) if isinstance(error, json.JSONDecodeError) else "a number has too many digits"


def _one_answer(value: object) -> object:
    """Take the answer of a sample of lm-evaluation-harness: its only text, or the likeliest choice."""
    if not isinstance(value, dict) or not isinstance(value.get(_LM_EVAL_ANSWERS), list):
        return value
    answers = value[_LM_EVAL_ANSWERS]
    if _is_one_text(answers):
        return {**value, _LM_EVAL_ANSWERS: answers[0]}
    choices = _choices(value.get("arguments"))
    likelihoods = [_likelihood(answer) for answer in answers]
    if not choices or len(choices) != len(answers) or None in likelihoods:
        return value
    taken = max(range(len(choices)), key=lambda number: likelihoods[number] or 0.0)
    target = value.get("target")
    if isinstance(target, int) and not isinstance(target, bool) and 0 <= target < len(choices):
        value = {**value, "target": choices[target]}
    return {**value, _LM_EVAL_ANSWERS: choices[taken]}


def _choices(arguments: object) -> list[str]:
    """Give the texts that a sample of lm-evaluation-harness weighs against each other."""
    parts = list(arguments.values()) if isinstance(arguments, dict) else []
    texts = [part.get("arg_1") for part in parts if isinstance(part, dict)]
    return [str(text).strip() for text in texts] if all(isinstance(text, str) for text in texts) else []


def _likelihood(answer: object) -> float | None:
    first = answer[0] if isinstance(answer, list) and answer else None
    return number_in(first) if isinstance(first, str) else None


def _is_one_text(answers: object) -> bool:
    return isinstance(answers, list) and len(answers) == 1 and isinstance(answers[0], str)


def _json_value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, dict) else ""
