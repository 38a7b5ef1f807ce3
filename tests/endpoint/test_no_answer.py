"""An answer in good form in which nothing is answered says why, with an error of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.endpoint.asking import GENERATE, a_request, error_of, run
from tests.fake_endpoint import Answer, FakeEndpoint, Reply
from tlm_dash.endpoint.bodies import completion_document
from tlm_dash.errors import (
    AnswerFailedError,
    AnswerWithheldError,
    ConnectionDroppedError,
    EmptyAnswerError,
    EndpointError,
    NotTlmEndpointError,
    OnlyReasoningError,
    ServerFailedError,
)
from tlm_dash.models import Completion

CALL = {"id": "t", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}


def answered(endpoint: FakeEndpoint, reply: object) -> Completion:
    endpoint.script(GENERATE, [reply])  # type: ignore[list-item]
    return run(endpoint, lambda client: client.generate(a_request())).completion


NOTHING: dict[str, tuple[Answer, type[EndpointError], str, bool]] = {
    "empty": (Answer(text=""), EmptyAnswerError, "is empty", True),
    "null": (Answer(message={"content": None}), EmptyAnswerError, "is empty", True),
    "parts": (Answer(message={"content": []}), EmptyAnswerError, "is empty", True),
    "blank": (Answer(text="  \n"), EmptyAnswerError, "is empty", True),
    "at its limit": (Answer(text="", finish_reason="length"), EmptyAnswerError, "limit of tokens", True),
    "reasoning up to the limit": (
        Answer(message={"content": None, "reasoning_content": "First"}, finish_reason="length"),
        OnlyReasoningError, "used up by reasoning", False,
    ),
    "hidden reasoning": (
        Answer(text="", finish_reason="MAX_TOKENS", extra={"usage": {
            "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 5},
        }}),
        OnlyReasoningError, "used up by reasoning", False,
    ),
    "reasoning": (
        Answer(message={"content": None, "reasoning_content": "Paris."}),
        OnlyReasoningError, "only reasoning came", False,
    ),
    "reasoning in parts": (
        Answer(message={"content": [{"type": "thinking", "thinking": "Paris."}]}),
        OnlyReasoningError, "only reasoning came", False,
    ),
    "reasoning in tags": (Answer(text="<think>Lyon?</think>\n"), OnlyReasoningError, "only reasoning", False),
    "filtered": (
        Answer(message={"content": None}, finish_reason="content_filter"),
        AnswerWithheldError, "content_filter", False,
    ),
    "unsafe": (
        Answer(extra={"choices": [{"index": 0, "finish_reason": "SAFETY"}]}),
        AnswerWithheldError, "SAFETY", False,
    ),
    "failed": (Answer(text="Par", finish_reason="error"), AnswerFailedError, "“error”", True),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING)
def test_no_answer_is_said_with_its_reason(fake_endpoint: FakeEndpoint, name: str) -> None:
    reply, kind, words, is_retryable = NOTHING[name]
    fake_endpoint.script(GENERATE, [reply])
    error = error_of(fake_endpoint)
    assert (type(error), error.retryable, error.status) == (kind, is_retryable, 200)
    assert words in error.message
    assert len(fake_endpoint.requests) == 1


def test_another_choice_is_told_and_not_taken(fake_endpoint: FakeEndpoint) -> None:
    choices = [
        {"index": n, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        for n, text in enumerate(("", "Paris."))
    ]
    fake_endpoint.script(GENERATE, [Answer(extra={"choices": choices})])
    assert "One further choice" in (message := error_of(fake_endpoint).message) and "“Paris.”" in message
    completion = answered(fake_endpoint, Answer(extra={"choices": choices[::-1]}))
    assert completion.text == "Paris."
    assert completion.extra["other_choices"] == [choices[0]]
    assert "other_choices" not in completion_document(completion)


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "model_length", "content_filter"])
def test_a_text_that_was_cut_is_an_answer(fake_endpoint: FakeEndpoint, reason: str) -> None:
    completion = answered(fake_endpoint, Answer(text="Par", finish_reason=reason))
    assert (completion.text, completion.finish_reason) == ("Par", reason)


def test_a_call_is_an_answer_and_goes_back_as_one(fake_endpoint: FakeEndpoint) -> None:
    message = {"content": None, "tool_calls": [CALL]}
    completion = answered(fake_endpoint, Answer(message=message, finish_reason="tool_calls"))
    assert completion.text == "look(q: 1)"
    assert completion_document(completion)["choices"][0]["message"] == {"role": "assistant", **message}
    both = answered(fake_endpoint, Answer(message={**message, "content": "So:"}))
    assert both.text == "So:\nlook(q: 1)"
    assert completion_document(both)["choices"][0]["message"]["content"] == "So:"


@pytest.mark.parametrize(
    "error",
    [None, {}, "", {"code": 0, "message": "", "type": "", "param": ""}, {"code": "0", "message": None}],
)
def test_an_error_without_words_beside_an_answer_is_none(fake_endpoint: FakeEndpoint, error: object) -> None:
    assert answered(fake_endpoint, Answer(text="Paris.", extra={"error": error})).text == "Paris."


def test_an_error_with_words_beside_an_answer_is_one(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Answer(extra={"error": {"code": 0, "message": "Backend lost"}})])
    assert type(error_of(fake_endpoint)) is ServerFailedError


def test_an_empty_error_and_nothing_else_is_no_answer(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Reply(200, {"error": {"code": 0, "message": ""}})])
    assert type(error_of(fake_endpoint)) is NotTlmEndpointError


def test_a_message_beside_an_answer_is_no_error(fake_endpoint: FakeEndpoint) -> None:
    said: dict[str, Any] = {"code": 200, "msg": "success"}
    assert answered(fake_endpoint, Answer(text="Paris.", extra=said)).text == "Paris."


def test_an_answer_behind_comments_is_read(fake_endpoint: FakeEndpoint) -> None:
    raw = b": OPENROUTER PROCESSING\n\n" + json.dumps(Answer(text="Paris.").document({})).encode()
    assert answered(fake_endpoint, Reply(200, raw)).text == "Paris."


def events(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def test_a_stream_that_nobody_asked_for_is_read(fake_endpoint: FakeEndpoint) -> None:
    chunks = Answer(text="The capital is Paris.").chunks({})
    whole = Reply(200, events(chunks) + b"data: [DONE]\n\n", {}, "text/event-stream")
    assert answered(fake_endpoint, whole).text == "The capital is Paris."
    fake_endpoint.script(GENERATE, [Reply(200, events(chunks[:3]), {}, "text/event-stream")])
    assert type(error_of(fake_endpoint)) is ConnectionDroppedError
    failed = events([*chunks[:3], {"error": {"code": 502, "message": "Provider disconnected"}}])
    fake_endpoint.script(GENERATE, [Reply(200, failed, {}, "text/event-stream")])
    assert type(error_of(fake_endpoint)) is ServerFailedError
