"""A TLM endpoint for load: a process of its own with chosen latency, rate limit and troubles, which counts.

    with SimulatedEndpoint(latency_s=2.0, sigma=0.35) as endpoint:
        ...endpoint.base_url...
        endpoint.stats()

The answer is canned, so that the server costs little; what it counts is by prompt, call and preset.
"""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.limits import Bucket, Limit

WORDS = "The answer is forty-two, as far as anyone can tell from what was asked. " * 5


@dataclass(frozen=True)
class Behaviour:
    """How the endpoint behaves. Rates are shares of requests; `per_minute` with `burst` is a token bucket.

    `refused` is the share that gets a 429 at once and at random, `limit` refuses for a reason;
    `troubles` come in place of answers, when these were due. `retry_after` is what a 429 says: "honest" for
    what the limit knows, in whole seconds as most say it, any other text as it stands.
    """

    latency_s: float = 0.0
    sigma: float = 0.0
    per_minute: float | None = None
    burst: int = 20
    limit: Limit | None = None
    refused: float = 0.0
    retry_after: str | None = None
    troubles: dict[str, float] = field(default_factory=dict)
    counts_prompts: bool = False
    seed: int = 0


class Simulation:
    """What all connections share."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.chance = random.Random(behaviour.seed)
        per_minute = behaviour.per_minute
        self.limit = Bucket(per_minute / 60, behaviour.burst) if per_minute else deepcopy(behaviour.limit)
        self.n = self.n_refused = self.n_answered = self.in_flight = self.most_in_flight = 0
        self.by_key: Counter[str] = Counter()
        self.started = time.monotonic()
        self.first_at = self.last_at = self.ended_at = self.longest_pause_s = 0.0
        self.admitted_at: list[float] = []
        self.refused_at: list[float] = []
        completion = {
            "id": "chatcmpl-simulated", "object": "chat.completion", "created": 1, "model": "simulated-2026",
            "choices": [{
                "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": WORDS},
            }],
            "usage": {"prompt_tokens": 40, "completion_tokens": 75, "total_tokens": 115},
            "tlm_metadata": {"trustworthiness_score": 0.875},
        }  # fmt: skip
        self.answer = reply(200, json.dumps(completion).encode())
        self.score = reply(200, b'{"tlm_metadata": {"trustworthiness_score": 0.875}}')

    def stats(self) -> dict[str, Any]:
        """Give the counts so far; times are seconds since the start."""
        return {
            "n": self.n, "n_refused": self.n_refused, "n_answered": self.n_answered,
            "most_in_flight": self.most_in_flight, "by_key": dict(self.by_key),
            "admitted_at": self.admitted_at, "refused_at": self.refused_at,
            "first_at": self.first_at, "last_at": self.last_at, "ended_at": self.ended_at,
            "longest_pause_s": self.longest_pause_s, "now": time.monotonic() - self.started,
        }  # fmt: skip

    def arrived(self) -> float:
        """Count a request; gives when it came."""
        now = time.monotonic() - self.started
        if self.n:
            self.longest_pause_s = max(self.longest_pause_s, now - self.last_at)
        else:
            self.first_at = now
        self.n, self.last_at = self.n + 1, now
        return now

    def refusal(self, now: float) -> bytes | None:
        """Give the 429 for a request of `now`, or None where it is admitted."""
        wait_s = None if self.limit is None else self.limit.take(now - self.first_at)
        share = self.behaviour.refused
        if wait_s is None and not (share and self.chance.random() < share):
            return None
        asks = self.behaviour.retry_after
        if asks == "honest":
            asks = None if wait_s is None else str(math.ceil(wait_s))
        headers = "" if asks is None else f"Retry-After: {asks}\r\n"
        return _error(429, "rate_limit_exceeded", headers)

    def delay_s(self) -> float:
        """Draw a latency."""
        behaviour = self.behaviour
        if not behaviour.latency_s:
            return 0.0
        return behaviour.latency_s * math.exp(behaviour.sigma * self.chance.gauss(0, 1))

    def trouble(self) -> str | None:
        """Draw a trouble."""
        drawn = self.chance.random()
        for name, share in self.behaviour.troubles.items():
            drawn -= share
            if drawn < 0:
                return name
        return None


def reply(status: int, body: bytes, content_type: str = "application/json", headers: str = "") -> bytes:
    """Write an HTTP answer."""
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return (head + headers + "\r\n").encode() + body


def _error(status: int, code: str, headers: str = "") -> bytes:
    return reply(status, json.dumps({"error": {"message": code, "code": code}}).encode(), headers=headers)


_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def _scored(score: str) -> bytes:
    text = (
        '{"object":"chat.completion","model":"simulated-2026","choices":[{"index":0,"finish_reason":"stop",'
        f'"message":{{"role":"assistant","content":"{"" if score == "empty" else "Yes."}"}}}}]'
    )
    metadata = {"missing": "", "empty": ',"tlm_metadata":{"trustworthiness_score":0.5}'}
    return reply(
        200,
        (text + metadata.get(score, f',"tlm_metadata":{{"trustworthiness_score":{score}}}') + "}").encode(),
    )


TROUBLES: dict[str, bytes | None] = {
    "429": _error(429, "rate_limit_exceeded"),
    "429-retry-after": _error(429, "rate_limit_exceeded", "Retry-After: 1\r\n"),
    "408": _error(408, "request_timeout"),
    "409": _error(409, "conflict"),
    "500": _error(500, "server_error"),
    "503": _error(503, "overloaded", "Retry-After: 1\r\n"),
    "hang": None,
    "drop": None,
    "cut": None,
    "html-200": reply(200, _HTML, "text/html"),
    "html-502": reply(502, _HTML, "text/html"),
    "no-metadata": _scored("missing"),
    "null-score": _scored("null"),
    "nan-score": _scored("NaN"),
    "score-above-1": _scored("1.7"),
    "empty-content": _scored("empty"),
    "token-limit": _error(400, "context_length_exceeded"),
    "401": _error(401, "invalid_api_key"),
    "403": _error(403, "forbidden"),
}
"""Every trouble of the wire API's description. None: done by hand."""


