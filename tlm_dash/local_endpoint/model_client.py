"""Calls to the model server that produce an answer: whole, or as a stream of chunks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tlm_dash.local_endpoint import model_failures
from tlm_dash.local_endpoint.model_source import ModelSource

CONNECT_TIMEOUT_S = 10.0

# Longest silence of a model server before the call is given up. Our own llama.cpp has no such limit: there
# a silent call is one that waits its turn.
SILENCE_TIMEOUT_S = 300.0

# An answer of the largest max_tokens is far below this; more is not a chat completion.
MAX_ANSWER_BYTES = 32 * 2**20
MAX_ERROR_BYTES = 64 * 2**10

NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


class ModelClient:
    """One model's chat/completions. A cancelled call closes its connection, so that the server stops."""

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        # Nothing is read from the environment: no proxy, no .netrc.
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=CONNECT_TIMEOUT_S,
                sock_read=None if source.bundled else SILENCE_TIMEOUT_S,
            ),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
            read_bufsize=2**18,
        )

    async def close(self) -> None:
        """Close all connections; calls that still run fail."""
        await self._session.close()

    async def complete(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return a ChatCompletion. Raises ApiError for every failure of the server."""
        async with self._answer(payload) as reply:
            body = await read_at_most(reply, MAX_ANSWER_BYTES)
        try:
            completion = json.loads(body)
            message = completion["choices"][0]["message"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise model_failures.not_a_completion(self.source) from None
        if not isinstance(message, dict):
            raise model_failures.not_a_completion(self.source)
        return dict(completion)

    async def stream(self, payload: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Yield the chunks of a streamed ChatCompletion, and return only after a proper end.

        Raises ApiError, also for a stream that breaks off.
        """
        finished = False
        async with self._answer(
            {**payload, "stream": True, "stream_options": {"include_usage": True}}
        ) as reply:
            if "text/event-stream" not in reply.headers.get("Content-Type", ""):
                raise model_failures.not_a_completion(self.source)
            async for line in reply.content:
                data = line[5:].strip() if line.startswith(b"data:") else b""
                if data == b"[DONE]":
                    return
                if data:
                    chunk = self._chunk(data)
                    finished = finished or any(c.get("finish_reason") for c in chunk.get("choices") or [])
                    yield chunk
        if not finished:
            raise model_failures.from_exception(self.source, ConnectionError())

    def _chunk(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            raise model_failures.not_a_completion(self.source)
        if chunk.get("error"):
            raise model_failures.from_event(self.source, chunk["error"])
        return chunk

    async def count_tokens(self, text: str) -> int:
        """Return how many tokens a local model makes of a text."""
        async with self._post(f"{self.source.native_url}/tokenize", {"content": text}) as reply:
            return len(json.loads(await reply.read())["tokens"])

    @asynccontextmanager
    async def _answer(self, payload: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        wanted = (payload.get("response_format") or {}).get("type", "text")
        with self.source.least_busy(grammar=wanted != "text") as server:
            url = f"{server.base_url.rstrip('/')}/chat/completions"
            async with self._post(url, {**payload, "model": server.name}) as reply:
                yield reply

    @asynccontextmanager
    async def _post(self, url: str, payload: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Post the payload and hand out the 2xx answer; network errors while it is read become ApiError."""
        headers = {"Authorization": f"Bearer {self.source.api_key}"}
        try:
            async with self._session.post(url, json=payload, headers=headers, allow_redirects=False) as reply:
                if not 200 <= reply.status < 300:
                    body = await read_at_most(reply, MAX_ERROR_BYTES)
                    raise model_failures.from_answer(self.source, reply.status, reply.headers, body)
                yield reply
        except (*NETWORK_ERRORS, ValueError) as error:
            # aiohttp raises ValueError for a line of a stream that does not end.
            raise model_failures.from_exception(self.source, error) from None


async def read_at_most(reply: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body, cut at `limit` bytes."""
    body = bytearray()
    async for part in reply.content.iter_any():
        body += part
        if len(body) >= limit:
            break
        await asyncio.sleep(0)
    return bytes(body[:limit])
