"""Scores: what counts as one, and the call that scores a given answer."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.endpoint.asking import GENERATE, MESSAGES, SCORE, a_request, a_score_request, error_of, run
from tests.fake_endpoint import Answer, FakeEndpoint, Reply, fake_score
from tlm_dash.endpoint.bodies import completion_document
from tlm_dash.endpoint.wire import completion_of, score_of
from tlm_dash.errors import ConnectionDroppedError, NotTlmEndpointError
from tlm_dash.models import Completion, Scored, ScoreRequest, Usage

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.floats(0, 1) | st.integers(0, 1))
def test_numbers_from_0_to_1_are_scores(value: float) -> None:
    score = score_of({"trustworthiness_score": value})
    assert score.trustworthiness_score == value
    assert isinstance(score.trustworthiness_score, float)
    assert math.copysign(1, score.trustworthiness_score) == 1
    assert score.unscored_reason is None


@given(json_values)
def test_anything_else_is_unscored_with_a_sentence(value: Any) -> None:  # noqa: ANN401
    score = score_of({"trustworthiness_score": value})
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= value <= 1:
        assert score.trustworthiness_score == value
        return
    assert score.trustworthiness_score is None
    assert score.unscored_reason is not None
    assert score.unscored_reason.startswith("The endpoint sent ")
    assert score.unscored_reason.endswith("instead of a score.")
    assert score.unscored_reason.isprintable()
    assert len(score.unscored_reason) < 200


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "null"),
        (float("nan"), "NaN"),
        (float("inf"), "an infinite number"),
        (-float("inf"), "an infinite number"),
        (1.0000001, "1.0000001, which is outside 0 to 1"),
        (-0.1, "-0.1, which is outside 0 to 1"),
        pytest.param(10**5000, "a very large number", id="huge"),
        ("0.9", "a text ('0.9')"),
        (True, "true"),
        (False, "false"),
        ([0.9], "a list"),
        ({"value": 0.9}, "an object"),
    ],
)
def test_the_reason_names_what_came(value: object, named: str) -> None:
    score = score_of({"trustworthiness_score": value})
    assert score.trustworthiness_score is None
    assert named in (score.unscored_reason or "")


def test_a_missing_score_and_odd_metadata_have_a_reason() -> None:
    assert score_of({}).unscored_reason == "The endpoint sent no score."
    assert "a text" in (score_of("0.9").unscored_reason or "")
    assert score_of([0.9]).trustworthiness_score is None


@pytest.mark.parametrize("log", ["text", 3, [1]])
def test_an_odd_log_is_kept_and_does_no_harm(log: object) -> None:
    score = score_of({"trustworthiness_score": 0.5, "log": log})
    assert score.trustworthiness_score == 0.5
    assert score.log == {"log": log}
    assert score.explanation is None


def test_an_explanation_that_is_no_text_is_none() -> None:
    assert score_of({"trustworthiness_score": 0.5, "log": {"explanation": {"a": 1}}}).explanation is None
    assert score_of({"trustworthiness_score": 0.5, "log": {"explanation": ""}}).explanation is None


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"1e999", b'"high"', b"null", b"2"])
def test_odd_scores_on_the_wire(fake_endpoint: FakeEndpoint, raw: bytes) -> None:
    reply = Reply(200, b'{"tlm_metadata": {"trustworthiness_score": ' + raw + b"}}")
    fake_endpoint.script(SCORE, [reply])
    score = score_text(fake_endpoint).score
    assert score.trustworthiness_score is None and score.unscored_reason


def score_text(endpoint: FakeEndpoint, request: ScoreRequest | None = None) -> Scored:
    return run(endpoint, lambda client: client.score(request or a_score_request()))


def test_a_given_text_is_scored(fake_endpoint: FakeEndpoint) -> None:
    scored = score_text(fake_endpoint, a_score_request("Blue.", options={"log": ["explanation"]}))
    assert scored.score.trustworthiness_score == fake_score("Blue.", "base", "gpt-4.1-nano")
    assert scored.score.explanation == "The words do not contradict each other (base)."
    assert scored.latency_ms > 0


def test_what_is_sent(fake_endpoint: FakeEndpoint) -> None:
    request = a_score_request(
        "Blue.",
        completion=Completion("Blue.", "gpt-4.1-mini", "gpt-4.1-mini-2025", "length", Usage(3, 4)),
        options={"log": ["explanation"], "model": "someone-else"},
        params={"temperature": 0, "completion": "mine"},
    )
    score_text(fake_endpoint, request)
    (sent,) = fake_endpoint.requests
    assert (sent.method, sent.path) == ("POST", "/api/chat/score")
    assert sent.body == {
        "model": "gpt-4.1-nano",
        "quality_preset": "base",
        "options": {"log": ["explanation"], "model": "gpt-4.1-nano"},
        "messages": list(MESSAGES),
        "temperature": 0,
        "completion": {
            "id": "chatcmpl-given",
            "object": "chat.completion",
            "created": 0,
            "model": "gpt-4.1-mini-2025",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Blue."},
                    "finish_reason": "length",
                    "logprobs": None,
                }
            ],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
        },
    }


def test_a_bare_text_is_wrapped_as_a_complete_completion() -> None:
    document = completion_document(Completion("Blue.", "gpt-4.1-mini"))
    assert document["model"] == "gpt-4.1-mini"
    assert document["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in document


def test_an_answer_goes_back_to_be_scored_as_it_came(fake_endpoint: FakeEndpoint) -> None:
    came = Answer(
        text="Blue.",
        message={"annotations": [1]},
        extra={"service_tier": "flex", "usage": {"prompt_tokens": 1, "completion_tokens": 2, "cached": 3}},
    )
    fake_endpoint.script(GENERATE, [came])
    completion = run(fake_endpoint, lambda client: client.generate(a_request())).completion
    sent = completion_document(completion)
    original = came.document({"model": "gpt-4.1-mini", "messages": MESSAGES})
    assert sent["choices"][0]["message"] == {"role": "assistant", "content": "Blue.", "annotations": [1]}
    assert sent["usage"] == {**original["usage"], "total_tokens": 3}
    assert {key: sent[key] for key in ("id", "created", "model", "service_tier")} == {
        key: original[key] for key in ("id", "created", "model", "service_tier")
    }
    assert completion_of(sent, model="gpt-4.1-mini") == completion


@pytest.mark.parametrize("body", [{}, {"tlm_metadata": None}, {"score": 0.5}])
def test_a_scoring_answer_without_metadata_is_not_tlm(fake_endpoint: FakeEndpoint, body: object) -> None:
    fake_endpoint.script(SCORE, [Reply(200, body)])
    error = error_of(fake_endpoint, lambda client: client.score(a_score_request()))
    assert type(error) is NotTlmEndpointError
    assert error.status == 200


def test_a_cut_scoring_answer_is_a_dropped_connection(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(SCORE, [Reply(200, b'{"tlm_metadata": {"trustworthiness_sc')])
    error = error_of(fake_endpoint, lambda client: client.score(a_score_request()))
    assert type(error) is ConnectionDroppedError