class Endpoint(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._buffer = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class's name
        """Count what the client does not wait for any more."""
        if self._busy:
            self._simulation.in_flight -= 1
            self._busy = False

    def data_received(self, data: bytes) -> None:
        """Take a request once all of it is there."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
        if head.startswith(b"GET"):
            path = head.split(b" ", 2)[1]
            facts = self._simulation.stats() if path == b"/stats" else {"status": "ok", "data": []}
            self._transport.write(reply(200, json.dumps(facts).encode()))
            return
        self._request(b"/chat/score" in head[:80], body)

    def _request(self, is_score: bool, body: bytes) -> None:
        simulation = self._simulation
        now = simulation.arrived()
        if simulation.behaviour.counts_prompts:
            asked = json.loads(body)
            prompt = asked["messages"][-1]["content"]
            simulation.by_key[
                f"{'score' if is_score else 'generate'}/{asked.get('quality_preset')}/{prompt}"
            ] += 1
        refusal = simulation.refusal(now)
        if refusal is not None:
            simulation.n_refused += 1
            simulation.refused_at.append(now)
            simulation.ended_at = now
            self._transport.write(refusal)
            return
        if simulation.limit is not None:
            simulation.admitted_at.append(now)
        simulation.in_flight += 1
        simulation.most_in_flight = max(simulation.most_in_flight, simulation.in_flight)
        self._busy = True
        answer = simulation.score if is_score else simulation.answer
        delay_s = simulation.delay_s()
        trouble = simulation.trouble()
        finish: Callable[[], None] = lambda: self._answer(answer, trouble)  # noqa: E731
        asyncio.get_running_loop().call_later(delay_s, finish) if delay_s else finish()

    def _answer(self, answer: bytes, trouble: str | None) -> None:
        if not self._busy or trouble == "hang":
            return
        self._busy = False
        simulation = self._simulation
        simulation.in_flight -= 1
        simulation.ended_at = time.monotonic() - simulation.started
        if trouble == "drop":
            self._transport.abort()
        elif trouble == "cut":
            self._transport.write(answer[: len(answer) * 2 // 3])
            self._transport.close()
        else:
            simulation.n_answered += trouble is None
            self._transport.write(answer if trouble is None else TROUBLES[trouble] or b"")


def serve(behaviour: Behaviour, told: Connection) -> None:
    """Run the server until the process is ended; tells its port."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        simulation = Simulation(behaviour)
        server = await loop.create_server(lambda: Endpoint(simulation), "127.0.0.1", 0, backlog=2048)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class SimulatedEndpoint:
    """The server's process, for the time of a `with` block."""

    def __init__(self, **behaviour: Any) -> None:  # noqa: ANN401 - the fields of Behaviour
        self._behaviour = Behaviour(**behaviour)

    def __enter__(self) -> Self:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(self._behaviour, sender), daemon=True
        )
        self._process.start()
        sender.close()
        self._port = receiver.recv()
        receiver.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._process.close()

    @property
    def base_url(self) -> str:
        """Give the base URL for a client."""
        return f"http://127.0.0.1:{self._port}/api"

    def stats(self) -> dict[str, Any]:
        """Ask the server for its counts."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/stats", timeout=60) as answer:
            facts: dict[str, Any] = json.load(answer)
        return facts
