"""Cells that hold more than a text: a JSON value, a message, a conversation. What is in them becomes columns.

Whether a column is one of such cells, its first rows tell; each row is then opened by itself, and a cell that
is something else stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlm_dash.interchange import column_names as cn
from tlm_dash.interchange.conversations import (
    answer_of,
    conversation_of,
    is_message,
    message_of,
    message_of_items,
    parsed_cell,
    split_answer,
    text_of_parts,
)
from tlm_dash.models import canonical_json

Cells = tuple[str | None, ...]
Row = Sequence[str | None]

_LOOKED_AT = 50
_LEAST_SHARE = 0.9
_VALUES = (int, float, bool, list)
_HOLDERS = {"answer", "response", "output", "text", "content", "result", "completion", "value", "message",
            "generation", "prediction", "reply", "output text", "generated text", "final answer"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """The columns that the cells of `source` become, and how the cell of a row is read.

    The first of `names` is `source` itself. Names that begin with a space are for the import alone. `read` is
    given the cell of the row, and that of `beside` where there is one.
    """

    source: str
    names: tuple[str, ...]
    read: Callable[..., Cells]
    note: str = ""
    beside: str | None = None


_GRADED = re.compile(
    r"\[(?P<grade>PASS|FAIL|ERROR)\](?: \([\d.]+\))?\s?(?:(?P<why>.*?)\n---\n)?(?P<answer>.*)", re.DOTALL
)

_HIDDEN = " message of "


def hidden_message(response: str) -> str:
    """Name the column that holds what a message has beside its text; no file has such a name."""
    return f"{_HIDDEN}{response}"


def is_hidden(name: str) -> bool:
    """Tell whether a column is for the import alone."""
    return name.startswith(_HIDDEN)


def find_openings(
    names: Sequence[str], rows: Sequence[Row], ends_with_answer: Callable[[str], bool]
) -> tuple[Opening, ...]:
    """Find the columns whose cells are to be opened. `rows` are the first, cells in the order of `names`.

    `ends_with_answer` tells of a column of conversations, over all its rows, whether one ends with the
    assistant: it is asked only where none of the first rows does.
    """
    conversations: list[tuple[str, bool, bool]] = []
    found: list[Opening] = []
    for number, name in enumerate(names):
        if cn.table_model(name) is not None:
            found.append(_graded(name))
            continue
        cells = [cell for row in rows if (cell := row[number]) is not None and cell.strip()][:_LOOKED_AT]
        values = [parsed_cell(cell) for cell in cells]
        if _may_be_answers(name) and any(is_message(value) for value in values):
            # A text among messages, such as what an error said, is an answer too and stays as it is.
            found.append(_messages(name, has_ends=any(_finish_reason(value) for value in values)))
            continue
        if not cells or sum(value is not None for value in values) < _LEAST_SHARE * len(cells):
            continue
        talks = [talk for value in values if (talk := conversation_of(value)) is not None]
        if len(talks) >= _LEAST_SHARE * len(cells) and not _are_answers(talks):
            has_answer = any(split_answer(talk)[1] for talk in talks) or ends_with_answer(name)
            is_plain = all(conversation_of(value) == value for value in values)
            conversations.append((name, has_answer, is_plain))
        elif all(_annotation(value) for value in values):
            found.append(_annotated(name))
        elif (opening := _opened_cells(name, values)) is not None:
            found.append(opening)
    answered = [name for name, has_answer, _ in conversations if has_answer]
    for name, has_answer, is_plain in conversations:
        if has_answer:
            taken = "response" if len(answered) == 1 and "response" not in names else f"{name}.response"
            found.append(_conversation(name, taken, answered[0] if name != answered[0] else None))
        elif not is_plain:
            found.append(Opening(name, (name,), _read_prompt))
    return tuple(found)


def opened(
    names: Sequence[str], rows: Sequence[Row], openings: Sequence[Opening]
) -> tuple[tuple[str, ...], list[Cells]]:
    """Give the columns of a file as its openings make them, and some rows of it; hidden ones are left out."""
    of_name = {opening.source: opening for opening in openings}
    shown: list[str] = []
    for name in names:
        made = of_name[name].names if name in of_name else (name,)
        shown += [part for part in made if not is_hidden(part)]
    made_rows = []
    for row in rows:
        cells: list[str | None] = []
        for name, cell in zip(names, row, strict=True):
            if name not in of_name:
                cells += [] if is_hidden(name) else [cell]
                continue
            opening = of_name[name]
            given = [cell] if opening.beside is None else [cell, row[names.index(opening.beside)]]
            parts = zip(opening.names, opening.read(*given), strict=True)
            cells += [part for called, part in parts if not is_hidden(called)]
        made_rows.append(tuple(cells))
    return tuple(shown), made_rows


def _conversation(name: str, response: str, beside: str | None) -> Opening:
    """Part a conversation into what was sent and its answer.

    Where the prompts are those of the conversation `beside` it, an answer to another prompt is none to them.
    """

    def read(cell: str | None, other: str | None = None) -> Cells:
        talk = conversation_of(parsed_cell(cell))
        if talk is None:
            return cell, None, None
        prompt, answer = split_answer(talk)
        if answer is None or (
            beside and prompt != split_answer(conversation_of(parsed_cell(other)) or [])[0]
        ):
            return canonical_json(prompt), None, None
        return canonical_json(prompt), *answer_of(answer)

    note = f"Answers in {name!r} after other turns than those of {beside!r} are left out." if beside else ""
    return Opening(name, (name, response, hidden_message(response)), read, note, beside)


def _read_prompt(cell: str | None) -> Cells:
    talk = conversation_of(parsed_cell(cell))
    return (cell if talk is None else canonical_json(talk),)


def _are_answers(talks: Sequence[list[dict[str, Any]]]) -> bool:
    """Tell whether every list is one turn of an assistant: then it is an answer, not a conversation."""
    return all(len(talk) == 1 and talk[0]["role"] == "assistant" for talk in talks)


def _opened_cells(name: str, values: Sequence[object]) -> Opening | None:
    """Open cells that hold one value: a choice, a message, a list of one message, an object of one key."""
    messages = [_message_in(value) for value in values]
    if all(messages):
        has_ends = any(_finish_reason(value) for value in values)
        return _messages(name, has_ends=has_ends)
    is_response = _is_response(name)
    # A model may answer with an object of one field: that is its answer as it stands.
    keys = {key for value in values if isinstance(value, Mapping) and len(value) == 1 for key in value}
    if len(keys) != 1 or (is_response and cn.phrase_of(str(*keys)) not in _HOLDERS):
        return None
    if any(_only_value(value) is None for value in values):
        return None

    def read(cell: str | None) -> Cells:
        inner = _only_value(parsed_cell(cell))
        return (cell if inner is None else inner,)

    (key,) = keys
    return Opening(
        name, (name,), read, f"The cells of {name!r} are objects with {key!r} alone: its value is taken."
    )


def _may_be_answers(name: str) -> bool:
    return _is_response(name) or bool({"answer", "answers"} & set(cn.phrase_of(name).split()))


def _is_response(name: str) -> bool:
    phrase = cn.phrase_of(name).split()
    return " ".join(phrase) in cn.NAMED["response"] or "response" in phrase


def _graded(name: str) -> Opening:
    """Take the grade from before an answer, as promptfoo's tables have it: "[FAIL] (0.00) why --- answer"."""
    model = cn.table_model(name)

    def read(cell: str | None) -> Cells:
        graded = _GRADED.match(cell or "")
        if graded is None:
            return cell, None, None
        return graded["answer"], graded["grade"].lower(), graded["why"]

    note = f"[PASS] and [FAIL] before the answers of {model} are taken as verdicts, the reasons as notes."
    return Opening(name, (name, f"{model} verdict", f"{model} note"), read, note)


