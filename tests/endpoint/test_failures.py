"""Every exception of the libraries below has its row: a new version with a new class fails here."""

from __future__ import annotations

import asyncio
import inspect
import pkgutil
import ssl
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import aiohttp
import httpx2
import openai
import pytest
from aiohttp import http_exceptions

from tests.endpoint.asking import check_sentence
from tlm_dash.endpoint.failures import TABLE, Where, failure_of
from tlm_dash.endpoint.redaction import Secrets
from tlm_dash.errors import (
    ConnectionDroppedError,
    EndpointError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    NotTlmEndpointError,
    RateLimitedError,
    RequestRefusedError,
    ServerFailedError,
    TokenLimitError,
)

WHERE = Where("http://localhost:8080/api", 30.0, Secrets())
REQUEST = httpx2.Request("POST", "http://localhost:8080/api/chat/completions")

KINDS: dict[type[BaseException], type[EndpointError]] = {
    aiohttp.ClientConnectorDNSError: EndpointUnreachableError,
    aiohttp.ClientConnectorError: EndpointUnreachableError,
    aiohttp.ClientConnectorCertificateError: EndpointUnreachableError,
    aiohttp.ClientConnectorSSLError: EndpointUnreachableError,
    aiohttp.ServerFingerprintMismatch: EndpointUnreachableError,
    aiohttp.ClientProxyConnectionError: EndpointUnreachableError,
    aiohttp.ConnectionTimeoutError: EndpointUnreachableError,
    aiohttp.InvalidURL: EndpointUnreachableError,
    aiohttp.NonHttpUrlClientError: EndpointUnreachableError,
    aiohttp.ServerTimeoutError: EndpointTimeoutError,
    aiohttp.SocketTimeoutError: EndpointTimeoutError,
    aiohttp.ServerDisconnectedError: ConnectionDroppedError,
    aiohttp.ClientConnectionResetError: ConnectionDroppedError,
    aiohttp.ClientOSError: ConnectionDroppedError,
    aiohttp.ClientPayloadError: ConnectionDroppedError,
    aiohttp.ClientResponseError: NotTlmEndpointError,
    http_exceptions.BadStatusLine: NotTlmEndpointError,
    http_exceptions.TransferEncodingError: ConnectionDroppedError,
    httpx2.ConnectTimeout: EndpointUnreachableError,
    httpx2.ReadTimeout: EndpointTimeoutError,
    httpx2.WriteTimeout: EndpointTimeoutError,
    httpx2.PoolTimeout: EndpointTimeoutError,
    httpx2.ConnectError: EndpointUnreachableError,
    httpx2.ReadError: ConnectionDroppedError,
    httpx2.UnsupportedProtocol: EndpointUnreachableError,
    httpx2.DecodingError: NotTlmEndpointError,
    httpx2.RemoteProtocolError: NotTlmEndpointError,
    httpx2.StreamClosed: ConnectionDroppedError,
    openai.APITimeoutError: EndpointTimeoutError,
    openai.APIConnectionError: ConnectionDroppedError,
    openai.APIResponseValidationError: NotTlmEndpointError,
    openai.LengthFinishReasonError: TokenLimitError,
    openai.ContentFilterFinishReasonError: RequestRefusedError,
    openai.OpenAIError: NotTlmEndpointError,
    TimeoutError: EndpointTimeoutError,
    asyncio.IncompleteReadError: ConnectionDroppedError,
    ConnectionResetError: ConnectionDroppedError,
    BrokenPipeError: ConnectionDroppedError,
    ConnectionRefusedError: EndpointUnreachableError,
    ssl.SSLCertVerificationError: EndpointUnreachableError,
    OSError: EndpointUnreachableError,
}


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """Give the package and its own submodules, private ones too, where they can be imported."""
    yield package
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] in ("cli", "resources", "types", "__main__"):
            continue
        try:
            yield import_module(found.name)
        except ImportError:
            continue


