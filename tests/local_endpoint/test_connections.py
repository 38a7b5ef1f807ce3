"""Connections: each has little time to say what it wants; who asks for longest makes room for others."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.local_endpoint.conftest import API_KEY, Endpoint, FixedScorer, wait_until
from tests.local_endpoint.fake_model_server import FakeModelServer, serving
from tlm_dash.local_endpoint import connections, disconnects
from tlm_dash.local_endpoint.app import Serving, create_app
from tlm_dash.local_endpoint.connections import GuardedConnection
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.readiness import Readiness

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
HEAD = "POST /api/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture
def guarded(upstream: FakeModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """An endpoint whose connections are guarded, with short limits."""
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.1)
    upstream.calls.clear()

    async def start(serving_state: Serving) -> None:
        sources = [
            ModelSource(name=name, base_url=upstream.url, api_key=API_KEY) for name in ("plain", "silent")
        ]
        serving_state.open([ServedModel(source, FixedScorer()) for source in sources])

    started = Serving(Readiness(announce=lambda _line: None))
    with serving(create_app(started, start), http=GuardedConnection) as url:
        wait_until(lambda: started.readiness.ready)
        yield Endpoint(f"{url}/api", FixedScorer(), upstream)


def connect(endpoint: Endpoint, said: bytes = b"") -> socket.socket:
    host, port = endpoint.base_url.split("/")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(said.replace(b"Host: 127.0.0.1\r\n", f"Host: 127.0.0.1:{port}\r\n".encode()))
    return connection


def request(**fields: Any) -> bytes:  # noqa: ANN401
    body = json.dumps({"model": "plain", "messages": QUESTION, **fields}).encode()
    return f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(endpoint: Endpoint) -> int:
    body = {"model": "plain", "messages": QUESTION}
    return httpx.post(
        f"{endpoint.base_url}/chat/completions", json=body, timeout=60, trust_env=False
    ).status_code


def is_cut_off(connection: socket.socket) -> bool:
    """Read what comes until the other side ends the connection; a wait of a minute fails the test."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("said", [b"", b"G", b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nA:"])
def test_a_connection_that_does_not_say_what_it_wants_is_ended(
    guarded: Endpoint, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("tlm_dash.connections.HEAD_LIMIT_S", 0.5)
    with connect(guarded, said) as connection:
        began = time.monotonic()
        assert is_cut_off(connection)
        assert time.monotonic() - began >= 0.4


def test_also_after_an_answer(guarded: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlm_dash.connections.HEAD_LIMIT_S", 1.0)
    with connect(guarded, request()) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"POST /api")
        assert is_cut_off(connection)


def test_one_whose_answer_takes_long_is_left_alone(
    guarded: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlm_dash.connections.HEAD_LIMIT_S", 0.2)
    with connect(guarded, request(model="silent")) as connection:
        connection.settimeout(2)
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.parametrize("said", [b"", b"POST /api", f"{HEAD}Content-Length: 9000\r\n\r\n{{".encode()])
def test_the_one_that_has_been_asking_for_longest_makes_room(
    guarded: Endpoint, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    at_work = connect(guarded, request(model="silent"))
    wait_until(lambda: guarded.upstream.calls_of("silent"))
    slow = [connect(guarded, said) for _ in range(20)]
    assert [ask(guarded) for _ in range(3)] == [200] * 3
    assert is_cut_off(slow[0])
    at_work.settimeout(0.5)
    with pytest.raises(TimeoutError):
        at_work.recv(1)
    for connection in (at_work, *slow):
        connection.close()


def test_where_all_are_at_work_a_new_one_is_asked_to_come_again(
    guarded: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    at_work = [connect(guarded, request(model="silent")) for _ in range(3)]
    wait_until(lambda: len(guarded.upstream.calls_of("silent")) == 3)
    answer = httpx.get(f"{guarded.base_url}/health", trust_env=False, timeout=60)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["code"] == "busy"
    for connection in at_work:
        connection.close()
    wait_until(lambda: ask(guarded) == 200)


class Flood:
    """A stream that never ends, to one who reads nothing."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        import asyncio

        if scope["type"] != "http":
            return

        async def events() -> Any:  # noqa: ANN401
            while True:
                yield {"text": "x" * 100_000}

        await disconnects.EventStream(events(), asyncio.Event(), 600)(scope, receive, send)


def test_a_stream_that_nobody_reads_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(disconnects, "UNREAD_LIMIT_S", 0.5)
    with serving(Flood(), http=GuardedConnection) as url:
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(2)
            assert is_cut_off(connection)


def test_one_that_is_being_closed_and_takes_no_more_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is complete and would wait in memory for as long as its caller likes."""
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.1)
    size = 50_000_000

    async def answer(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401
        if scope["type"] == "http":
            headers = [(b"content-length", str(size).encode()), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * size})

    with serving(answer, http=GuardedConnection) as url:
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(1)
            n_bytes = 0
            with suppress(ConnectionError):
                while part := connection.recv(1_000_000):
                    n_bytes += len(part)
            assert 0 < n_bytes < size
