"""One answer in one piece: what is sent, and what becomes of what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.endpoint.asking import GENERATE, MESSAGES, a_request, error_of, run
from tests.fake_endpoint import Answer, FakeEndpoint, Reply, fake_answer, fake_score
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.errors import InvalidInputError, NotTlmEndpointError
from tlm_dash.models import Generated, Usage


def generate(endpoint: FakeEndpoint, **changes: Any) -> Generated:  # noqa: ANN401
    return run(endpoint, lambda client: client.generate(a_request(**changes)))


def answered(endpoint: FakeEndpoint, answer: object) -> Generated:
    endpoint.script(GENERATE, [answer])  # type: ignore[list-item]
    return generate(endpoint)


def test_a_plain_answer(fake_endpoint: FakeEndpoint) -> None:
    generated = generate(fake_endpoint, quality_preset="medium")
    text = fake_answer(MESSAGES, "gpt-4.1-mini")
    assert generated.completion.text == text
    assert generated.completion.model == "gpt-4.1-mini"
    assert generated.completion.resolved_model == "gpt-4.1-mini-2025-04-14"
    assert generated.completion.finish_reason == "stop"
    assert generated.completion.usage == Usage(input_tokens=5, output_tokens=len(text.split()))
    assert generated.score is not None
    assert generated.score.trustworthiness_score == fake_score(text, "medium")
    assert generated.score.unscored_reason is None
    assert generated.score.explanation == "The words do not contradict each other (medium)."
    assert generated.score.log == {"explanation": generated.score.explanation}
    assert generated.latency_ms > 0
    assert generated.first_token_ms is None


def test_what_is_sent(fake_endpoint: FakeEndpoint) -> None:
    options = {"log": ["explanation"], "num_self_reflections": 1}
    generate(fake_endpoint, options=options, params={"temperature": 0.5, "max_tokens": 64})
    (request,) = fake_endpoint.requests
    assert (request.method, request.path) == ("POST", "/api/chat/completions")
    assert request.headers["content-type"] == "application/json"
    assert request.body == {
        "model": "gpt-4.1-mini",
        "messages": list(MESSAGES),
        "quality_preset": "low",
        "options": options,
        "temperature": 0.5,
        "max_tokens": 64,
    }


def test_nothing_that_was_not_asked_for_is_sent(fake_endpoint: FakeEndpoint) -> None:
    generate(fake_endpoint, quality_preset=None)
    assert set(fake_endpoint.requests[0].body) == {"model", "messages"}


def test_params_cannot_take_over_the_request(fake_endpoint: FakeEndpoint) -> None:
    generate(
        fake_endpoint, params={"model": "other", "messages": [], "stream": True, "quality_preset": "best"}
    )
    body = fake_endpoint.requests[0].body
    assert (body["model"], body["messages"]) == ("gpt-4.1-mini", list(MESSAGES))
    assert body["quality_preset"] == "low"
    assert "stream" not in body


def test_another_provider_gets_no_tlm_fields_and_no_score_is_read(fake_endpoint: FakeEndpoint) -> None:
    request = a_request(options={"log": ["explanation"]})
    generated = run(fake_endpoint, lambda client: client.generate(request), speaks_tlm=False)
    assert set(fake_endpoint.requests[0].body) == {"model", "messages"}
    assert generated.score is None
    assert "tlm_metadata" not in generated.completion.extra


def test_text_of_every_script_travels_both_ways(fake_endpoint: FakeEndpoint) -> None:
    text = "naïve 漢字 🙂 \u202eabc\u202c \x00 \u2028"
    fake_endpoint.script(GENERATE, [Answer(text=text)])
    assert generate(fake_endpoint, messages=({"role": "user", "content": text},)).completion.text == text
    assert fake_endpoint.requests[0].body["messages"][0]["content"] == text
    assert "漢字".encode() in fake_endpoint.requests[0].raw


def test_half_a_surrogate_pair_travels_out_and_comes_back_as_replacement(fake_endpoint: FakeEndpoint) -> None:
    body = Answer(text="@@", extra={"@@": ["@@"]}).document({"model": "m", "messages": []})
    raw = json.dumps(body).replace("@@", "a\\ud800b").encode()
    fake_endpoint.script(GENERATE, [Reply(200, raw)])
    generated = generate(fake_endpoint, messages=({"role": "user", "content": "a\ud800b"},))
    assert fake_endpoint.requests[0].body["messages"][0]["content"] == "a\ud800b"
    assert generated.completion.text == "a\ufffdb"
    assert generated.completion.extra["a\ufffdb"] == ["a\ufffdb"]


def test_invalid_utf_8_in_the_body_is_replaced(fake_endpoint: FakeEndpoint) -> None:
    raw = b'\xef\xbb\xbf{"choices": [{"message": {"content": "caf\xe9"}, "finish_reason": "stop"}]}'
    generated = answered(fake_endpoint, Reply(200, raw))
    assert generated.completion.text == "caf\ufffd"
    assert generated.completion.resolved_model is None
    assert generated.completion.usage == Usage()


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", None])
def test_finish_reason_is_kept(fake_endpoint: FakeEndpoint, reason: str | None) -> None:
    assert answered(fake_endpoint, Answer(finish_reason=reason)).completion.finish_reason == reason


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None, "refusal": "I cannot."}, "I cannot."),
        ({"content": "Yes.", "refusal": "I cannot."}, "Yes."),
        (
            {
                "content": [
                    {"type": "text", "text": "One "},
                    "two ",
                    {"type": "image"},
                    {"text": {"value": "three"}},
                ]
            },
            "One two three",
        ),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "No."),
    ],
)
def test_text_is_found_in_every_form_of_message(
    fake_endpoint: FakeEndpoint, message: dict[str, Any], text: str
) -> None:
    completion = answered(fake_endpoint, Answer(message=message, finish_reason="content_filter")).completion
    assert completion.text == text
    assert completion.finish_reason == "content_filter"


def test_unknown_fields_are_kept(fake_endpoint: FakeEndpoint) -> None:
    reply = Answer(
        message={"annotations": [1], "reasoning_content": "hm"},
        extra={"service_tier": "flex", "usage": {"prompt_tokens": 1, "completion_tokens": 2, "cached": 3}},
    )
    extra = answered(fake_endpoint, reply).completion.extra
    assert extra["service_tier"] == "flex"
    assert extra["id"] == "chatcmpl-fake"
    assert extra["message"] == {"annotations": [1], "reasoning_content": "hm"}
    assert extra["usage"] == {"cached": 3}
    assert not {"choices", "model", "tlm_metadata", "object", "choice"} & set(extra)


def test_unknown_metadata_is_kept_in_the_log(fake_endpoint: FakeEndpoint) -> None:
    metadata = {
        "trustworthiness_score": 0.5,
        "component": {"a": 1},
        "log": {"explanation": None, "perplexity": 2},
    }
    score = answered(fake_endpoint, Answer(extra={"tlm_metadata": metadata})).score
    assert score is not None
    assert score.log == {"component": {"a": 1}, "explanation": None, "perplexity": 2}
    assert score.explanation is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4)),
        ({"input_tokens": 3, "output_tokens": 4.0}, Usage(3, 4)),
        ({"prompt_tokens": True, "completion_tokens": -1}, Usage()),
        ({"prompt_tokens": "3", "completion_tokens": 1.5}, Usage()),
        ([], Usage()),
        (None, Usage()),
    ],
)
def test_usage(fake_endpoint: FakeEndpoint, usage: object, expected: Usage) -> None:
    assert answered(fake_endpoint, Answer(extra={"usage": usage})).completion.usage == expected


@pytest.mark.parametrize("metadata", [{"tlm_metadata": None}, {}])
def test_a_missing_score_is_none_and_no_error(fake_endpoint: FakeEndpoint, metadata: dict[str, Any]) -> None:
    assert answered(fake_endpoint, Answer(with_score=False, extra=metadata)).score is None


def test_no_score_where_it_was_switched_off(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Answer(score="null"), Answer(score=0.25)])
    assert generate(fake_endpoint, options={"disable_trustworthiness": True}).score is None
    score = generate(fake_endpoint, options={"disable_trustworthiness": True}).score
    assert score is not None and score.trustworthiness_score == 0.25


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": ["text"]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"message": "text"}]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"message": {"content": {"text": "x"}}}]},
        [],
        "text",
        None,
        3,
    ],
)
def test_an_answer_without_an_answer_in_it_is_not_tlm(fake_endpoint: FakeEndpoint, body: object) -> None:
    fake_endpoint.script(GENERATE, [Reply(200, body)])
    assert type(error_of(fake_endpoint)) is NotTlmEndpointError


def test_a_text_completion_is_read(fake_endpoint: FakeEndpoint) -> None:
    body = {"choices": [{"text": "Blue.", "finish_reason": "stop"}]}
    assert answered(fake_endpoint, Reply(200, body)).completion.text == "Blue."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_request_without_json_form_is_told_before_anything_is_sent(
    fake_endpoint: FakeEndpoint, value: object
) -> None:
    with pytest.raises(InvalidInputError, match="cannot be written as JSON"):
        generate(fake_endpoint, params={"temperature": value})
    assert not fake_endpoint.requests


def test_connections_are_used_again(fake_endpoint: FakeEndpoint) -> None:
    async def three(client: EndpointClient) -> None:
        for _ in range(3):
            await client.generate(a_request())

    run(fake_endpoint, three)
    assert len(fake_endpoint.requests) == 3
    assert fake_endpoint.connections == 1