def exceptions_of(package: ModuleType) -> set[type[BaseException]]:
    """Collect every exception class that a package defines. A TypeError is a bug of ours: it has no row."""
    return {
        thing
        for module in modules_of(package)
        for _, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, Exception)
        and not issubclass(thing, Warning | TypeError)
        and thing.__module__.partition(".")[0] == package.__name__
    }


PUBLIC = sorted(
    {
        thing
        for package in (openai, httpx2, aiohttp)
        for name, thing in inspect.getmembers(package, inspect.isclass)
        if issubclass(thing, Exception) and not issubclass(thing, Warning | TypeError)
    }
    | exceptions_of(openai),
    key=lambda kind: f"{kind.__module__}.{kind.__qualname__}",
)


def bare(kind: type[BaseException]) -> BaseException:
    """Make an exception without its constructor, whose arguments differ from class to class."""
    error = kind.__new__(kind)
    BaseException.__init__(error, "something")
    return error


def test_the_walk_saw_the_trees() -> None:
    names = {kind.__name__ for kind in PUBLIC}
    assert {"APIStatusError", "OAuthError", "SubjectTokenProviderError", "WebSocketQueueFullError"} <= names
    assert {"ReadTimeout", "CookieConflict", "ServerDisconnectedError", "InvalidURL"} <= names
    assert len(names) > 60


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_has_a_row(kind: type[BaseException]) -> None:
    rows = [row for row, _ in TABLE if issubclass(kind, row)]
    assert rows, f"{kind.__module__}.{kind.__name__} is new: give it a row in failures.TABLE"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_the_rows_give_the_right_kind(kind: type[BaseException]) -> None:
    failure = failure_of(bare(kind), WHERE)
    assert failure is not None
    assert type(failure) is KINDS[kind]
    check_sentence(failure)


def test_no_row_hides_a_later_one() -> None:
    rows = [row for row, _ in TABLE]
    for at, row in enumerate(rows):
        shadows = [earlier.__name__ for earlier in rows[:at] if issubclass(row, earlier)]
        assert not shadows, f"{row.__name__} is never reached, {shadows} come first"


def test_what_is_behind_an_exception_tells_more_than_the_exception() -> None:
    """The transport calls every dropped connection a connect timeout, and openai a timeout."""
    dropped = aiohttp.ServerDisconnectedError()
    middle = httpx2.ConnectTimeout("")
    middle.__cause__ = dropped
    outer = openai.APITimeoutError(REQUEST)
    outer.__cause__ = middle
    assert type(failure_of(outer, WHERE)) is ConnectionDroppedError
    outer.__cause__ = None
    assert type(failure_of(outer, WHERE)) is EndpointTimeoutError


def test_a_circle_of_causes_ends() -> None:
    first, second = KeyError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first, WHERE) is None


def test_bugs_and_our_own_errors_are_left_alone() -> None:
    ours = TokenLimitError("Too long.")
    assert failure_of(ours, WHERE) is ours
    for bug in (KeyError("x"), TypeError("x"), AssertionError("x"), RuntimeError("x")):
        assert failure_of(bug, WHERE) is None


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitedError), (500, ServerFailedError)])
def test_status_errors_are_read_like_answers(status: int, kind: type[EndpointError]) -> None:
    response = httpx2.Response(status, headers={"retry-after": "3"}, json={"error": "no"}, request=REQUEST)
    for error in (
        openai.APIStatusError("x", response=response, body=None),
        httpx2.HTTPStatusError("x", request=REQUEST, response=response),
    ):
        failure = failure_of(error, WHERE)
        assert type(failure) is kind
        assert (failure.status, failure.retry_after_s) == (status, 3.0)
        assert "“no”" in failure.message


def test_a_status_error_whose_body_was_not_read_is_read_by_its_status() -> None:
    class Never(httpx2.AsyncByteStream):
        pass

    response = httpx2.Response(503, stream=Never(), request=REQUEST)
    failure = failure_of(openai.APIStatusError("x", response=response, body=None), WHERE)
    assert type(failure) is ServerFailedError
