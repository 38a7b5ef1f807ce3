"""An OpenAI-compatible model server over real HTTP that misbehaves on request.

The model's name says what it does with a call, so that no test has to arrange anything: see BEHAVIOURS.
Every call is kept in `calls`, with whether the caller closed the connection before the answer was complete.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

WORDS = ("Paris", " is", " it", ".")
USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
LOGPROB = math.log(0.5)


@dataclass
class Call:
    """One call that reached the server."""

    body: dict[str, Any]
    headers: dict[str, str]
    closed_by_caller: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Reply:
    """A whole answer: status, body, headers."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


def error(status: int, message: str, headers: tuple[tuple[str, str], ...] = (), **fields: object) -> Reply:
    body = json.dumps({"error": {"message": message, **fields}}).encode()
    return Reply(status, body, (("content-type", "application/json"), *headers))


HTML = Reply(200, b"<html><body>Sign in to the Wi-Fi</body></html>", (("content-type", "text/html"),))

BEHAVIOURS: dict[str, Reply] = {
    "unauthorized": error(401, "Incorrect API key provided: sk-secret-key"),
    "unknown": error(404, "no such model"),
    "limited": error(429, "slow down", (("retry-after", "7"),)),
    "limited-until": error(429, "slow down", (("retry-after", "Wed, 21 Oct 2037 07:28:00 GMT"),)),
    "overloaded": error(503, "overloaded", (("retry-after", "3"),)),
    "failing": error(500, "internal error"),
    "gateway": Reply(502, b"<html>Bad gateway</html>", (("content-type", "text/html"),)),
    "gateway-timeout": error(504, "upstream timed out"),
    "redirecting": Reply(302, b"", (("location", "http://127.0.0.1:9/elsewhere"),)),
    "too-long": error(400, "maximum context length is 8 tokens", code="context_length_exceeded"),
    "refusing": error(400, "temperature is not supported with this model"),
    "html": HTML,
    "broken-json": Reply(200, b'{"choices": ['),
    "no-choices": Reply(200, b'{"choices": []}'),
    "null-message": Reply(200, b'{"choices": [{"message": null}]}'),
    "not-an-object": Reply(200, b'"hello"'),
}


def completion(model: str, *, logprobs: bool, content: str | None = None) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(WORDS) if content is None else content},
        "finish_reason": "stop",
    }
    if logprobs:
        choice["logprobs"] = {
            "content": [{"token": w, "logprob": LOGPROB, "top_logprobs": []} for w in WORDS]
        }
    return {"id": "up", "object": "chat.completion", "created": 1, "model": f"{model}-2025-04-14",
            "choices": [choice], "usage": USAGE}  # fmt: skip


def chunks(model: str, *, logprobs: bool) -> Iterator[dict[str, Any]]:
    def chunk(
        delta: dict[str, Any], finish_reason: str | None = None, word: str | None = None
    ) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        if logprobs and word:
            choice["logprobs"] = {"content": [{"token": word, "logprob": LOGPROB, "top_logprobs": []}]}
        return {"id": "up", "object": "chat.completion.chunk", "created": 1, "model": f"{model}-2025-04-14",
                "choices": [choice], "usage": None}  # fmt: skip

    yield chunk({"role": "assistant", "content": ""})
    for word in WORDS:
        yield chunk({"content": word}, word=word)
    yield chunk({}, "stop")
    yield {
        "id": "up",
        "object": "chat.completion.chunk",
        "model": f"{model}-2025-04-14",
        "choices": [],
        "usage": USAGE,
    }


class FakeModelServer:
    """The ASGI application."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.url = ""

    def calls_of(self, model: str) -> list[Call]:
        return [call for call in self.calls if call.body.get("model") == model]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        call = Call(json.loads(raw), headers)
        self.calls.append(call)
        work = asyncio.create_task(self._answer(call, send))
        watch = asyncio.create_task(receive())
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            call.closed_by_caller.set()
        for task in (work, watch):
            task.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)

    async def _answer(self, call: Call, send: Send) -> None:
        model, stream = call.body["model"], bool(call.body.get("stream"))
        logprobs = bool(call.body.get("logprobs"))
        if model == "silent":
            await asyncio.sleep(600)
        if model == "no-logprobs" and logprobs:
            await _send(send, error(400, "logprobs are not supported with this model"))
        elif model in BEHAVIOURS:
            await _send(send, BEHAVIOURS[model])
        elif stream:
            await _send_events(send, _events(model, logprobs=logprobs))
        elif model == "cut":
            await _start(send, 200, (("content-type", "application/json"), ("content-length", "500")))
            await send({"type": "http.response.body", "body": b'{"choices"', "more_body": True})
            raise ConnectionResetError
        else:
            content = "" if model == "empty" else None
            await _send(
                send, Reply(200, json.dumps(completion(model, logprobs=logprobs, content=content)).encode())
            )


async def _events(model: str, *, logprobs: bool) -> AsyncIterator[str]:
    for index, chunk in enumerate(chunks(model, logprobs=logprobs)):
        yield json.dumps(chunk)
        if index == 2 and model == "cut":
            return
        if index == 2 and model == "failing-midway":
            yield json.dumps({"error": {"message": "ran out of memory", "code": 500}})
            return
        if index == 2 and model == "garbled":
            yield "{not json"
            return
        if index == 2 and model == "stalling":
            await asyncio.sleep(600)
    yield "[DONE]"


async def _start(send: Send, status: int, headers: tuple[tuple[str, str], ...]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _send(send: Send, reply: Reply) -> None:
    await _start(send, reply.status, reply.headers)
    await send({"type": "http.response.body", "body": reply.body})


async def _send_events(send: Send, events: AsyncIterator[str]) -> None:
    await _start(send, 200, (("content-type", "text/event-stream"),))
    async for event in events:
        await send({"type": "http.response.body", "body": f"data: {event}\n\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(
    app: ASGIApp, *, on_start: Callable[[], None] | None = None, http: type[asyncio.Protocol] | None = None
) -> Iterator[str]:
    """Serve an ASGI application on a free loopback port in a thread; gives its root URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=http or "auto", log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    if on_start:
        on_start()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(60)
