"""Read a streamed answer piece by piece, or a plain one where the endpoint ignored `stream`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from tlm_dash.endpoint.answers import document_of
from tlm_dash.endpoint.redaction import Json, Secrets
from tlm_dash.endpoint.refusals import Answer, error_in, failure_of_object
from tlm_dash.endpoint.sse import Event, SseDecoder
from tlm_dash.endpoint.streamed import StreamedAnswer
from tlm_dash.endpoint.wire import completion_of, decode
from tlm_dash.errors import ConnectionDroppedError, EndpointError, NotTlmEndpointError

DRAIN_S = 0.1
"""After [DONE] only the end of the body is missing; having read it, the connection can be used again."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
_LINE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_DONE = "[DONE]"


class StreamReader:
    """One answer on its way. Call `next_piece` until it gives None, then take `document`.

    Raises our errors for what the endpoint says; exceptions of the connection pass through as they are.
    """

    def __init__(self, source: AsyncIterator[bytes], answer: Answer, secrets: Secrets) -> None:
        self._source = source
        self._answer = answer
        self._secrets = secrets
        self._streamed = StreamedAnswer()
        self._whole: dict[str, Any] | None = None
        self._done = False
        self._pieces = self._read()

    @property
    def finished(self) -> bool:
        """Tell whether the whole text is here; what may still follow is token counts and the score."""
        return self._done or self._whole is not None or self._streamed.finished

    async def next_piece(self) -> str | None:
        """Wait for the next chunk; its text may be "". None at the end of a complete answer."""
        return await anext(self._pieces, None)

    def document(self) -> dict[str, Any]:
        """Give the answer in the form of one that was not streamed."""
        return self._streamed.document() if self._whole is None else self._whole

    async def _read(self) -> AsyncIterator[str]:
        first = await self._first_bytes()
        if not self._is_event_stream(first.lstrip(_BLANK)):
            yield await self._read_whole(first)
            return
        decoder = SseDecoder()
        for event in decoder.feed(first):
            if self._ends(event):
                break
            yield self._take(event)
        while not self._done and (data := await anext(self._source, None)) is not None:
            for event in decoder.feed(data):
                if self._ends(event):
                    break
                yield self._take(event)
        for piece in self._rest(decoder):
            yield piece
        if self._done:
            await self._drain()
        elif not self._streamed.finished:
            raise _cut()

    def _is_event_stream(self, first: bytes) -> bool:
        """Judge by what came; the content type counts only where that leaves it open."""
        if first[:1] in (b"{", b"[", b"<"):
            return False
        told = "event-stream" in self._answer.headers.get("content-type", "").lower()
        return told or any(first and start.startswith(first[: len(start)]) for start in _LINE_STARTS)

    async def _first_bytes(self) -> bytes:
        """Read up to the first byte that tells a stream from a plain answer."""
        first = b""
        while not first.strip(_BLANK) and (data := await anext(self._source, None)) is not None:
            first += data
        return first

    async def _read_whole(self, first: bytes) -> str:
        body = first + b"".join([data async for data in self._source])
        answer = Answer(self._answer.status, self._answer.headers, body)
        document = document_of(answer, self._secrets)
        text = completion_of(document, model="").text
        self._whole = document
        return text

    def _rest(self, decoder: SseDecoder) -> Iterator[str]:
        if self._done:
            return
        for event in decoder.end():
            if not self._ends(event):
                yield self._take(event)

    def _ends(self, event: Event) -> bool:
        if event.data.strip() == _DONE:
            self._done = True
        return self._done

    def _take(self, event: Event) -> str:
        """Add one event to the answer and give its text."""
        chunk = self._chunk(event)
        error = error_in(chunk)
        if event.name == "error" or error is not None:
            raise failure_of_object(chunk if error is None else error, self._secrets, self._answer.headers)
        if not isinstance(chunk, Mapping):
            raise NotTlmEndpointError(
                "The endpoint's stream holds something that is no part of an answer.",
                hint="Check that the base URL is that of a TLM endpoint.",
            )
        return self._streamed.add(chunk)

    def _chunk(self, event: Event) -> Json:
        try:
            return decode(event.data.encode("utf-8", "replace"))
        except EndpointError:
            if event.name == "error":
                return event.data
            if not event.whole:
                raise _cut() from None
            raise

    async def _drain(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(DRAIN_S):
                async for _ in self._source:
                    pass


def _cut() -> ConnectionDroppedError:
    return ConnectionDroppedError(
        "The endpoint's answer stops in the middle.",
        hint="Try again; look at the endpoint's own log if it stays.",
    )
