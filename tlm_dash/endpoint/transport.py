"""The connection pool: openai's async client over aiohttp, kept free of the process environment."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
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
        # Without encryption nothing is verified: loading the authorities would only cost time.
        verify = _trust() if base_url.startswith("https:") else False
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
            http_client=_pool(timeout, max_connections, verify),
        )
        self._openai.fixed_headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **headers,
        }
        self._plain = _PlainPosts(
            base_url, query, {"Authorization": f"Bearer {api_key}", **self._openai.fixed_headers}, timeout,
            max_connections, verify,
        )  # fmt: skip

    async def get(self, path: str) -> Answer:
        """Fetch a path under the base URL; any status is an answer."""
        try:
            return answer_of(await self._openai.get(path, cast_to=httpx2.Response))
        except APIStatusError as error:
            return answer_of(error.response)

    async def post(self, path: str, content: bytes) -> Answer:
        """Send a JSON body and read the whole answer; any status is an answer.

        Batches live on this call, so it goes to aiohttp directly: the layers that openai's client puts around
        a request cost three times as much as the request itself.
        """
        return await self._plain.post(path, content)

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
        await self._plain.close()
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


class _PlainPosts:
    """Requests whose answers are read whole, over a pool of their own, as `_pool` makes it."""

    def __init__(
        self, base_url: str, query: Mapping[str, str], headers: Mapping[str, Any], timeout: httpx2.Timeout,
        max_connections: int, verify: ssl.SSLContext | bool,
    ) -> None:  # fmt: skip
        self._base_url, self._query = base_url.rstrip("/"), dict(query)
        # The last one counts, whatever its case: a header of the person's own stands for ours.
        self._headers = dict({name.lower(): (name, value) for name, value in headers.items()}.values())
        self._timeout = aiohttp.ClientTimeout(
            connect=timeout.pool, sock_connect=timeout.connect, sock_read=timeout.read
        )
        self._max_connections, self._verify = max_connections, verify
        self._urls: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, content: bytes) -> Answer:
        """Send a JSON body and read the whole answer."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=KEEPALIVE_S, ssl=self._verify
            )
            self._session = aiohttp.ClientSession(
                connector=connector, headers=self._headers, timeout=self._timeout
            )
        async with self._session.post(self._url(path), data=content, allow_redirects=False) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, await response.read())

    def _url(self, path: str) -> str:
        if path not in self._urls:
            self._urls[path] = str(httpx2.URL(f"{self._base_url}/{path}", params=self._query or None))
        return self._urls[path]

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def _pool(timeout: httpx2.Timeout, max_connections: int, verify: ssl.SSLContext | bool) -> httpx2.AsyncClient:
    """Make the aiohttp pool, without the proxies of the process environment; redirects are not followed."""
    return DefaultAioHttpClient(
        timeout=timeout,
        limits=httpx2.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEPALIVE_S,
        ),
        verify=verify,
        trust_env=False,
        follow_redirects=False,
    )


def _trust() -> ssl.SSLContext:
    """Trust the system's authorities (SSL_CERT_FILE counts) and, for bare machines, certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
