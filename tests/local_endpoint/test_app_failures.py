"""Bad days of the model server: each becomes a wire error of matching status, and nothing is left hanging."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import Any

import httpx
import pytest

from tests.local_endpoint.conftest import API_KEY, Endpoint, FixedScore, FixedScorer, wait_until
from tests.local_endpoint.fake_model_server import FakeModelServer, serving
from tlm_dash.errors import LocalEndpointError
from tlm_dash.local_endpoint.app import Serving, create_app
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.readiness import Readiness

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"}}]}

LIMIT_S = 40.0
"""What is ended ends at once, or after some seconds on a machine that is busy throughout; what is not ended
takes the model server's ten minutes."""

FAILURES = [
    ("unauthorized", 502, "model_server_access_denied", None),
    ("unknown", 502, "model_server_not_found", None),
    ("limited", 429, "rate_limit_exceeded", "7"),
    ("limited-until", 429, "rate_limit_exceeded", "Wed, 21 Oct 2037 07:28:00 GMT"),
    ("overloaded", 503, "model_server_unavailable", "3"),
    ("failing", 502, "model_server_failed", None),
    ("gateway", 502, "model_server_failed", None),
    ("gateway-timeout", 504, "model_server_timeout", None),
    ("redirecting", 502, "model_server_failed", None),
    ("too-long", 400, "context_length_exceeded", None),
    ("refusing", 400, "model_server_refused", None),
    ("html", 502, "model_server_failed", None),
    ("broken-json", 502, "model_server_failed", None),
    ("no-choices", 502, "model_server_failed", None),
    ("null-message", 502, "model_server_failed", None),
    ("not-an-object", 502, "model_server_failed", None),
    ("cut", 502, "model_server_failed", None),
]


def ask(endpoint: Endpoint, **fields: Any) -> httpx.Response:  # noqa: ANN401
    body = {"messages": QUESTION, **fields}
    return httpx.post(f"{endpoint.base_url}/chat/completions", json=body, timeout=120, trust_env=False)


@pytest.mark.parametrize(
    ("model", "status", "code", "retry_after"), FAILURES, ids=[row[0] for row in FAILURES]
)
def test_a_failure_keeps_its_meaning(
    endpoint: Endpoint, model: str, status: int, code: str, retry_after: str | None
) -> None:
    answer = ask(endpoint, model=model)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.headers.get("retry-after") == retry_after
    assert API_KEY not in answer.text
    assert endpoint.scorer.asked == []


@pytest.mark.parametrize("model", [row[0] for row in FAILURES if row[0] not in ("cut", "broken-json")])
def test_a_stream_that_never_began_has_the_same_status(endpoint: Endpoint, model: str) -> None:
    whole, stream = ask(endpoint, model=model), ask(endpoint, model=model, stream=True)
    assert (stream.status_code, stream.json()) == (whole.status_code, whole.json())


@pytest.mark.parametrize("model", ["cut", "failing-midway", "garbled"])
def test_a_stream_that_breaks_off_ends_with_an_error_event(endpoint: Endpoint, model: str) -> None:
    answer = ask(endpoint, model=model, stream=True)
    assert answer.status_code == 200
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert json.loads(data[-1])["error"]["code"] == "model_server_failed"
    assert "[DONE]" not in answer.text and "Paris" in answer.text
    assert endpoint.scorer.asked == []


def test_the_key_reaches_the_model_server_and_nobody_else(endpoint: Endpoint) -> None:
    ask(endpoint, model="plain")
    assert endpoint.upstream.calls[0].headers["authorization"] == f"Bearer {API_KEY}"
    assert API_KEY not in repr(ModelSource(name="x", base_url="http://x", api_key=API_KEY))


