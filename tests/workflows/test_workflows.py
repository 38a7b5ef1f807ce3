"""Cleanlab's three workflows for a TLM of one's own run unchanged against the embedded endpoint.

The programs are written as the official client's tutorial writes them, and run with the official client.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.workflows.conftest import Outcome, RunProgram, WatchedEndpoint

pytestmark = pytest.mark.network

PRESETS = ("base", "low", "medium")
RESOLVED_MODEL = "smollm2-135m-instruct"


def check_response(response: dict[str, Any]) -> None:
    """It is a whole ChatCompletion that says which model answered and what it used."""
    assert response["object"] == "chat.completion"
    assert response["model"] == RESOLVED_MODEL
    assert response["choices"][0]["message"]["content"].strip()
    usage = response["usage"]
    assert usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def check_score(metadata: dict[str, Any], *, explained: bool) -> None:
    """It has a score in [0, 1], and an explanation exactly where one was asked for."""
    score = metadata["trustworthiness_score"]
    assert isinstance(score, float) and 0 <= score <= 1
    assert ("log" in metadata) == explained
    if explained:
        assert metadata["log"]["explanation"].strip()


def check_nobody_else_was_called(outcome: Outcome, endpoint: WatchedEndpoint) -> None:
    """The program called the endpoint alone, and the endpoint its own model on this machine alone."""
    address = urlsplit(endpoint.base_url)
    assert outcome.contacted == {f"{address.hostname} {address.port}"}
    assert {line.split()[0] for line in endpoint.log.read_text().splitlines()} == {"127.0.0.1"}


def test_scoring_existing_responses(run_program: RunProgram, watched_endpoint: WatchedEndpoint) -> None:
    outcome = run_program("score_existing_responses.py")
    check_response(outcome.answer["response"])
    scores = outcome.answer["scores"]
    assert set(scores) == {"default", *PRESETS}
    for preset in PRESETS:
        check_score(scores[preset], explained=True)
    check_score(scores["default"], explained=False)
    check_nobody_else_was_called(outcome, watched_endpoint)


def test_decorating_existing_calls(run_program: RunProgram, watched_endpoint: WatchedEndpoint) -> None:
    outcome = run_program("decorate_existing_calls.py")
    assert len(outcome.answer) == 2
    for answer in outcome.answer:
        check_response(answer["response"])
        check_score(answer["tlm_metadata"], explained=True)
    check_nobody_else_was_called(outcome, watched_endpoint)


def test_generating_and_scoring(run_program: RunProgram, watched_endpoint: WatchedEndpoint) -> None:
    outcome = run_program("generate_and_score.py")
    assert set(outcome.answer) == {"default", *PRESETS, *(f"{preset}, log" for preset in PRESETS)}
    for name, answer in outcome.answer.items():
        check_response(answer["response"])
        assert answer["score"] == answer["metadata"]["trustworthiness_score"]
        check_score(answer["metadata"], explained="log" in name)
    check_nobody_else_was_called(outcome, watched_endpoint)


def test_an_unknown_model_is_told_in_clear_words(run_program: RunProgram) -> None:
    raised = run_program("ask_for_an_unknown_model.py").answer
    clear = f"This endpoint does not serve the model 'no-such-model'. It serves {RESOLVED_MODEL}."
    assert clear in raised["generate"]["text"]
    assert (raised["generate"]["code"], raised["generate"]["param"]) == ("model_not_found", "model")
    assert "TLM score API error: 404" in raised["score"]["text"]
    assert raised["score"]["answer"]["error"]["message"] == clear
