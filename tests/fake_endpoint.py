"""A TLM endpoint with scripted bad days: a real HTTP server in a thread, byte by byte under control.

    with FakeEndpoint() as endpoint:
        endpoint.script("chat/completions", [RateLimited("2"), CutStream(after=3)])
        client = EndpointClient(endpoint.base_url)
        ...
        assert endpoint.requests[-1].disconnected

On its own, for a browser: `python -m tests.fake_endpoint --port 8099 --behaviour cut-stream`.
A reply is any async callable that takes an Exchange; `behaviours()` names whole endpoints.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import threading
import weakref
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODELS = ("gpt-4.1-mini", "gpt-4.1-nano", "smollm2-135m")
CALLS = ("chat/completions", "chat/score", "models", "health")
WORDS = (
    "blue",
    "paper",
    "seven",
    "river",
    "after",
    "light",
    "stone",
    "would",
    "green",
    "under",
    "market",
    "early",
)


@dataclass
class RecordedRequest:
    """One request as it arrived. `disconnected` turns True when the client left before the answer was out."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    disconnected: bool = False
    answered: bool = False

    @property
    def body(self) -> Any:  # noqa: ANN401
        """Give the JSON body, or None where there is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None


@dataclass
class Exchange:
    """What a reply can do: look at the request, write bytes, break off."""

    request: RecordedRequest
    call: str
    endpoint: FakeEndpoint
    writer: asyncio.StreamWriter = field(repr=False)
    keep_alive: bool = True

    @property
    def body(self) -> dict[str, Any]:
        """Give the JSON body, {} where it is no object."""
        body = self.request.body
        return body if isinstance(body, dict) else {}

    @property
    def wants_stream(self) -> bool:
        """Tell whether the request asks for a stream."""
        return self.body.get("stream") is True

    async def write(self, data: bytes) -> None:
        """Write raw bytes now."""
        self.writer.write(data)
        await self.writer.drain()

    def abort(self) -> None:
        """Close the socket at once (the peer sees a reset)."""
        self.keep_alive = False
        self.writer.transport.abort()

    async def send(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.write("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body)

    async def send_json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON answer; NaN and Infinity are written as Python does."""
        await self.send(status, json.dumps(value).encode(), "application/json", headers)

    async def open_stream(self, headers: Mapping[str, str] | None = None) -> None:
        """Send the head of a chunked event stream."""
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.write("\r\n".join([*lines, "", ""]).encode())

    async def send_chunk(self, data: bytes) -> None:
        """Send bytes as one HTTP chunk."""
        await self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def send_event(self, value: object) -> None:
        """Send one server-sent event: a JSON value, or "[DONE]"."""
        text = value if isinstance(value, str) else json.dumps(value)
        await self.send_chunk(f"data: {text}\n\n".encode())

    async def close_stream(self) -> None:
        """End a chunked body properly."""
        await self.write(b"0\r\n\r\n")


Replier = Callable[[Exchange], Awaitable[None]]


def fake_answer(messages: Iterable[Mapping[str, Any]], model: str) -> str:
    """Give the deterministic answer to a prompt: nine words or so, different for every prompt and model."""
    prompt = _prompt(messages)
    digest = hashlib.sha256(f"{model}\n{prompt}".encode("utf-8", "replace")).digest()
    words = [WORDS[byte % len(WORDS)] for byte in digest[: 6 + digest[31] % 6]]
    return f"{' '.join(words).capitalize()}."


