"""Turn the exceptions of openai, httpx2 and aiohttp into ours: one table, the most telling row first."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import aiohttp
import httpx2
import openai
from aiohttp import http_exceptions

from tlm_dash.endpoint.redaction import Secrets, quotable
from tlm_dash.endpoint.refusals import Answer, failure_of_answer
from tlm_dash.endpoint.transport import answer_of
from tlm_dash.endpoint.wire import BASE_URL_HINT
from tlm_dash.errors import (
    ConnectionDroppedError,
    EndpointError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    NotTlmEndpointError,
    RequestRefusedError,
    TokenLimitError,
)

RUNNING_HINT = "Check that the endpoint is running and that the base URL is right."
TIMEOUT_HINT = "Raise TLM_DASH_TIMEOUT_S, lower the quality preset, or lower the number of requests at once."
DROPPED_HINT = "Try again; look at the endpoint's own log if it stays."
SCHEME_HINT = "Check whether the base URL should start with http:// or https://."
TLS_HINT = f"{SCHEME_HINT} For a certificate of your own authority, point SSL_CERT_FILE to it."


@dataclass(frozen=True)
class Where:
    """What a message may tell of the endpoint: its address without login, its limits; and what to hide."""

    base_url: str
    timeout_s: float
    secrets: Secrets


_WHY_NOT_CONNECTED = {
    errno.ECONNREFUSED: "nothing is listening there",
    errno.EHOSTUNREACH: "no way leads to that host",
    errno.ENETUNREACH: "there is no network to it",
    errno.EMFILE: "this process has too many connections open",
}

_Maker = Callable[[BaseException, Where], EndpointError]


def failure_of(error: BaseException, where: Where) -> EndpointError | None:
    """Give our error for a foreign exception and what caused it; None where the table does not know it."""
    if isinstance(error, EndpointError):
        return error
    chain = tuple(_causes(error))
    for kind, make in TABLE:
        for link in chain:
            if isinstance(link, kind):
                return make(link, where)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an exception to what it wraps: openai wraps httpx2, which wraps aiohttp."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _status(error: BaseException, where: Where) -> EndpointError:
    assert isinstance(error, openai.APIStatusError | httpx2.HTTPStatusError)
    response = error.response
    try:
        answer = answer_of(response)
    except httpx2.ResponseNotRead:
        answer = Answer(response.status_code, dict(response.headers), b"")
    return failure_of_answer(answer, where.secrets)


def _no_address(_error: BaseException, where: Where) -> EndpointError:
    return EndpointUnreachableError(f"The host name in {where.base_url} has no address.", hint=RUNNING_HINT)


def _not_connected(error: BaseException, where: Where) -> EndpointError:
    why = _WHY_NOT_CONNECTED.get(error.errno or 0) if isinstance(error, OSError) else None
    if why is None:
        hint = SCHEME_HINT if where.base_url.startswith("https:") else RUNNING_HINT
        return _unreachable(where, "no connection could be made", hint)
    return _unreachable(where, why)


def _not_connected_in_time(_error: BaseException, where: Where) -> EndpointError:
    return _unreachable(where, "no connection came about in time")


def _unreachable(where: Where, why: str, hint: str = RUNNING_HINT) -> EndpointError:
    return EndpointUnreachableError(f"The endpoint at {where.base_url} cannot be reached: {why}.", hint=hint)


def _no_trust(_error: BaseException, where: Where) -> EndpointError:
    return EndpointUnreachableError(
        f"The encrypted connection to {where.base_url} failed: its certificate or protocol is not accepted.",
        hint=TLS_HINT,
    )


def _bad_url(_error: BaseException, where: Where) -> EndpointError:
    return EndpointUnreachableError(
        f"{where.base_url} is not an address that can be called.", hint=BASE_URL_HINT
    )


def _late(_error: BaseException, where: Where) -> EndpointError:
    return EndpointTimeoutError(
        f"The endpoint gave no full answer within {where.timeout_s:g} s.", hint=TIMEOUT_HINT
    )


def _dropped(_error: BaseException, _where: Where) -> EndpointError:
    return ConnectionDroppedError(
        "The connection closed before the endpoint's answer was complete.", hint=DROPPED_HINT
    )


def _no_http(_error: BaseException, where: Where) -> EndpointError:
    return NotTlmEndpointError(
        f"What answers at {where.base_url} does not speak proper HTTP.", hint=SCHEME_HINT
    )


def _unreadable(_error: BaseException, _where: Where) -> EndpointError:
    return NotTlmEndpointError("The endpoint sent an answer that cannot be decoded.", hint=BASE_URL_HINT)


def _refused(error: BaseException, where: Where) -> EndpointError:
    return RequestRefusedError(
        f"The endpoint refused the request: “{quotable(str(error), where.secrets)}”.",
        hint="Check the model, the preset and the options.",
    )


def _too_long(_error: BaseException, _where: Where) -> EndpointError:
    return TokenLimitError(
        "The answer stopped at the token limit.", hint="Lower the quality preset, or raise max_tokens."
    )


def _unusable(_error: BaseException, _where: Where) -> EndpointError:
    return NotTlmEndpointError("The OpenAI client could not use the endpoint's answer.", hint=BASE_URL_HINT)


TABLE: tuple[tuple[type[BaseException], _Maker], ...] = (
    # An answer with an error status says most.
    (openai.APIStatusError, _status),
    (httpx2.HTTPStatusError, _status),
    # aiohttp knows what happened to the connection; httpx2 above it calls a dropped one "connect timeout".
    (aiohttp.ClientConnectorDNSError, _no_address),
    (aiohttp.ClientConnectorCertificateError, _no_trust),
    (aiohttp.ClientSSLError, _no_trust),
    (aiohttp.ServerFingerprintMismatch, _no_trust),
    (ssl.SSLError, _no_trust),
    (aiohttp.ClientConnectorError, _not_connected),
    (aiohttp.ConnectionTimeoutError, _not_connected_in_time),
    (aiohttp.ServerTimeoutError, _late),
    (aiohttp.InvalidURL, _bad_url),
    (aiohttp.NonHttpUrlClientError, _bad_url),
    (http_exceptions.ContentEncodingError, _unreadable),
    # A body that breaks off is wrapped around a protocol error: the wrapper tells the truth.
    (aiohttp.ClientPayloadError, _dropped),
    (http_exceptions.PayloadEncodingError, _dropped),
    (aiohttp.ClientHttpProxyError, _not_connected),
    (aiohttp.WSServerHandshakeError, _no_http),
    (aiohttp.ClientResponseError, _no_http),
    (http_exceptions.HttpProcessingError, _no_http),
    (aiohttp.ClientError, _dropped),
    (aiohttp.EofStream, _dropped),
    (aiohttp.WebSocketError, _unusable),
    # httpx2, for what did not come from aiohttp.
    (httpx2.ConnectTimeout, _not_connected_in_time),
    (httpx2.PoolTimeout, _late),
    (httpx2.TimeoutException, _late),
    (httpx2.ConnectError, _not_connected),
    (httpx2.ProxyError, _not_connected),
    (httpx2.UnsupportedProtocol, _bad_url),
    (httpx2.InvalidURL, _bad_url),
    (httpx2.DecodingError, _unreadable),
    (httpx2.TooManyRedirects, _unusable),
    (httpx2.CookieConflict, _unusable),
    (httpx2.RemoteProtocolError, _no_http),
    (httpx2.LocalProtocolError, _unusable),
    (httpx2.HTTPError, _dropped),
    (httpx2.StreamError, _dropped),
    # openai's own.
    (openai.APITimeoutError, _late),
    (openai.APIConnectionError, _dropped),
    (openai.LengthFinishReasonError, _too_long),
    (openai.ContentFilterFinishReasonError, _refused),
    (openai.InvalidWebhookSignatureError, _unusable),
    (openai.WebSocketConnectionClosedError, _dropped),
    (openai.OpenAIError, _unusable),
    # What can come through bare. TimeoutError and ConnectionError are OSErrors: the order matters.
    (asyncio.IncompleteReadError, _dropped),
    (TimeoutError, _late),
    (ConnectionRefusedError, _not_connected),
    (ConnectionError, _dropped),
    (OSError, _not_connected),
)
"""(foreign exception, how to make ours). Rows are tried in this order over the whole chain of causes."""
