"""OpenAI Batch files: requests and their answers, joined by custom_id as one upload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.conversations import answer_of, message_of_items, text_of
from tlm_dash.interchange.openings import hidden_message
from tlm_dash.interchange.spool import Row

_PROMPTS = ("messages", "prompt", "input")
_REST = "rest of the message"


@dataclass
class _Answers:
    """The answers of one file by custom_id, under the name of the model that gave the first of them."""

    file_name: str
    group: str = ""
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)


def is_batch_line(line: str) -> bool:
    """Tell whether a line of JSON is a request or an answer of a batch."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "custom_id" in value and ("body" in value or "response" in value)


def batch_rows(paths: Sequence[Path]) -> Iterator[Row]:
    """Give a row for every request, with the answers of every output file beside it.

    An answer without a request, or a second one to the same request, is a row with a problem. Raises
    InvalidInputError where there are answers only: they do not hold the prompts.
    """
    inputs = [path for path in paths if not _is_output(path)]
    if not inputs:
        raise InvalidInputError(
            f"{paths[0].name} holds answers of a batch, without the prompts.",
            hint="Choose it together with the input file of the same batch.",
        )
    outputs = [_answers(path) for path in paths if path not in inputs]
    _name_groups(outputs)
    row_no = 0
    asked: set[str] = set()
    for path in inputs:
        for _, value, line in _lines(path):
            row_no += 1
            yield _request_row(row_no, value, line, asked, outputs)
    for output in outputs:
        for custom_id, cells in output.cells.items():
            if custom_id not in asked:
                row_no += 1
                problem = f"{output.file_name} answers {custom_id!r}, and no request has this custom_id."
                yield Row(row_no, None, problem, str(cells.get("response") or ""))
        for problem, line in output.broken:
            row_no += 1
            yield Row(row_no, None, problem, line)


def _request_row(row_no: int, value: object, line: str, asked: set[str], outputs: Sequence[_Answers]) -> Row:
    if not isinstance(value, dict) or not isinstance(value.get("body"), dict):
        return Row(row_no, None, "The line is no request of a batch.", line)
    custom_id, body = str(value.get("custom_id")), value["body"]
    if custom_id in asked:
        return Row(row_no, None, f"The custom_id {custom_id!r} was used by an earlier request.", line)
    asked.add(custom_id)
    cells: dict[str, Any] = {"custom_id": custom_id}
    cells |= {name: body[name] for name in _PROMPTS if name in body}
    cells["requested_model"] = body.get("model")
    # All of the request is kept; what is not sent is told.
    cells |= {f"body.{name}": _whole(part) for name, part in body.items() if name not in (*_PROMPTS, "model")}
    for output in outputs:
        answer = dict(output.cells.get(custom_id, {"response": None}))
        rest = answer.pop(_REST, None)
        cells[output.group] = answer
        if rest is not None:
            cells[hidden_message(f"{output.group}.response")] = rest
    return Row(row_no, cells, content=line)


def _is_output(path: Path) -> bool:
    first = next((value for _, value, _ in _lines(path) if isinstance(value, dict)), {})
    return "response" in first or "error" in first


def _answers(path: Path) -> _Answers:
    answers = _Answers(path.name, group=path.stem)
    named = False
    for line_no, value, line in _lines(path):
        if not isinstance(value, dict) or "custom_id" not in value:
            answers.broken.append((f"Line {line_no} of {path.name} is no answer of a batch.", line))
            continue
        custom_id = str(value["custom_id"])
        if custom_id in answers.cells:
            answers.broken.append((f"{path.name} answers {custom_id!r} twice.", line))
            continue
        answers.cells[custom_id] = cells = _answer(value)
        if not named and cells.get("model"):
            answers.group, named = str(cells["model"]), True
    return answers


def _answer(value: Mapping[str, Any]) -> dict[str, Any]:
    """Take the parts of an answer that have a place: text, model, why it ended, or what went wrong."""
    response = value.get("response") or {}
    body = response.get("body") if isinstance(response, dict) else None
    if not isinstance(body, dict):
        return {"response": None, "error": json.dumps(value.get("error"), ensure_ascii=False)}
    cells = {"response": None, "model": body.get("model"), **_told(body)}
    return cells | ({"error": json.dumps(body["error"], ensure_ascii=False)} if body.get("error") else {})


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """Take text, why it ended and what else the message holds: of chat, of completions, or of responses."""
    if (whole := message_of_items(body.get("output"))) is not None:  # of /v1/responses
        text, rest = answer_of(whole)
        reason = (body.get("incomplete_details") or {}).get("reason")
        return {"response": text, "finish_reason": reason} | ({} if rest is None else {_REST: rest})
    choice = next((one for one in body.get("choices") or [] if isinstance(one, dict)), {})
    message = choice.get("message")
    if not isinstance(message, dict):
        return {"response": choice.get("text"), "finish_reason": choice.get("finish_reason")}
    text, rest = answer_of(message)
    told = {"response": text if rest or text_of(message) is not None else None}
    return told | {"finish_reason": choice.get("finish_reason")} | ({} if rest is None else {_REST: rest})


def _whole(part: object) -> object:
    return json.dumps(part, ensure_ascii=False) if isinstance(part, Mapping) else part


def _name_groups(outputs: Sequence[_Answers]) -> None:
    """Tell files apart that were answered by the same model."""
    groups = [output.group for output in outputs]
    for output in outputs:
        if groups.count(output.group) > 1:
            output.group = f"{output.group} ({Path(output.file_name).stem})"


def _lines(path: Path) -> Iterator[tuple[int, object, str]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        for line_no, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield line_no, json.loads(line), line
                except (ValueError, RecursionError):
                    yield line_no, None, line
