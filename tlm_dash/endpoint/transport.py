"""The connection pool: openai's async client over aiohttp, kept free of the process environment."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, cast

import certifi
import httpx2
from openai import APIStatusError, AsyncOpenAI, AsyncStream, DefaultAioHttpClient, Omit

from tlm_dash import __version__
from tlm_dash.endpoint.refusals import Answer

CONNECT_TIMEOUT_S = 10.0
"""Making a connection takes milliseconds; ten seconds mean that nobody is there."""

KEEPALIVE_S = 4.0
"""Below uvicorn's 5 s: a connection that the server is just closing drops the next request."""

USER_AGENT = f"tlm_dash/{__version__}"


class Connection:
    """One pool to one endpoint. Raises what openai, httpx2 and aiohttp raise: `failures` knows it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        timeout_s: float,
        max_connections: int,
    ) -> None:
        timeout = httpx2.Timeout(
            connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s, write=timeout_s, pool=timeout_s
        )
        self._openai = _PlainOpenAI(
            base_url=base_url,
            api_key=api_key,
            # Given, so that the environment is not asked for them; empty ones send no header.
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            default_query=dict(query),
            max_retries=0,
            timeout=timeout,
            http_client=_pool(timeout, max_connections, encrypted=base_url.startswith("https:")),
        )
        self._openai.fixed_headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **headers,
        }

    async def get(self, path: str) -> Answer:
        """Fetch a path under the base URL; any status is an answer."""
        try:
            return answer_of(await self._openai.get(path, cast_to=httpx2.Response))
        except APIStatusError as error:
            return answer_of(error.response)

    async def post(self, path: str, content: bytes) -> Answer:
        """Send a JSON body and read the whole answer; any status is an answer."""
        try:
            return answer_of(await self._openai.post(path, cast_to=httpx2.Response, content=content))
        except APIStatusError as error:
            return answer_of(error.response)

    async def open(self, path: str, content: bytes) -> httpx2.Response:
        """Send a JSON body and give the response, its body unread where the status is good.

        The caller closes it.
        """
        try:
            response: object = await self._openai.post(
                path, cast_to=httpx2.Response, content=content, stream=True, stream_cls=AsyncStream[Any]
            )
        except APIStatusError as error:
            return error.response
        return cast(httpx2.Response, response)

    async def close(self) -> None:
        """Close every connection."""
        await self._openai.close()


def answer_of(response: httpx2.Response) -> Answer:
    """Take a response that has been read as plain data."""
    return Answer(response.status_code, dict(response.headers), response.content)


class _PlainOpenAI(AsyncOpenAI):
    """AsyncOpenAI that sends our headers and no others.

    The original adds the environment's OPENAI_CUSTOM_HEADERS, organisation and project, which belong to
    another service, and a description of this machine.
    """

    fixed_headers: Mapping[str, str | Omit] = {}

    @property
    def default_headers(self) -> dict[str, str | Omit]:
        return dict(self.fixed_headers)


def _pool(timeout: httpx2.Timeout, max_connections: int, *, encrypted: bool) -> httpx2.AsyncClient:
    """Make the aiohttp pool, without the proxies of the process environment; redirects are not followed."""
    return DefaultAioHttpClient(
        timeout=timeout,
        limits=httpx2.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEPALIVE_S,
        ),
        # Without encryption nothing is verified: loading the authorities would only cost time.
        verify=_trust() if encrypted else False,
        trust_env=False,
        follow_redirects=False,
    )


def _trust() -> ssl.SSLContext:
    """Trust the system's authorities (SSL_CERT_FILE counts) and, for bare machines, certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