def _hang_up(endpoint: Endpoint, path: str, body: dict[str, Any], *, after: str, read: bytes = b"") -> None:
    """Send a request over a bare socket, wait until the model server has it, and close the connection."""
    host, port = endpoint.base_url.split("/")[2].split(":")
    payload = json.dumps(body).encode()
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST /api{path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        wait_until(lambda: endpoint.upstream.calls_of(after))
        got = b""
        while read and read not in got:
            got += connection.recv(65536)


@pytest.mark.parametrize(
    ("model", "stream", "read"), [("silent", False, b""), ("silent", True, b""), ("stalling", True, b"Paris")]
)
def test_a_caller_who_leaves_ends_the_models_work(
    endpoint: Endpoint, model: str, stream: bool, read: bytes
) -> None:
    body = {"model": model, "messages": QUESTION, "stream": stream}
    _hang_up(endpoint, "/chat/completions", body, after=model, read=read)
    assert endpoint.upstream.calls[0].closed_by_caller.wait(LIMIT_S)


def check_time_limit(answer: httpx.Response, began: float) -> None:
    assert time.monotonic() - began < LIMIT_S
    error = answer.json()["error"]
    assert error["code"] == "timeout" and error["param"] == "options.max_timeout"
    assert "The time limit of 2 s (options.max_timeout) was over" in error["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_time_limit_ends_generating(endpoint: Endpoint, stream: bool) -> None:
    began = time.monotonic()
    answer = ask(endpoint, model="silent", stream=stream, options={"max_timeout": 2})
    assert answer.status_code == 504
    check_time_limit(answer, began)
    assert endpoint.upstream.calls[0].closed_by_caller.wait(LIMIT_S)


def test_the_time_limit_ends_a_stream_with_an_error_event(endpoint: Endpoint) -> None:
    began = time.monotonic()
    answer = ask(endpoint, model="stalling", stream=True, options={"max_timeout": 3})
    assert time.monotonic() - began < LIMIT_S
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "Paris" in answer.text and json.loads(data[-1])["error"]["code"] == "timeout"
    assert endpoint.upstream.calls[0].closed_by_caller.wait(LIMIT_S)


class ModelCallingScorer(FixedScorer):
    """Calls the silent model, as a real scorer would."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.cancelled = threading.Event()

    async def score(self, *_: Any, **__: Any) -> FixedScore:  # noqa: ANN401
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.post(f"{self._url}/chat/completions", json={"model": "silent"}, timeout=600)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return FixedScore()


class FailingScorer(FixedScorer):
    """Reaches no model server."""

    async def score(self, *_: Any, **__: Any) -> FixedScore:  # noqa: ANN401
        raise LocalEndpointError(
            "The model server answered none of the calls that scoring made.", hint="Look."
        )


class BrokenScorer(FixedScorer):
    """Has a bug."""

    async def score(self, *_: Any, **__: Any) -> FixedScore:  # noqa: ANN401
        raise KeyError("sk-private detail")


def _endpoint_with(scorer: FixedScorer, upstream: FakeModelServer) -> tuple[Serving, Any]:
    async def start(serving_state: Serving) -> None:
        source = ModelSource(name="plain", base_url=upstream.url, api_key=API_KEY)
        serving_state.open([ServedModel(source, scorer)])

    started = Serving(Readiness(announce=lambda _line: None))
    return started, create_app(started, start)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/chat/score", {"completion": ANSWER}),
        ("/chat/completions", {}),
        ("/chat/completions", {"stream": True}),
    ],
)
def test_a_caller_who_leaves_ends_the_scoring(
    upstream: FakeModelServer, path: str, fields: dict[str, Any]
) -> None:
    upstream.calls.clear()
    scorer = ModelCallingScorer(upstream.url)
    started, app = _endpoint_with(scorer, upstream)
    with serving(app) as url:
        wait_until(lambda: started.readiness.ready)
        endpoint = Endpoint(f"{url}/api", scorer, upstream)
        _hang_up(endpoint, path, {"messages": QUESTION, **fields}, after="silent")
        assert scorer.cancelled.wait(LIMIT_S)
        assert upstream.calls_of("silent")[0].closed_by_caller.wait(LIMIT_S)


@pytest.mark.parametrize(("path", "fields"), [("score", {"completion": ANSWER}), ("completions", {})])
def test_the_time_limit_ends_scoring(upstream: FakeModelServer, path: str, fields: dict[str, Any]) -> None:
    upstream.calls.clear()
    scorer = ModelCallingScorer(upstream.url)
    started, app = _endpoint_with(scorer, upstream)
    with serving(app) as url:
        wait_until(lambda: started.readiness.ready)
        body = {"messages": QUESTION, "options": {"max_timeout": 2}, **fields}
        began = time.monotonic()
        answer = httpx.post(f"{url}/api/chat/{path}", json=body, timeout=120, trust_env=False)
        assert answer.status_code == 504
        check_time_limit(answer, began)
        assert scorer.cancelled.wait(LIMIT_S)


@pytest.mark.parametrize(
    ("scorer", "status", "words"),
    [(FailingScorer(), 502, "could not be scored"), (BrokenScorer(), 500, "see its log")],
)
def test_a_score_that_fails_is_an_error_never_a_number(
    upstream: FakeModelServer, scorer: FixedScorer, status: int, words: str
) -> None:
    started, app = _endpoint_with(scorer, upstream)
    with serving(app) as url, httpx.Client(base_url=f"{url}/api", trust_env=False) as client:
        wait_until(lambda: started.readiness.ready)
        for path, fields in (("/chat/score", {"completion": ANSWER}), ("/chat/completions", {})):
            answer = client.post(path, json={"messages": QUESTION, **fields})
            assert answer.status_code == status
            assert words in answer.json()["error"]["message"]
            assert "sk-private" not in answer.text
        streamed = client.post("/chat/completions", json={"messages": QUESTION, "stream": True}).text
        assert words in streamed and "[DONE]" not in streamed


def test_requests_that_run_are_told_when_the_endpoint_stops(upstream: FakeModelServer) -> None:
    upstream.calls.clear()
    scorer = ModelCallingScorer(upstream.url)
    started, app = _endpoint_with(scorer, upstream)
    answers: list[httpx.Response] = []

    def call() -> None:
        body = {"messages": QUESTION, "completion": ANSWER}
        answers.append(httpx.post(f"{url}/api/chat/score", json=body, timeout=120, trust_env=False))

    with serving(app) as url:
        wait_until(lambda: started.readiness.ready)
        caller = threading.Thread(target=call)
        caller.start()
        wait_until(lambda: upstream.calls_of("silent"))
        began = time.monotonic()
        started.stopping.set()
        caller.join(LIMIT_S)
        assert time.monotonic() - began < LIMIT_S
    assert answers[0].status_code == 503 and answers[0].json()["error"]["code"] == "stopping"


def test_nothing_listens_at_the_model_servers_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        dead = ModelSource(name="plain", base_url=address)

        async def start(serving_state: Serving) -> None:
            serving_state.open([ServedModel(dead, FixedScorer())])

        started = Serving(Readiness(announce=lambda _line: None))
        with serving(create_app(started, start)) as url:
            wait_until(lambda: started.readiness.ready)
            answer = httpx.post(f"{url}/api/chat/completions", json={"messages": QUESTION}, trust_env=False)
    assert answer.status_code == 503 and address in answer.json()["error"]["message"]


def test_while_starting_calls_are_asked_to_come_back() -> None:
    readiness = Readiness(announce=lambda _line: None)
    readiness.progress(42_500_000, 92_871_040, "Fetching the model")
    with (
        serving(create_app(Serving(readiness))) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        health = client.get("/api/health")
        assert health.status_code == 503
        assert health.json() == {"status": "starting", "detail": "Fetching the model: 42 of 93 MB"}
        for answer in (client.get("/api/models"), client.post("/api/chat/score", content=b"nonsense")):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "2"
            assert "42 of 93 MB" in answer.json()["error"]["message"]
