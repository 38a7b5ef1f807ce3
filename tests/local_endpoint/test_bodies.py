"""Bodies: one declared type, a size, a time to arrive, and JSON that can be written again."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.local_endpoint.conftest import Endpoint, wait_until
from tlm_dash.local_endpoint import bodies
from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.bodies import json_object

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
BODY = json.dumps({"model": "plain", "messages": QUESTION}).encode()

MEGABYTES = 8 * 2**20 - 100
"""Just below the largest body."""


def send(endpoint: Endpoint, body: bytes, *types: str, path: str = "completions") -> httpx.Response:
    """Post a body under as many Content-Type headers as given."""
    headers = [("Content-Type", name) for name in types]
    url = f"{endpoint.base_url}/chat/{path}"
    return httpx.post(url, content=body, headers=headers, timeout=120, trust_env=False)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json ; charset=utf-8",
        'application/json; charset="UTF-8"; a=b',
        "application/json;",
        "application/vnd.tlm.v1+json",
        "text/x-thing+json; charset=utf8",
    ],
)
def test_json_by_any_of_its_names_is_read(endpoint: Endpoint, kind: str) -> None:
    assert send(endpoint, BODY, kind).status_code == 200


@pytest.mark.parametrize(
    "types",
    [
        (),
        ("",),
        ("text/plain",),
        ("application/x-www-form-urlencoded",),
        ("multipart/form-data; boundary=application/json",),
        ("text/json",),
        ("application/jsonp",),
        ("application/json-patch",),
        ("json",),
        ("application",),
        ("*/*",),
        ("application/json, text/plain",),
        ("text/plain, application/json",),
        ("application/json", "text/plain"),
        ("application/json", "application/json"),
        ("application/json text/plain",),
        ("application/json; text/plain",),
        ("application/json; charset=utf-16",),
        ("application/json; charset=utf-8; charset=latin-1",),
        ("application/json; =x",),
        ("+json",),
        ("text/plain+json/x",),
        ("x" * 9000,),
    ],
)
@pytest.mark.parametrize("path", ["completions", "score"])
def test_everything_else_is_refused_in_words(endpoint: Endpoint, types: tuple[str, ...], path: str) -> None:
    answer = send(endpoint, BODY, *types, path=path)
    error = answer.json()["error"]
    assert answer.status_code == 415 and error["code"] == "unsupported_media_type"
    assert error["message"].startswith("Send JSON with one header Content-Type: application/json")
    assert error["message"].endswith(".") and len(error["message"]) < 250
    assert endpoint.upstream.calls == []


def test_a_packed_body_is_refused(endpoint: Endpoint) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    url = f"{endpoint.base_url}/chat/completions"
    assert httpx.post(url, content=BODY, headers=headers, trust_env=False).status_code == 415


BAD: dict[str, tuple[bytes, str]] = {
    "braces": (b"{" * MEGABYTES, "not valid JSON"),
    "brackets": (b"[" * MEGABYTES, "nested too deeply"),
    "closed brackets": (b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}", "nested too deeply"),
    "deep objects": (b'{"a":' * 200 + b"1" + b"}" * 200, "nested too deeply"),
    "many values": (b'{"a":[' + b"1," * 4_000_000 + b"1]}", "more than 1,000,000 values"),
    "many empty lists": (b'{"a":[' + b"[]," * 2_500_000 + b"[]]}", "more than 1,000,000 values"),
    "quotes without a string": (b'{"a":[' + b'\\",' * 2_500_000, "more than 1,000,000 values"),
    "a string that never closes": (b'{"a":"' + b'\\",' * 2_500_000, "not valid JSON"),
    "too large a number": (b'{"seed":1e400}', "number that is too large"),
    "too large a number in a list": (b'{"a":[[-1e999]]}', "number that is too large"),
    "many digits": (b'{"seed":' + b"9" * 100_000 + b"}", "too many digits"),
    "minus Infinity": (b'{"seed":-Infinity}', "-Infinity is not JSON"),
    "half a character in a name": (b'{"\\ud800":1}', "half a character"),
    "half a character deep in a name": (b'{"metadata":{"a":[{"b\\udfff":1}]}}', "half a character"),
    "half a character, raw": (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
    "bytes outside strings": (b'{"a":\xff}', "not UTF-8"),
    "bytes in a name": (b'{"\xc3(":1}', "not UTF-8"),
    "another encoding": ('{"a":1}'.encode("utf-16"), "not UTF-8"),
    "NUL": (b'{"a":1}\0', "not valid JSON"),
}


@pytest.mark.parametrize(("body", "words"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("path", ["completions", "score"])
def test_bad_json_is_refused_within_a_second(endpoint: Endpoint, body: bytes, words: str, path: str) -> None:
    answer = send(endpoint, body, "application/json", path=path)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]["message"]
    assert send(endpoint, BODY, "application/json").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b'"plain"', b'"nobody", "model": "plain"'),
        BODY.replace(b"capital", b"cap\\u0000ital \\ud83d\\ude00"),
    ],
    ids=["byte order mark", "a name twice", "NUL and a pair of halves"],
)
def test_odd_json_is_served(endpoint: Endpoint, body: bytes) -> None:
    assert send(endpoint, body, "application/json").status_code == 200


def test_commas_in_a_text_are_not_counted() -> None:
    text = '\\\\\\"' + "," * 2_000_000
    assert json_object(json.dumps({"a": text, "b": [1, 2]}).encode())["a"] == text


NUMBERS = st.floats() | st.integers()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(), max_size=3), ANYTHING))
def test_what_is_read_can_be_written_and_the_rest_is_refused(value: dict[str, Any]) -> None:
    try:
        read = json_object(json.dumps(value).encode())
    except ApiError as error:
        assert error.status == 400
        with pytest.raises(ValueError):
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    else:
        assert read == value
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()


def trickle(endpoint: Endpoint, body: bytes = b"{") -> socket.socket:
    """Begin a request whose body does not come to its end."""
    host, port = endpoint.base_url.split("/")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    head = f"POST /api/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 8000000\r\n\r\n".encode() + body)
    return connection


def test_a_body_that_takes_too_long_is_given_up(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT_S", 0.5)
    began = time.monotonic()
    with trickle(endpoint) as connection:
        answer = b""
        # Head and body may come in pieces.
        while b"request_timeout" not in answer and (piece := connection.recv(65536)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ") and b"request_timeout" in answer
    assert time.monotonic() - began < 30


def test_bodies_that_are_on_their_way_have_a_size_together(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BYTES_ON_THEIR_WAY", 2_000_000)
    waiting = [trickle(endpoint, b"{" * 900_000) for _ in range(2)]
    answers: list[httpx.Response] = []

    def is_refused() -> bool:
        answers.append(send(endpoint, BODY.replace(b"capital", b"x" * 900_000), "application/json"))
        return answers[-1].status_code == 503

    wait_until(is_refused)
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["error"]["code"] == "too_much_at_once"
    assert send(endpoint, BODY, "application/json").status_code == 200
    for connection in waiting:
        connection.close()
    wait_until(lambda: not is_refused())
