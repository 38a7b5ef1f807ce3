"""What an answer and its score look like as rows of the store's tables."""

from __future__ import annotations

from typing import Any

from tlm_dash.batch.plan import AnswerPlan, PlannedCell
from tlm_dash.finish_reasons import is_whole
from tlm_dash.models import Completion, Generated, Scored, canonical_json, utc_now
from tlm_dash.responses import hash_of_response, is_refusal


def completion_row(
    plan: AnswerPlan, completion_id: str, generated: Generated, *, is_complete: bool
) -> dict[str, Any]:
    """Describe one response; a given one has no latency and no tokens.

    `is_complete` is False where its stream broke off; one that ended at a limit is not complete either.
    """
    completion = generated.completion
    timed = plan.given is None and is_complete
    return {
        "completion_id": completion_id,
        "dataset_id": plan.dataset_id,
        "item_no": plan.item_no,
        "response_hash": hash_of_response(plan.messages, completion.text, completion.extra),
        "response": completion.text,
        "answered_by": plan.answered_by,
        "model": plan.model,
        "resolved_model": completion.resolved_model,
        "finish_reason": completion.finish_reason,
        "input_tokens": completion.usage.input_tokens,
        "output_tokens": completion.usage.output_tokens,
        "latency_ms": generated.latency_ms if timed else None,
        "first_token_ms": generated.first_token_ms,
        "is_complete": is_complete and is_whole(completion.finish_reason),
        "is_refusal": is_refusal(completion.extra, completion.finish_reason),
        "extra": canonical_json(dict(completion.extra)),
        "created_at": utc_now(),
    }


def done_rows(
    plan: AnswerPlan, cell: PlannedCell, completion: Completion, completion_id: str, scored: Scored
) -> dict[str, list[dict[str, Any]]]:
    """Describe a scored (or, with its reason, unscored) cell: the narrow row and its text."""
    score = scored.score
    item = _run_item(plan, cell, completion, completion_id) | {
        "status": "done",
        "trustworthiness_score": score.trustworthiness_score,
        "unscored_reason": score.unscored_reason,
        # A score that came with the answer has no latency of its own.
        "score_latency_ms": scored.latency_ms or None,
    }
    text = {
        "run_id": cell.run_id,
        "item_no": plan.item_no,
        "attempt_no": cell.attempt_no,
        "explanation": score.explanation,
        "log": canonical_json(dict(score.log)),
    }
    return {"run_item": [item], "run_item_text": [text]}


def pending_row(
    plan: AnswerPlan, cell: PlannedCell, completion: Completion, completion_id: str
) -> dict[str, Any]:
    """Describe a cell whose response is there and whose score is not: a crash now loses neither."""
    return _run_item(plan, cell, completion, completion_id) | {"status": "pending"}


def error_row(
    plan: AnswerPlan,
    cell: PlannedCell,
    completion: Completion | None,
    completion_id: str | None,
    kind: str,
    message: str,
    hint: str,
) -> dict[str, Any]:
    """Describe a cell that failed; a response that had arrived stays linked to it."""
    return _run_item(plan, cell, completion, completion_id) | {
        "status": "error",
        "error_kind": kind,
        "error_message": message,
        "error_hint": hint,
    }


def _run_item(
    plan: AnswerPlan, cell: PlannedCell, completion: Completion | None, completion_id: str | None
) -> dict[str, Any]:
    hashed = None
    if completion is not None:
        hashed = hash_of_response(plan.messages, completion.text, completion.extra)
    return {
        "run_id": cell.run_id,
        "item_no": plan.item_no,
        "attempt_no": cell.attempt_no,
        "completion_id": completion_id,
        "response_hash": hashed,
        "trustworthiness_score": None,
        "unscored_reason": None,
        "error_kind": None,
        "error_message": None,
        "error_hint": None,
        "score_latency_ms": None,
        "written_at": utc_now(),
    }
