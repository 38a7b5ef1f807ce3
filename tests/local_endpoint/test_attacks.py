"""Requests that could take the real endpoint out: each is refused or served, and a plain one answered after.

Most of them kept others waiting, ended the process or were answered with 500 or 502 before there were bounds.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import pytest

from tlm_dash.local_endpoint.process import LocalEndpoint

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
NO_SCORE = {"disable_trustworthiness": True}

SOON_S = 60.0
"""A refusal takes milliseconds and a plain answer a fraction of a second, or seconds where others keep
every core busy. What is not bounded takes minutes."""


def post(endpoint: LocalEndpoint, body: dict[str, Any], *, within_s: float = SOON_S) -> httpx.Response:
    url = f"{endpoint.status().base_url}/chat/completions"
    return httpx.post(url, json=body, timeout=within_s, trust_env=False)


def ask(endpoint: LocalEndpoint, *, within_s: float = SOON_S, **fields: Any) -> httpx.Response:  # noqa: ANN401
    body = {"messages": QUESTION, "options": NO_SCORE, "max_tokens": 5, **fields}
    return post(endpoint, body, within_s=within_s)


@contextmanager
def unharmed(endpoint: LocalEndpoint) -> Iterator[None]:
    """A plain request is answered as usual afterwards, by the same process."""
    before = endpoint.status()
    yield
    answer = ask(endpoint, quality_preset="base", options={})
    assert answer.status_code == 200 and answer.json()["tlm_metadata"]["trustworthiness_score"] is not None
    after = endpoint.status()
    assert (after.pid, after.restarts, after.state) == (before.pid, before.restarts, "ready")


def schema(of: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": of}}}


def a_text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


TWICE_A_LIST = {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/it"}}

SCHEMAS: dict[str, dict[str, Any]] = {
    "100,000 values": {"enum": [f"value number {i}" for i in range(100_000)]},
    "a repeated nothing": a_text("^(a?){0,200}$"),
    "repetitions of repetitions": a_text("^((a{0,10}){0,10}){0,10}$"),
    "a circle that doubles": {"$ref": "#/$defs/it", "$defs": {"it": {"anyOf": [TWICE_A_LIST, TWICE_A_LIST]}}},
    "a name that ends the process": {
        "type": "object",
        "properties": {"x" * 60_000: {"type": "string"}},
        "additionalProperties": {"type": "string"},
    },
    "a number of 16 digits": {"type": "integer", "minimum": 9999999999999999},
    "a number of 16 digits below nought": {"items": {"type": "integer", "maximum": -9999999999999999}},
    "long numbers side by side": {"anyOf": [{"type": "integer", "maximum": 10**17 - i} for i in range(58)]},
}


@pytest.mark.parametrize("of", SCHEMAS.values(), ids=SCHEMAS)
def test_no_schema_keeps_the_others_waiting(local_endpoint: LocalEndpoint, of: dict[str, Any]) -> None:
    with unharmed(local_endpoint):
        for fields in (schema(of), {"response_format": {"type": "json_object", "schema": of}}):
            answer = ask(local_endpoint, **fields)
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "schema_out_of_bounds"


SLOWEST = {
    "500 properties with long names": {
        "type": "object",
        "properties": {f"property number {i} {'n' * 80}": {"type": "string"} for i in range(500)},
    },
    "500 values that begin alike": {"enum": ["x" * 100 + str(i) for i in range(500)]},
    "lists that begin alike": {
        "anyOf": [{"type": "array", "items": {"type": "string"}, "maxItems": i + 2} for i in range(400)]
    },
    "long numbers side by side": {"anyOf": [{"type": "integer", "maximum": 10**17 - i} for i in range(24)]},
    "the largest whole number of a browser": {"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1},
    "repetitions of repetitions": a_text("^((a{1,5}){1,5}){1,8}$"),
    "what may be skipped": a_text("^" + "a*" * 60 + "$"),
    "a repeated nothing": a_text("^(a?){0,20}$"),
}
"""Near the bounds, the slowest that were found."""


@pytest.mark.parametrize("of", SLOWEST.values(), ids=SLOWEST)
def test_what_is_within_the_bounds_is_compiled_and_answered(
    local_endpoint: LocalEndpoint, of: dict[str, Any]
) -> None:
    with unharmed(local_endpoint):
        answer = ask(local_endpoint, **schema(of), max_tokens=2, within_s=60)
        assert answer.status_code == 200, answer.text


LONG = "word " * 1_600_000
TOOL = {
    "type": "function",
    "function": {"name": "f", "strict": True, "parameters": SCHEMAS["100,000 values"]},
}

REQUESTS: dict[str, tuple[dict[str, Any], int]] = {
    "100,000 messages": ({"messages": QUESTION * 100_000}, 400),
    "2,000 messages": ({"messages": QUESTION * 2_000}, 400),
    "a message of 8 MB": ({"messages": [{"role": "user", "content": LONG}]}, 400),
    "200,000 parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * 200_000}]},
        400,
    ),
    "a picture": ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, 400),
    "50,000 tools": ({"tools": [{"type": "function", "function": {"name": "f"}}] * 50_000}, 400),
    "a tool with a schema": ({"tools": [TOOL]}, 400),
    "1,000 stop strings": ({"stop": ["x"] * 1_000}, 400),
    "long stop strings": ({"stop": ["x" * 100_000] * 4}, 400),
    "tokens without end": ({"max_tokens": 10**9}, 400),
    "more tokens than fit": ({"max_tokens": 1_000_000, "stop": list("aeio")}, 200),
    "1,000 answers": ({"n": 1_000}, 400),
    "many log-probabilities": ({"logprobs": True, "top_logprobs": 10**6}, 400),
    "a grammar": ({"grammar": 'root ::= "a"'}, 400),
    "a schema at the top": ({"json_schema": SCHEMAS["100,000 values"]}, 400),
    "100,000 biases": ({"logit_bias": {str(i): 1 for i in range(100_000)}}, 400),
    "a million samples": ({"options": {"num_consistency_samples": 10**6}}, 400),
    "100,000 criteria": ({"options": {"custom_eval_criteria": [{"name": "a"}] * 100_000}}, 400),
    "a name of 1 MB": ({"x" * 1_000_000: 1}, 400),
    "a model of 1 MB": ({"model": "m" * 1_000_000}, 404),
    "half a character in a schema": (schema({"const": "\ud800"}), 400),
    "half a character in a stop": ({"stop": ["\udfff"]}, 400),
    "NUL": ({"messages": [{"role": "user", "content": "What is\0 the capital of France?"}]}, 200),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "status"), REQUESTS.values(), ids=REQUESTS)
def test_no_request_is_too_much(local_endpoint: LocalEndpoint, fields: dict[str, Any], status: int) -> None:
    with unharmed(local_endpoint):
        body = json.dumps({"messages": QUESTION, "options": NO_SCORE, "max_tokens": 5, **fields}).encode()
        url = f"{local_endpoint.status().base_url}/chat/completions"
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(url, content=body, headers=headers, timeout=SOON_S, trust_env=False)
        assert answer.status_code == status, answer.text[:500]
        if status != 200:
            error = answer.json()["error"]
            assert error["message"].endswith((".", "…")) and len(answer.content) < 3_000


@pytest.mark.parametrize("stream", [False, True])
def test_a_hundred_callers_who_hang_up_are_forgotten(local_endpoint: LocalEndpoint, stream: bool) -> None:
    """Each would have had 3,000 tokens."""
    url = f"{local_endpoint.status().base_url}/chat/completions"
    body = {
        "messages": QUESTION,
        "options": NO_SCORE,
        "max_tokens": 3_000,
        "temperature": 1.8,
        "stream": stream,
    }

    def hang_up(seed: int) -> None:
        with (
            suppress(httpx.TimeoutException),
            httpx.stream("POST", url, json={**body, "seed": seed}, timeout=0.5, trust_env=False) as answer,
        ):
            next(answer.iter_lines())

    with unharmed(local_endpoint), ThreadPoolExecutor(100) as callers:
        list(callers.map(hang_up, range(100)))


def connect(endpoint: LocalEndpoint) -> socket.socket:
    host, port = str(endpoint.status().base_url).split("/")[2].split(":")
    return socket.create_connection((host, int(port)), timeout=60)


HEAD = b"POST /api/chat/completions HTTP/1.1\r\nHost: HERE\r\nContent-Type: application/json\r\n"


def say(connection: socket.socket, said: bytes) -> None:
    """Send the beginning of a request, or all of it, to the server at the other end."""
    host, port = connection.getpeername()
    connection.sendall(said.replace(b"HERE", f"{host}:{port}".encode()))


@pytest.mark.parametrize("said", [b"", b"POST /api", HEAD + b"Content-Length: 9000\r\n\r\n{"])
def test_a_thousand_connections_that_hardly_say_anything(local_endpoint: LocalEndpoint, said: bytes) -> None:
    with unharmed(local_endpoint), ExitStack() as slow:
        for _ in range(1_000):
            say(slow.enter_context(connect(local_endpoint)), said)
        assert ask(local_endpoint).status_code == 200


def test_streams_that_nobody_reads_keep_nobody_waiting(local_endpoint: LocalEndpoint) -> None:
    body = {"messages": QUESTION, "stream": True, "max_tokens": 600, "temperature": 1.8, "logprobs": True,
            "top_logprobs": 20, "options": NO_SCORE}  # fmt: skip
    payload = json.dumps(body).encode()
    with unharmed(local_endpoint), ExitStack() as unread:
        for _ in range(8):
            connection = unread.enter_context(connect(local_endpoint))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            say(connection, HEAD + f"Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        assert ask(local_endpoint, within_s=90).status_code == 200
