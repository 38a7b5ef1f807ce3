"""Streams that the endpoint refuses: asked once more in one piece, unless something else is named."""

from __future__ import annotations

import pytest

from tests.endpoint.asking import GENERATE, MESSAGES, collect, collect_until_error, run
from tests.fake_endpoint import (
    ApiError,
    Behaviour,
    FakeEndpoint,
    HtmlPage,
    RateLimited,
    Reply,
    fake_answer,
    refuse_stream,
)
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.errors import EndpointError, NotTlmEndpointError
from tlm_dash.models import Generated

ANSWER = fake_answer(MESSAGES, "gpt-4.1-mini")


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_an_endpoint_that_refuses_stream_is_asked_once_more(fake_endpoint: FakeEndpoint, status: int) -> None:
    fake_endpoint.script(GENERATE, [ApiError(status, "stream is not supported")])

    async def twice(client: EndpointClient) -> list[tuple[list[str], Generated]]:
        return [await collect(client), await collect(client)]

    for pieces, generated in run(fake_endpoint, twice):
        assert pieces == [ANSWER]
        assert generated.score is not None
        assert generated.first_token_ms is None
    asked = [request.body.get("stream") for request in fake_endpoint.requests]
    assert asked == [True, None, None], "the refusal is remembered"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"error": {"message": "No.", "type": "invalid_request_error", "param": None}}),
        Reply(
            400, {"object": "error", "message": "No.", "type": "BadRequestError", "param": None, "code": 400}
        ),
        Reply(422, {"detail": [{"loc": ["body", "stream"], "msg": "Extra inputs are not permitted"}]}),
        ApiError(400, "This API key may not use streaming"),
        ApiError(404, "Not Found", code="not_found"),
        ApiError(405, "Method Not Allowed", code="another_thing"),
        Reply(400, b""),
    ],
)
def test_a_refusal_that_may_be_about_the_stream_is_asked_once_more(
    fake_endpoint: FakeEndpoint, reply: Reply
) -> None:
    fake_endpoint.script(GENERATE, [reply])
    assert run(fake_endpoint, collect)[0] == [ANSWER]
    assert [request.body.get("stream") for request in fake_endpoint.requests] == [True, None]


def test_a_refusal_by_a_server_upstream_is_not_about_the_stream(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(400, "The upstream said no", code="content_filter")])
    run(fake_endpoint, collect_until_error)
    assert len(fake_endpoint.requests) == 1


def test_a_refusal_for_another_reason_is_not_remembered(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(400, "bad option"), ApiError(400, "bad option, really")])

    async def twice(client: EndpointClient) -> EndpointError:
        _, error = await collect_until_error(client)
        await collect(client)
        return error

    error = run(fake_endpoint, twice)
    assert "bad option, really" in error.message
    assert [request.body.get("stream") for request in fake_endpoint.requests] == [True, None, True]


@pytest.mark.parametrize(
    "reply",
    [
        RateLimited("1"),
        ApiError(500),
        ApiError(401),
        ApiError(403),
        ApiError(409),
        ApiError(400, code="context_length_exceeded"),
        ApiError(404, "No such thing", code="model_not_found"),
        ApiError(404, "We do not serve the model 'stream-7b'", code="model_not_found"),
        ApiError(404, "The model `m` does not exist"),
        ApiError(400, "Invalid API key"),
        ApiError(400, "Log in first", code="authentication_error"),
        ApiError(400, "Not like that", code="content_filter"),
        Reply(
            400, {"error": {"message": "Too warm", "type": "invalid_request_error", "param": "temperature"}}
        ),
    ],
)
def test_other_refusals_are_not_asked_again(fake_endpoint: FakeEndpoint, reply: Reply) -> None:
    fake_endpoint.script(GENERATE, [reply])
    _, error = run(fake_endpoint, collect_until_error)
    assert error.status == reply.status
    assert len(fake_endpoint.requests) == 1


def test_a_lost_address_is_told_after_both_ways(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.behave(Behaviour(HtmlPage(404, "404 Not Found")))
    assert type(run(fake_endpoint, collect_until_error)[1]) is NotTlmEndpointError
    assert len(fake_endpoint.requests) == 2


def test_stream_options_are_left_out_where_they_are_refused(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(400, "Unknown field: stream_options")])

    async def twice(client: EndpointClient) -> None:
        for _ in range(2):
            pieces, _ = await collect(client)
            assert len(pieces) > 1

    run(fake_endpoint, twice)
    sent = [
        ("stream" in request.body, "stream_options" in request.body) for request in fake_endpoint.requests
    ]
    assert sent == [(True, True), (True, False), (True, False)]


def test_an_endpoint_that_refuses_both_is_asked_three_times_at_most(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(400, "no stream_options"), refuse_stream])
    assert run(fake_endpoint, collect)[0] == [ANSWER]
    assert len(fake_endpoint.requests) == 3
