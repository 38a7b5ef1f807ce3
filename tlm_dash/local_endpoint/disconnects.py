"""Work that stops when nobody waits for it any more: the caller's connection and limit are watched."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tlm_dash.local_endpoint.api_error import ApiError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# What a restart takes on an idle machine.
RETRY_AFTER_S = "5"

# A caller who takes nothing of a stream for this long is taken for gone, and one who does not take the last
# words of it is not waited for.
UNREAD_LIMIT_S = 60.0
LAST_WORDS_S = 2.0


class CallerGoneError(Exception):
    """The caller closed the connection before the answer was complete."""


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(
    receive: Receive,
    work: Coroutine[Any, Any, Result],
    stopping: asyncio.Event,
    limit_s: float | None = None,
) -> Result:
    """Return the work's result; cancel it when the caller goes, the endpoint stops or the time is over.

    Raises CallerGoneError for the first, ApiError for the others.
    The request's body must have been read before, so that the next message can only be the disconnect.
    """
    task = asyncio.create_task(work)
    gone, stop = asyncio.create_task(_caller_gone(receive)), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({task, gone, stop}, return_when=asyncio.FIRST_COMPLETED, timeout=limit_s)
        if task.done():
            return task.result()
        if gone.done():
            raise CallerGoneError
        if stop.done():
            raise ApiError(
                503,
                "The endpoint is stopping or being restarted. Send this request again.",
                code="stopping",
                retry_after=RETRY_AFTER_S,
            )
        raise ApiError(
            504,
            f"The time limit of {limit_s:g} s (options.max_timeout) was over before the work was done. "
            "Allow more time or use a lower quality_preset.",
            code="timeout",
            param="options.max_timeout",
        )
    finally:
        for each in (task, gone, stop):
            await _cancel(each)


async def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has closed what it held."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


class EventStream(Response):
    """A response of server-sent events that stops its source when the caller goes.

    The first event is awaited before the status is sent, so that a request refused at once gets a proper
    error status. Later errors are sent as an event, and the stream ends there.
    """

    def __init__(
        self, events: AsyncIterator[dict[str, Any]], stopping: asyncio.Event, limit_s: float | None = None
    ) -> None:
        super().__init__()
        self._limit_s = limit_s
        self._events = events
        self._stopping = stopping
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the events; called by the framework."""
        try:
            await while_connected(receive, self._run(send), self._stopping, self._limit_s)
        except CallerGoneError:
            return
        except ApiError as error:
            if not self._begun:
                await error.response()(scope, receive, send)
                return
            with suppress(CallerGoneError):
                await _send_event(send, json.dumps(error.body()), within_s=LAST_WORDS_S)
                await _end(send)

    async def _run(self, send: Send) -> None:
        first = await anext(self._events)
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        ]
        self._begun = True
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _send_event(send, json.dumps(first))
        try:
            async for event in self._events:
                await _send_event(send, json.dumps(event))
            await _send_event(send, "[DONE]")
        except CallerGoneError:
            raise
        except ApiError as error:
            await _send_event(send, json.dumps(error.body()))
        except Exception:
            logger.exception("An answer broke off because of a bug")
            await _send_event(send, json.dumps(ApiError(500, "The endpoint failed; see its log.").body()))
        await _end(send)


async def _send_event(send: Send, data: str, *, within_s: float | None = None) -> None:
    body = f"data: {data}\n\n".encode()
    try:
        async with asyncio.timeout(UNREAD_LIMIT_S if within_s is None else within_s):
            await send({"type": "http.response.body", "body": body, "more_body": True})
    except TimeoutError:
        raise CallerGoneError from None


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})
