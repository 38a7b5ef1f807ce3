"""One item on its way through a grid: what is asked, and the rows that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tlm_dash.batch.grid import Grid, GridRun
from tlm_dash.errors import EndpointError, TlmDashError
from tlm_dash.finish_reasons import is_whole
from tlm_dash.models import (
    Completion,
    Generated,
    GenerateRequest,
    Messages,
    Score,
    Scored,
    ScoreRequest,
    canonical_json,
    text_hash,
    utc_now,
)
from tlm_dash.responses import hash_of_response, is_refusal, response_identity

Call = Literal["generate", "score"]
Row = dict[str, Any]

LEAVE_OUT_SCORE = {"disable_trustworthiness": True}


@dataclass(slots=True)
class Cell:
    """One item in one run."""

    run: GridRun
    attempt_no: int


@dataclass(slots=True)
class Question:
    """One item for the runs that share its response. `messages` are the item's own, `sent` what is asked."""

    item_no: int
    messages: Messages
    sent: Messages
    cells: list[Cell]
    completion: Completion | None = None
    completion_id: str | None = None
    response_hash: str | None = None

    def answered(self, completion: Completion, completion_id: str) -> None:
        """Take a response; what belongs to prompt and response is known by their hash from now on."""
        self.completion, self.completion_id = completion, completion_id
        self.response_hash = hash_of_response(self.messages, completion.text, completion.extra)


@dataclass(slots=True)
class Unit:
    """One request to make for a question, over as many tries as it takes."""

    call: Call
    question: Question
    cell: Cell
    n_tries: int = 0
    n_refused: int = 0
    maybe_again: bool = False
    content_hash: str = field(default="")

    @property
    def cells(self) -> list[Cell]:
        """Give the cells that wait for it: an answer is for all of its question, a score for one."""
        return self.question.cells if self.call == "generate" else [self.cell]


def generate_request(grid: Grid, unit: Unit, *, leave_out_score: bool) -> GenerateRequest:
    """Phrase the request for an answer; TLM's own fields go only to a TLM endpoint."""
    run = unit.cell.run
    assert run.model is not None, "only a run with a model generates"
    if grid.answered_by == "provider":
        return GenerateRequest(unit.question.sent, run.model, params=grid.params)
    options: Mapping[str, Any] = grid.options
    if grid.mode != "generate" and leave_out_score:
        options = LEAVE_OUT_SCORE
    return GenerateRequest(unit.question.sent, run.model, run.quality_preset, options, grid.params)


def score_request(grid: Grid, unit: Unit) -> ScoreRequest:
    """Phrase the request for a score of the response that is there."""
    question = unit.question
    assert question.completion is not None, "a response is scored when it is there"
    preset = unit.cell.run.quality_preset
    return ScoreRequest(question.sent, question.completion, grid.scorer_model, preset, grid.options)


def content_hash(request: GenerateRequest | ScoreRequest) -> str:
    """Identify what is asked, as the ledger keeps it."""
    if isinstance(request, GenerateRequest):
        content = [request.messages, request.model, request.quality_preset, request.params, request.options]
        return text_hash("generate", canonical_json(content))
    completion = request.completion
    response = response_identity(completion.text, completion.extra) or completion.text
    content = [request.messages, response, request.scorer_model, request.quality_preset]
    return text_hash("score", canonical_json(content))


def attempt_row(unit: Unit, attempt_id: str) -> Row:
    """Describe a request that is about to leave."""
    return {
        "attempt_id": attempt_id, "run_id": unit.cell.run.run_id, "item_no": unit.question.item_no,
        "attempt_no": unit.cell.attempt_no, "call": unit.call, "content_hash": unit.content_hash,
        "sent_at": utc_now(),
    }  # fmt: skip


def end_row(
    attempt_id: str, outcome: str, latency_ms: float | None, error: TlmDashError | None = None
) -> Row:
    """Describe how a request ended."""
    row = {
        "attempt_id": attempt_id, "outcome": outcome, "latency_ms": latency_ms, "ended_at": utc_now(),
        "error_message": error.message if error else None,
    }  # fmt: skip
    if isinstance(error, EndpointError):
        row |= {"error_kind": error.kind, "http_status": error.status, "request_id": error.request_id}
    return row


def completion_row(grid: Grid, question: Question, generated: Generated, model: str | None) -> Row:
    """Describe the response that a question just got."""
    completion = generated.completion
    return {
        "completion_id": question.completion_id, "dataset_id": grid.dataset_id,
        "item_no": question.item_no, "response_hash": question.response_hash,
        "response": completion.text, "answered_by": grid.answered_by, "model": model,
        "resolved_model": completion.resolved_model, "finish_reason": completion.finish_reason,
        "input_tokens": completion.usage.input_tokens, "output_tokens": completion.usage.output_tokens,
        "latency_ms": generated.latency_ms, "first_token_ms": generated.first_token_ms,
        "is_complete": is_whole(completion.finish_reason),
        "is_refusal": is_refusal(completion.extra, completion.finish_reason),
        "extra": canonical_json(dict(completion.extra)), "created_at": utc_now(),
    }  # fmt: skip


def pending_row(question: Question, cell: Cell) -> Row:
    """Describe a cell whose response is there and whose score is not: a crash now loses neither."""
    return _run_item(question, cell, "pending")


def done_rows(question: Question, cell: Cell, scored: Scored) -> dict[str, list[Row]]:
    """Describe a scored (or, with its reason, unscored) cell: the narrow row, and its texts if any."""
    score: Score = scored.score
    item = _run_item(question, cell, "done") | {
        "trustworthiness_score": score.trustworthiness_score,
        "unscored_reason": score.unscored_reason,
        # A score that came with the answer has no latency of its own.
        "score_latency_ms": scored.latency_ms or None,
    }
    if score.explanation is None and not score.log:
        return {"run_item": [item]}
    text = {
        "run_id": cell.run.run_id, "item_no": question.item_no, "attempt_no": cell.attempt_no,
        "explanation": score.explanation, "log": canonical_json(dict(score.log)),
    }  # fmt: skip
    return {"run_item": [item], "run_item_text": [text]}


def error_row(question: Question, cell: Cell, kind: str, message: str, hint: str) -> Row:
    """Describe a cell that failed; a response that had arrived stays linked to it."""
    told = {"error_kind": kind, "error_message": message, "error_hint": hint}
    return _run_item(question, cell, "error") | told


def _run_item(question: Question, cell: Cell, status: str) -> Row:
    return {
        "run_id": cell.run.run_id, "item_no": question.item_no, "attempt_no": cell.attempt_no,
        "status": status, "completion_id": question.completion_id, "response_hash": question.response_hash,
        "written_at": utc_now(),
    }  # fmt: skip