def fake_score(text: str, preset: str | None, scorer: str = "gpt-4.1-mini") -> float:
    """Give the deterministic score of a text at a preset, in [0, 1) with four digits."""
    digest = hashlib.sha256(f"{preset or 'medium'}\n{scorer}\n{text}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4], "big") % 10_000 / 10_000


def _prompt(messages: Iterable[Mapping[str, Any]]) -> str:
    users = [str(message.get("content", "")) for message in messages if message.get("role") == "user"]
    return users[-1] if users else ""


# ---------------------------------------------------------------------------------- replies


@dataclass(frozen=True)
class Answer:
    """The well-behaved TLM endpoint, with parts that can be changed."""

    text: str | None = None
    score: Any = None
    with_score: bool = True
    streams: bool = True
    stream_score: bool = True
    word_delay_s: float = 0.0
    delay_s: float = 0.0
    finish_reason: str | None = "stop"
    message: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer any of the four calls."""
        await asyncio.sleep(self.delay_s)
        if exchange.call == "health":
            await exchange.send_json(200, {"status": "ok"})
        elif exchange.call == "models":
            models = [
                {"id": name, "object": "model", "owned_by": "fake"} for name in exchange.endpoint.models
            ]
            await exchange.send_json(200, {"object": "list", "data": models})
        elif exchange.call == "chat/score":
            await self._score(exchange)
        elif not exchange.body.get("messages") or not exchange.body.get("model"):
            await exchange.send_json(
                422, {"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}
            )
        elif exchange.wants_stream and self.streams:
            await self._stream(exchange)
        else:
            await exchange.send_json(200, self.document(exchange.body))

    def document(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Build the ChatCompletion for a request."""
        text = self._text(body)
        message = {"role": "assistant", "content": text, "refusal": None, **self.message}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        document = {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(body, text)}
        if self.with_score:
            document["tlm_metadata"] = self._metadata(body, text)
        return {**document, **self.extra}

    def chunks(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Build the chunks of a stream: role, words, finish, then usage and score."""
        text, head = self._text(body), _head(body, "chat.completion.chunk")
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": word} for word in re.findall(r"\s*\S+\s*$|\s*\S+", text)]
        chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        end = {"index": 0, "delta": {}, "finish_reason": self.finish_reason}
        chunks.append({**head, "choices": [end]})
        last: dict[str, Any] = {**head, "choices": [], "usage": _usage(body, text)}
        if self.with_score and self.stream_score:
            last["tlm_metadata"] = self._metadata(body, text)
        return [*chunks, {**last, **self.extra}]

    async def _stream(self, exchange: Exchange) -> None:
        await exchange.open_stream()
        for chunk in self.chunks(exchange.body):
            await exchange.send_event(chunk)
            if self.word_delay_s:
                await asyncio.sleep(self.word_delay_s)
        await exchange.send_event("[DONE]")
        await exchange.close_stream()

    async def _score(self, exchange: Exchange) -> None:
        try:
            text = exchange.body["completion"]["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            await exchange.send_json(
                422, {"detail": [{"loc": ["body", "completion"], "msg": "Field required"}]}
            )
            return
        await exchange.send_json(200, {"tlm_metadata": self._metadata(exchange.body, str(text))})

    def _text(self, body: Mapping[str, Any]) -> str:
        if self.text is not None:
            return self.text
        return fake_answer(body.get("messages", ()), str(body.get("model")))

    def _metadata(self, body: Mapping[str, Any], text: str) -> dict[str, Any]:
        options = body.get("options") or {}
        preset = body.get("quality_preset")
        score = (
            fake_score(text, preset, options.get("model", "gpt-4.1-mini"))
            if self.score is None
            else self.score
        )
        metadata: dict[str, Any] = {"trustworthiness_score": None if score == "null" else score}
        if "explanation" in (options.get("log") or ()) or preset in (None, "medium"):
            metadata["log"] = {
                "explanation": f"The words do not contradict each other ({preset or 'medium'})."
            }
        return metadata


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-fake",
        "object": kind,
        "created": 1_700_000_000,
        "model": f"{body.get('model')}-2025-04-14",
    }


def _usage(body: Mapping[str, Any], text: str) -> dict[str, int]:
    sent = sum(len(str(message.get("content", "")).split()) for message in body.get("messages", ()))
    return {
        "prompt_tokens": sent,
        "completion_tokens": len(text.split()),
        "total_tokens": sent + len(text.split()),
    }


@dataclass(frozen=True)
class Reply:
    """Any status and body: a JSON value, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    async def __call__(self, exchange: Exchange) -> None:
        """Send it."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        await exchange.send(self.status, body, self.content_type, self.headers)


def ApiError(status: int, message: str = "", *, code: str | None = None, **headers: str) -> Reply:  # noqa: N802
    """Give an error in OpenAI's form; underscores in header names become hyphens."""
    error = {"message": message or f"Error {status}", "type": "error", "param": None, "code": code}
    return Reply(status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()})


def RateLimited(retry_after: str | None = None, **headers: str) -> Reply:  # noqa: N802
    """Give a 429, with or without Retry-After and other headers."""
    told = {} if retry_after is None else {"Retry_After": retry_after}
    return ApiError(429, "Too many requests", code="rate_limit_exceeded", **told, **headers)


def HtmlPage(status: int = 200, title: str = "Welcome to nginx!") -> Reply:  # noqa: N802
    """Give a proxy's HTML page."""
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>Hello</h1></body></html>"
    return Reply(status, page.encode(), {}, "text/html; charset=utf-8")


@dataclass(frozen=True)
class Hang:
    """Say nothing (or only `first` bytes) until the client gives up."""

    first: bytes = b""

    async def __call__(self, exchange: Exchange) -> None:
        """Wait for the end of the connection."""
        if self.first:
            await exchange.write(self.first)
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Held:
    """Answer nobody before the test sets `released`: what it does meanwhile may take as long as it likes."""

    answer: Replier = Answer()
    released: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, exchange: Exchange) -> None:
        """Wait, then answer."""
        while not self.released.is_set():
            await asyncio.sleep(0.01)
        await self.answer(exchange)


