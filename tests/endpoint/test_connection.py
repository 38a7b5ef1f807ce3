"""Troubles of the connection itself: nobody there, no name, no trust, no time."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.conftest import ROOT, wait_until
from tests.endpoint.asking import GENERATE, a_request, collect_until_error, error_of, run
from tests.fake_endpoint import Answer, Drop, Exchange, FakeEndpoint, Hang, Replier
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.errors import (
    ConnectionDroppedError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    InvalidInputError,
)

SLOW_BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def test_nobody_listens(silent_port: int) -> None:
    base_url = f"http://127.0.0.1:{silent_port}/api"
    error = error_of(base_url)
    assert type(error) is EndpointUnreachableError
    assert error.message == f"The endpoint at {base_url} cannot be reached: nothing is listening there."
    assert "running" in error.hint
    assert error.status is None
    assert type(run(base_url, collect_until_error)[1]) is EndpointUnreachableError


def test_a_host_without_address() -> None:
    error = error_of("http://no-such-host.invalid/api")
    assert type(error) is EndpointUnreachableError
    assert "has no address" in error.message


def test_a_connection_that_does_not_come_about_in_time() -> None:
    """A listener with a full backlog: the handshake is never answered."""
    with contextmanager(full_backlog)() as port:
        started = time.perf_counter()
        error = error_of(f"http://127.0.0.1:{port}/api", timeout_s=0.5)
    assert type(error) in (EndpointUnreachableError, EndpointTimeoutError)
    # The system itself would try for two minutes.
    assert time.perf_counter() - started < 30


def full_backlog() -> Iterator[int]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        yield port
        for caller in callers:
            caller.close()


@pytest.mark.parametrize("reply", [Hang(), Hang(SLOW_BODY)], ids=["no answer", "half an answer"])
def test_no_full_answer_in_time(fake_endpoint: FakeEndpoint, reply: Hang) -> None:
    fake_endpoint.script(GENERATE, [reply])
    error = error_of(fake_endpoint, timeout_s=1.5)
    assert type(error) is EndpointTimeoutError
    assert error.message == "The endpoint gave no full answer within 1.5 s."
    assert "TLM_DASH_TIMEOUT_S" in error.hint
    wait_until(lambda: fake_endpoint.requests[0].disconnected, what="the disconnect")


def test_an_answer_that_trickles_is_too_late_all_the_same(fake_endpoint: FakeEndpoint) -> None:
    """Every byte comes in time, the whole does not."""

    async def trickle(exchange: object) -> None:
        await exchange.write(SLOW_BODY)  # type: ignore[attr-defined]
        for _ in range(499):
            await asyncio.sleep(0.1)
            await exchange.write(b" ")  # type: ignore[attr-defined]

    fake_endpoint.script(GENERATE, [trickle])
    started = time.perf_counter()
    assert type(error_of(fake_endpoint, timeout_s=1.5)) is EndpointTimeoutError
    assert time.perf_counter() - started < 30, "50 s is what the whole answer takes"


def test_waiting_for_a_free_connection_counts(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Hang(), Hang()])

    async def two(client: EndpointClient) -> list[object]:
        calls = (client.generate(a_request()) for _ in range(2))
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = run(fake_endpoint, two, timeout_s=1.5, max_connections=1)
    assert all(type(error) is EndpointTimeoutError for error in errors)
    assert len(fake_endpoint.requests) <= 2


def answer_when_there_are(n: int) -> Replier:
    """Answer nobody before so many requests are there: however slow the machine is, none can be the first."""

    async def reply(exchange: Exchange) -> None:
        while len(exchange.endpoint.requests) < n:
            await asyncio.sleep(0.02)
        await Answer()(exchange)

    return reply


def test_the_pool_is_as_large_as_asked(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [answer_when_there_are(3)] * 6)

    async def six(client: EndpointClient) -> None:
        await asyncio.gather(*(client.generate(a_request()) for _ in range(6)))

    run(fake_endpoint, six, max_connections=3)
    assert fake_endpoint.connections == 3


def test_more_than_the_usual_hundred_connections(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [answer_when_there_are(130)] * 130)

    async def many(client: EndpointClient) -> None:
        await asyncio.gather(*(client.generate(a_request()) for _ in range(130)))

    run(fake_endpoint, many)
    assert fake_endpoint.connections == 130


def test_an_idle_connection_that_the_endpoint_closed_is_a_drop_or_a_new_one(
    fake_endpoint: FakeEndpoint,
) -> None:
    fake_endpoint.script(GENERATE, [Answer(), Drop(), Answer()])

    async def three(client: EndpointClient) -> None:
        await client.generate(a_request())
        with pytest.raises(ConnectionDroppedError):
            await client.generate(a_request())
        await client.generate(a_request())

    run(fake_endpoint, three)
    assert len(fake_endpoint.requests) == 3, "nothing is sent twice behind the caller's back"


def test_https_to_a_plain_port_and_a_certificate_of_nobody(
    fake_endpoint: FakeEndpoint, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = error_of(fake_endpoint.base_url.replace("http:", "https:"))
    assert type(plain) is EndpointUnreachableError
    assert "http:// or https://" in plain.hint
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
        + ["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    with tls_server(certificate, key) as port:
        untrusted = error_of(f"https://localhost:{port}/api")
        assert type(untrusted) is EndpointUnreachableError
        assert "its certificate or protocol is not accepted" in untrusted.message
        assert "SSL_CERT_FILE" in untrusted.hint
        mixed_up = error_of(f"http://localhost:{port}/api", timeout_s=30)
        assert "http:// or https://" in mixed_up.hint or type(mixed_up) is ConnectionDroppedError


async def shut_down(server: asyncio.Server) -> None:
    """Close the server, and give its loop the time to close what the clients have left."""
    server.close()
    for _ in range(20):
        await asyncio.sleep(0.01)


@contextmanager
def tls_server(certificate: str, key: str) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    # The refused handshake is the client's to tell; the server's own log of it is noise here.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        logging.getLogger("asyncio").setLevel(logging.NOTSET)
        asyncio.run_coroutine_threadsafe(shut_down(server), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize(
    "base_url",
    ["", "localhost:8080", "ftp://host/api", "http://", "http://host:port/api", "http://[::1/api", "/api"],
)
def test_a_base_url_that_is_none_is_told_at_once(base_url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        EndpointClient(base_url)
    assert "/api" in caught.value.hint


@pytest.mark.parametrize("change", ["{}/", " {} ", "{}///", "{}#top"])
def test_base_urls_as_people_paste_them(fake_endpoint: FakeEndpoint, change: str) -> None:
    run(change.format(fake_endpoint.base_url), lambda client: client.generate(a_request()))
    assert fake_endpoint.requests[0].path == "/api/chat/completions"


def test_the_query_of_a_base_url_is_sent_with_every_call(fake_endpoint: FakeEndpoint) -> None:
    base_url = f"{fake_endpoint.base_url}?api-version=2025-01-01"
    run(base_url, lambda client: client.generate(a_request()))
    run(base_url, lambda client: client.models())
    paths = [request.path for request in fake_endpoint.requests]
    assert paths == ["/api/chat/completions?api-version=2025-01-01", "/api/models?api-version=2025-01-01"]


def test_a_closed_client_says_so_and_closing_twice_is_fine(fake_endpoint: FakeEndpoint) -> None:
    async def use_closed(client: EndpointClient) -> None:
        await client.generate(a_request())
        await client.close()
        await client.close()
        with pytest.raises(RuntimeError, match="has been closed"):
            await client.generate(a_request())

    run(fake_endpoint, use_closed)


def test_making_a_client_is_cheap_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time\n"
        "from tlm_dash.endpoint.client import EndpointClient\n"
        "started = time.process_time()\n"
        "for _ in range(100): EndpointClient('https://example.org/api', api_key='k' * 20)\n"
        "assert time.process_time() - started < 0.5\n"
        "heavy = {'openai', 'httpx', 'httpx2', 'aiohttp', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
