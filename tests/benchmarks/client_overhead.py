"""What a request costs: this client against a bare aiohttp loop, with a server that answers at once.

`python -m tests.benchmarks.client_overhead [--seconds 4] [--in-flight 64]`. The server runs in a process of
its own and sends one canned answer, so that CPU time and requests/s are the client's. Goal: 600 requests/s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import aiohttp

from tests.fake_endpoint import Answer
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.models import GenerateRequest

GOAL_PER_S = 600
WARM_UP = 100
REQUEST = GenerateRequest(
    messages=({"role": "user", "content": "How long may a customer return an opened box? " * 8},),
    model="gpt-4.1-mini",
    quality_preset="low",
)


@dataclass(frozen=True)
class Measured:
    """One loop's figures."""

    name: str
    requests: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per request."""
        return self.cpu_s / self.requests * 1000

    def __str__(self) -> str:
        return f"{self.name:<16} {self.per_s:8.0f} requests/s  {self.cpu_ms:6.3f} ms CPU per request"


class CannedServer(asyncio.Protocol):
    """Answer every request with the same bytes, doing as little as possible."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the body is there."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(self._answer)


def serve(told: Connection) -> None:
    """Run the server and tell its port."""
    body = json.dumps(Answer().document({"messages": REQUEST.messages, "model": REQUEST.model})).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: CannedServer(head.encode() + body), "127.0.0.1", 0, backlog=512
        )
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def measure(
    name: str, call: Callable[[], Awaitable[object]], seconds: float, in_flight: int
) -> Measured:
    """Keep `in_flight` calls going for some seconds."""
    for _ in range(WARM_UP):
        await call()
    done, deadline = 0, time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < deadline:
            await call()
            done += 1

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return Measured(name, done, time.perf_counter() - wall, time.process_time() - cpu)


async def compare(base_url: str, seconds: float, in_flight: int) -> tuple[Measured, Measured]:
    """Measure both loops one after the other."""
    client = EndpointClient(base_url)
    ours = await measure("EndpointClient", lambda: client.generate(REQUEST), seconds, in_flight)
    await client.close()
    body = {
        "model": REQUEST.model,
        "messages": list(REQUEST.messages),
        "quality_preset": REQUEST.quality_preset,
    }
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:

        async def bare_call() -> object:
            async with session.post(f"{base_url}/chat/completions", json=body) as response:
                return await response.json()

        bare = await measure("bare aiohttp", bare_call, seconds, in_flight)
    return ours, bare


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="CPU and requests/s of the endpoint client")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(sender,), daemon=True)
    process.start()
    try:
        base_url = f"http://127.0.0.1:{receiver.recv()}/api"
        ours, bare = asyncio.run(compare(base_url, options.seconds, options.in_flight))
    finally:
        process.terminate()
        process.join()
    print(ours, bare, sep="\n")
    print(f"CPU ratio {ours.cpu_ms / bare.cpu_ms:.2f}")
    print(f"goal of {GOAL_PER_S} requests/s: {ours.per_s / GOAL_PER_S:.2f} times")


if __name__ == "__main__":
    main()
