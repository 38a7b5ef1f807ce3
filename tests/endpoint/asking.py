"""Short ways to ask a fake endpoint something, for the tests in this folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import pytest

from tests.fake_endpoint import FakeEndpoint
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.errors import EndpointError
from tlm_dash.models import Completion, Generated, GenerateRequest, ScoreRequest

T = TypeVar("T")

MESSAGES = ({"role": "user", "content": "Which colour is the sky?"},)
GENERATE = "chat/completions"
SCORE = "chat/score"


def a_request(**changes: Any) -> GenerateRequest:  # noqa: ANN401
    """Make a request to generate."""
    return GenerateRequest(
        **{"messages": MESSAGES, "model": "gpt-4.1-mini", "quality_preset": "low", **changes}
    )


def a_score_request(text: str = "Blue.", **changes: Any) -> ScoreRequest:  # noqa: ANN401
    """Make a request to score a given text."""
    completion = Completion(text=text, model="gpt-4.1-mini")
    values = {"messages": MESSAGES, "completion": completion, "scorer_model": "gpt-4.1-nano"}
    return ScoreRequest(**{**values, "quality_preset": "base", **changes})


def run(
    endpoint: FakeEndpoint | str,
    ask: Callable[[EndpointClient], Awaitable[T]],
    **options: Any,  # noqa: ANN401
) -> T:
    """Ask through a client of its own, on a loop of its own."""
    base_url = endpoint if isinstance(endpoint, str) else endpoint.base_url

    async def go() -> T:
        client = EndpointClient(base_url, **options)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(go())


async def collect(
    client: EndpointClient, request: GenerateRequest | None = None
) -> tuple[list[str], Generated]:
    """Read a stream to its end: the pieces, and the Generated that must come last and once."""
    things = []
    async with aclosing(client.stream(request or a_request())) as stream:
        async for thing in stream:
            things.append(thing)
    assert isinstance(things[-1], Generated)
    assert all(isinstance(piece, str) for piece in things[:-1])
    return things[:-1], things[-1]


async def collect_until_error(client: EndpointClient) -> tuple[list[str], EndpointError]:
    """Read a stream that must fail: what came before, and the error."""
    pieces: list[str] = []
    with pytest.raises(EndpointError) as caught:
        async with aclosing(client.stream(a_request())) as stream:
            async for piece in stream:
                assert isinstance(piece, str)
                pieces.append(piece)
    return pieces, caught.value


def error_of(
    endpoint: FakeEndpoint | str,
    ask: Callable[[EndpointClient], Awaitable[object]] = lambda client: client.generate(a_request()),
    **options: Any,  # noqa: ANN401
) -> EndpointError:
    """Give the error that a call must raise, checked for what every error of ours must be."""
    with pytest.raises(EndpointError) as caught:
        run(endpoint, ask, **options)
    check_sentence(caught.value)
    return caught.value


def check_sentence(error: EndpointError) -> None:
    """Check that a person can read an error: a clean sentence, a next step, and nothing foreign behind it."""
    assert error.message[0].isupper() or error.message.startswith("http"), error.message
    assert error.message.endswith((".", ".”")), error.message
    assert error.hint.endswith("."), error.hint
    assert len(error.message) < 500, len(error.message)
    assert error.message.isprintable(), repr(error.message)
    assert "</" not in error.message, error.message
    behind = error.__cause__ or error.__context__
    while behind is not None:
        # The library's own exception holds the request and its headers: a logged traceback would show them.
        assert type(behind).__module__.partition(".")[0] not in ("openai", "httpx2", "aiohttp"), behind
        behind = behind.__cause__ or behind.__context__