def _annotated(name: str) -> Opening:
    """Take the verdict of the one person who gave it; where several did, the cell stays as it is."""

    def read(cell: str | None) -> Cells:
        found = _annotation(parsed_cell(cell))
        return (cell, None) if found is None else found

    return Opening(name, (name, f"{name}.user_id"), read)


def _annotation(value: object) -> tuple[str, str] | None:
    """Give verdict and person of a list with one annotation, as Argilla has it."""
    first = value[0] if isinstance(value, list) and len(value) == 1 else None
    if not (isinstance(first, Mapping) and isinstance(first.get("value"), str) and "user_id" in first):
        return None
    return first["value"], str(first["user_id"])


def _messages(name: str, *, has_ends: bool) -> Opening:
    ending = (f"{name}.finish_reason",) if has_ends else ()

    def read(cell: str | None) -> Cells:
        value = parsed_cell(cell)
        message = _message_in(value)
        if message is None:
            return cell, *(None for _ in ending), None
        text, rest = answer_of(message)
        return text, *(_finish_reason(value) for _ in ending), rest

    return Opening(name, (name, *ending, hidden_message(name)), read)


def _message_in(value: object) -> dict[str, Any] | None:
    """Find the one message that a value is about, None where it is about none."""
    if isinstance(value, Mapping) and isinstance(value.get("choices"), list):
        value = value["choices"]
    if (whole := message_of_items(value)) is not None:
        return whole
    if isinstance(value, list):
        if value and all(
            isinstance(part, Mapping) and part.get("type") in ("text", "output_text") for part in value
        ):
            return {"role": "assistant", "content": text_of_parts(value)}
        # Further choices are other answers to the same prompt.
        value = value[0] if value and (len(value) == 1 or _is_choice(value[0])) else None
    if isinstance(value, Mapping) and isinstance(value.get("message"), Mapping):
        value = {"role": "assistant", **value["message"]}
    message = message_of(value)
    return message if message is not None and message["role"] == "assistant" else None


def _is_choice(value: object) -> bool:
    return isinstance(value, Mapping) and "message" in value and "index" in value


def _finish_reason(value: object) -> str | None:
    if isinstance(value, Mapping) and isinstance(value.get("choices"), list):
        value = value["choices"]
    first = value[0] if isinstance(value, list) and value else value
    reason = first.get("finish_reason") if isinstance(first, Mapping) else None
    return reason if isinstance(reason, str) else None


def _only_value(value: object) -> str | None:
    """Give the value of an object with one key as a cell."""
    if not (isinstance(value, Mapping) and len(value) == 1):
        return None
    (inner,) = value.values()
    if isinstance(inner, Mapping):
        return _only_value(inner)
    if isinstance(inner, str):
        return inner
    if inner is None:
        return ""
    if isinstance(inner, _VALUES):
        return json.dumps(inner, ensure_ascii=False)
    return None
