"""A model server that fails while it scores: the caller is told what it would be told while generating."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.local_endpoint.conftest import API_KEY
from tests.local_endpoint.fake_model_server import FakeModelServer
from tests.local_endpoint.model_server import ModelServer, running
from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.scoring import Scorer
from tlm_dash.local_endpoint.wire import score_request

BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "completion": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"}}]},
    "quality_preset": "low",
}


async def failure_of(source: ModelSource) -> ApiError:
    model = ServedModel(source, Scorer(source))
    try:
        with pytest.raises(ApiError) as caught:
            await model.score_given(score_request(BODY))
    finally:
        await model.close()
    return caught.value


@pytest.mark.parametrize(
    ("model", "status", "code", "retry_after"),
    [
        ("unauthorized", 502, "model_server_access_denied", None),
        ("unknown", 502, "model_server_not_found", None),
        ("limited", 429, "rate_limit_exceeded", "7"),
        ("limited-until", 429, "rate_limit_exceeded", "Wed, 21 Oct 2037 07:28:00 GMT"),
        ("overloaded", 503, "model_server_unavailable", "3"),
        ("failing", 502, "model_server_failed", None),
        ("gateway-timeout", 504, "model_server_timeout", None),
        ("redirecting", 502, "model_server_failed", None),
        ("too-long", 400, "context_length_exceeded", None),
        ("refusing", 502, "scoring_failed", None),
        ("html", 502, "model_server_failed", None),
        ("broken-json", 502, "model_server_failed", None),
        ("no-choices", 502, "model_server_failed", None),
        ("null-message", 502, "model_server_failed", None),
        ("not-an-object", 502, "model_server_failed", None),
        ("cut", 502, "model_server_failed", None),
    ],
)
def test_a_failure_keeps_its_meaning(
    upstream: FakeModelServer, model: str, status: int, code: str, retry_after: str | None
) -> None:
    source = ModelSource(name=model, base_url=upstream.url, api_key=API_KEY)
    error = asyncio.run(failure_of(source))
    assert (error.status, error.code, error.retry_after) == (status, code, retry_after)
    assert error.message.startswith("The response could not be scored.")
    assert API_KEY not in error.message


def test_the_bundled_models_server_is_no_exception() -> None:
    async def run() -> ApiError:
        async with running(ModelServer(status=429, headers={"Retry-After": "4"})) as server:
            return await failure_of(server.source(bundled=True))

    error = asyncio.run(run())
    assert (error.status, error.retry_after) == (429, "4")


def test_nobody_listening_is_a_server_that_cannot_be_reached() -> None:
    error = asyncio.run(failure_of(ModelSource(name="m", base_url="http://127.0.0.1:9/v1")))
    assert (error.status, error.code) == (503, "model_server_unreachable")


def test_of_several_failures_the_rate_limit_is_told() -> None:
    async def run() -> ApiError:
        answers = iter([(500, {}), (429, {"Retry-After": "9"}), (500, {})])

        def reply(_: str) -> str:
            server.status, server.headers = next(answers)
            return ""

        server = ModelServer(reply=reply)
        async with running(server):
            return await failure_of(server.source())

    error = asyncio.run(run())
    assert (error.status, error.retry_after) == (429, "9")