@dataclass(frozen=True)
class Drop:
    """Close the connection after some raw bytes, by default at once."""

    first: bytes = b""
    reset: bool = False

    async def __call__(self, exchange: Exchange) -> None:
        """Write and close."""
        if self.first:
            await exchange.write(self.first)
        exchange.keep_alive = False
        if self.reset:
            exchange.abort()


@dataclass(frozen=True)
class CutStream:
    """Stream `after` words and stop: "end" properly, "close" or "reset" the socket, "mid-json", or "hang"."""

    after: int = 3
    how: str = "end"
    text: str = "one two three four five six"

    async def __call__(self, exchange: Exchange) -> None:
        """Send the first words, then break off as told. A request that wants no stream gets half a body."""
        chunks = Answer(text=self.text).chunks(exchange.body)
        if not exchange.wants_stream:
            body = json.dumps(Answer(text=self.text).document(exchange.body)).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            await Drop(head.encode() + body[: len(body) // 2])(exchange)
            return
        await exchange.open_stream()
        for chunk in chunks[: self.after + 1]:
            await exchange.send_event(chunk)
        if self.how == "hang":
            await asyncio.Event().wait()
        if self.how == "mid-json":
            await exchange.send_chunk(f"data: {json.dumps(chunks[self.after + 1])[:60]}".encode())
        if self.how in ("end", "mid-json"):
            await exchange.close_stream()
        elif self.how == "reset":
            exchange.abort()
        exchange.keep_alive = False


@dataclass(frozen=True)
class Events:
    """Stream exactly these events: JSON values, "[DONE]", or raw bytes."""

    events: tuple[Any, ...]
    delay_s: float = 0.0

    async def __call__(self, exchange: Exchange) -> None:
        """Send them one by one."""
        await exchange.open_stream()
        for event in self.events:
            await (exchange.send_chunk(event) if isinstance(event, bytes) else exchange.send_event(event))
            await asyncio.sleep(self.delay_s)
        await exchange.close_stream()


# ------------------------------------------------------------------------------- behaviours


@dataclass(frozen=True)
class Behaviour:
    """How a whole endpoint answers: one reply for the model calls, one for /models and /health."""

    calls: Replier = Answer()
    facts: Replier = Answer()
    score: Replier | None = None

    def reply(self, call: str) -> Replier:
        """Pick the reply for a call."""
        if call not in CALLS:
            return Reply(404, {"detail": "Not Found"})
        if call == "chat/score" and self.score is not None:
            return self.score
        return self.calls if call.startswith("chat/") else self.facts


async def refuse_stream(exchange: Exchange) -> None:
    """Answer as usual, but refuse `stream`."""
    if exchange.wants_stream:
        await ApiError(400, "Streaming is not supported by this endpoint", code="unsupported")(exchange)
    else:
        await Answer()(exchange)


def evil_text(beacon: str) -> str:
    """Give a response that tries everything: HTML, Markdown with a remote image, bidi, control characters."""
    return (
        f"<script>window.evil = 1; fetch('{beacon}?script')</script>"
        f"<img src=x onerror=\"window.evil = 2; fetch('{beacon}?onerror')\"> "
        f"![pixel]({beacon}?markdown) [click me](javascript:window.evil=3) <b>bold</b> "
        f"<iframe src='{beacon}?iframe'></iframe>\n\n# Not a heading\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        "$\\text{math}$ :smile: :red[colour] `code` "
        "\u202etxet desrever\u202c \u2066isolated\u2069 zero\u200bwidth "
        "bell\u0007 escape\u001b[31mred\u001b[0m null\u0000 end\r\ncarriage =1+1 @SUM(A1) \ufeff"
    )


def behaviours(beacon: str = "http://127.0.0.1:9/beacon") -> dict[str, Behaviour]:
    """Give every named behaviour. `beacon` is the URL that the evil text tries to load."""
    long_text = " ".join(f"Sentence number {n} says nothing new." for n in range(1, 1501))
    return {
        "healthy": Behaviour(),
        "slow": Behaviour(Answer(delay_s=1.5, word_delay_s=0.3), score=Answer(delay_s=3.0)),
        "html": Behaviour(HtmlPage(200), HtmlPage(200)),
        "not-found": Behaviour(HtmlPage(404, "404 Not Found"), HtmlPage(404, "404 Not Found")),
        "unauthorized": Behaviour(*(ApiError(401, "Invalid API key", code="invalid_api_key"),) * 2),
        "rate-limited": Behaviour(RateLimited("1")),
        "no-score": Behaviour(Answer(with_score=False), score=Answer(score="null")),
        "nan-score": Behaviour(Answer(score=float("nan"))),
        "cut-stream": Behaviour(CutStream(how="end"), score=Answer()),
        "hang": Behaviour(Hang()),
        "dies-mid-stream": Behaviour(CutStream(how="reset"), score=Answer()),
        "server-error": Behaviour(ApiError(500, "The model crashed")),
        "refuses-stream": Behaviour(refuse_stream),
        "ignores-stream": Behaviour(Answer(streams=False)),
        "no-stream-score": Behaviour(Answer(stream_score=False)),
        "evil-text": Behaviour(Answer(text=evil_text(beacon))),
        "long-text": Behaviour(Answer(text=long_text)),
        "starting": Behaviour(
            *(Reply(503, {"status": "starting", "detail": "Fetching the model: 42 of 93 MB"}),) * 2
        ),
    }


# ----------------------------------------------------------------------------------- server


async def _turns(n: int) -> None:
    """Let everything that waits for the loop have so many turns of it."""
    for _ in range(n):
        await asyncio.sleep(0)


class FakeEndpoint:
    """The server. All of it may be used from any thread; `requests` holds what arrived, in order."""

    def __init__(
        self, behaviour: str | Behaviour = "healthy", *, port: int = 0, beacon: str | None = None
    ) -> None:
        self.models: tuple[str, ...] = MODELS
        self.requests: list[RecordedRequest] = []
        self.connections = 0
        self._beacon = beacon or "http://127.0.0.1:9/beacon"
        self._port = port
        self._lock = threading.Lock()
        self._scripts: dict[str, deque[Replier]] = defaultdict(deque)
        self._loop = asyncio.new_event_loop()
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._serving: set[asyncio.Task[None]] = set()
        self.behave(behaviour)

    @property
    def port(self) -> int:
        """Give the port that the server listens on."""
        return self._port

    @property
    def base_url(self) -> str:
        """Give the base URL for a client."""
        return f"http://127.0.0.1:{self._port}/api"

    def behave(self, behaviour: str | Behaviour) -> None:
        """Choose how every request without a script of its own is answered, from now on."""
        self._behaviour = behaviours(self._beacon)[behaviour] if isinstance(behaviour, str) else behaviour

    def script(self, call: str, replies: Iterable[Replier]) -> None:
        """Queue replies for a call ("chat/completions"), one per request; then the behaviour goes on."""
        with self._lock:
            self._scripts[call].extend(replies)

    def requests_to(self, call: str) -> list[RecordedRequest]:
        """Give the requests to one call, in order."""
        return [
            request for request in list(self.requests) if request.path.partition("?")[0].endswith(f"/{call}")
        ]

    def start(self) -> FakeEndpoint:
        """Listen, in a thread of its own."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-endpoint", daemon=True)
        self._thread.start()
        # On the thread's loop: the caller's thread may have a loop of its own running (a browser's).
        listening = asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(60)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self) -> None:
        """Close the socket and every connection, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def __enter__(self) -> FakeEndpoint:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _shut_down(self) -> None:
        # A socket that stays open is told as a warning in some later test. So nobody is let in any more, and
        # who was let in just now gets a transport: a closed server gives none.
        for listening in self._server.sockets:
            self._loop.remove_reader(listening.fileno())
        await _turns(5)
        self._server.close()
        # Without waiting for a client that does not read.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for transport in list(self._transports):
            transport.abort()
        await _turns(3)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Noted at once: a task that is cancelled before it begins would leave the connection open.
        assert isinstance(writer.transport, asyncio.Transport)
        self._transports.add(writer.transport)
        self.connections += 1
        task = self._loop.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            pushed_back = b""
            while (request := await _read_request(reader, pushed_back)) is not None:
                exchange, pushed_back = await self._answer(request, reader, writer)
                if not exchange.keep_alive:
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The client left, or the test is over.
        finally:
            with contextlib.suppress(RuntimeError, ConnectionError):
                writer.close()

    async def _answer(
        self, request: RecordedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[Exchange, bytes]:
        """Run the reply while watching whether the client leaves; give what it sent ahead."""
        call = request.path.partition("?")[0].partition("/api/")[2] or request.path.strip("/")
        exchange = Exchange(request, call, self, writer)
        with self._lock:
            self.requests.append(request)
            script = self._scripts[call]
            reply = script.popleft() if script else self._behaviour.reply(call)
        replying = asyncio.ensure_future(reply(exchange))
        watching = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({replying, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and not replying.done() and _ahead(watching) == b"":
                request.disconnected = True
                exchange.keep_alive = False
                return exchange, b""
            try:
                await replying
                request.answered = True
            except ConnectionError:
                request.disconnected = True
                exchange.keep_alive = False
            if not exchange.keep_alive:
                return exchange, b""
            first = await watching
            exchange.keep_alive = first != b""
            return exchange, first
        finally:
            for task in (replying, watching):
                task.cancel()
            await asyncio.gather(replying, watching, return_exceptions=True)


def _ahead(watching: asyncio.Future[bytes]) -> bytes:
    return b"" if watching.exception() else watching.result()


async def _read_request(reader: asyncio.StreamReader, first: bytes) -> RecordedRequest | None:
    first = first or await reader.read(1)
    if not first.isalpha():
        return None  # The end, or no HTTP: a TLS handshake, say.
    head = first + await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return RecordedRequest(method, path, headers, body)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--behaviour", default="healthy", choices=sorted(behaviours()))
    parser.add_argument("--beacon", help="URL that the evil text tries to load")
    options = parser.parse_args()
    with FakeEndpoint(options.behaviour, port=options.port, beacon=options.beacon) as endpoint:
        print(f"{options.behaviour}: {endpoint.base_url}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
