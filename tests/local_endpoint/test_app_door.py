"""Who may call the embedded endpoint: programs that name it, no page of another site, no borrowed name."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from tests.local_endpoint.conftest import Endpoint, wait_until
from tests.local_endpoint.fake_model_server import serving
from tests.raw_http import RawAnswer, ask_raw, knock
from tlm_dash.local_endpoint.app import Serving, create_app
from tlm_dash.local_endpoint.readiness import Readiness
from tlm_dash.sites import Names, own_names, read_site

CALLS = (
    ("GET", "/api/health"),
    ("GET", "/api/models"),
    ("POST", "/api/chat/completions"),
    ("POST", "/api/chat/score"),
    ("OPTIONS", "/api/chat/score"),
    ("GET", "/other"),
)

# `P` is the endpoint's port, `Q` another one.
FOREIGN_HOSTS = (
    "evil.example", "evil.example:P", "localhost", "127.0.0.1:Q", "0.0.0.0:P", "me@localhost:P",
    "localhost.:P", "a" * 10_000, "",
)  # fmt: skip
FOREIGN_ORIGINS = (
    "null", "http://evil.example", "http://localhost:Q", "http://127.0.0.1", "https://127.0.0.1:P", "",
    "http://localhost:P",
)  # fmt: skip


def port_of(endpoint: Endpoint) -> int:
    port = urlsplit(endpoint.base_url).port
    assert port is not None
    return port


def at(text: str, port: int) -> str:
    return text.replace(":P", f":{port}").replace(":Q", f":{port + 1}")


def was_turned_away(answer: RawAnswer, status: int, kind: str) -> bool:
    error = json.loads(answer.body)["error"]
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/json"
        and set(error) == {"message", "type", "param", "code"}
        and error["code"] == f"{kind}_not_allowed"
        and error["type"] == ("invalid_request_error" if status == 400 else "permission_error")
    )


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_foreign_names_and_pages_are_turned_away_by_an_error_object(
    endpoint: Endpoint, method: str, path: str
) -> None:
    port = port_of(endpoint)
    for host in FOREIGN_HOSTS:
        answer = ask_raw(port, path, at(f"Host: {host}", port), method=method)
        assert was_turned_away(answer, 400, "host"), host
    own = at("Host: 127.0.0.1:P", port)
    for origin in FOREIGN_ORIGINS:
        answer = ask_raw(port, path, own, at(f"Origin: {origin}", port), method=method)
        assert was_turned_away(answer, 403, "origin"), origin
    answer = ask_raw(port, path, own, "Sec-Fetch-Site: same-site", method=method)
    assert was_turned_away(answer, 403, "fetch")
    assert not endpoint.upstream.calls and not endpoint.scorer.asked


def test_programs_name_it_by_any_of_its_own_names(endpoint: Endpoint) -> None:
    port = port_of(endpoint)
    for host in ("127.0.0.1:P", "localhost:P", "LocalHost:P", "[::1]:P"):
        assert ask_raw(port, "/api/models", at(f"Host: {host}", port)).status == 200
        same = at(f"Origin: http://{host}", port)
        assert ask_raw(port, "/api/models", at(f"Host: {host}", port), same).status == 200


def test_nothing_of_a_body_is_read_before_a_refusal(endpoint: Endpoint) -> None:
    port = port_of(endpoint)
    lines = ("Content-Type: application/json", "Content-Length: 8000000", "Origin: null")
    answer = ask_raw(port, "/api/chat/score", at("Host: 127.0.0.1:P", port), *lines, method="POST")
    assert was_turned_away(answer, 403, "origin") and answer.headers["connection"] == "close"


def test_a_websocket_is_turned_away_too(endpoint: Endpoint) -> None:
    port = port_of(endpoint)
    assert knock(port, at("Host: 127.0.0.1:P", port), "Origin: http://evil.example").status == 403
    assert knock(port, "Host: evil.example", "Origin: http://evil.example").status in (400, 403)


def test_one_that_is_bound_elsewhere_answers_to_that_name_and_to_listed_ones() -> None:
    started = Serving(Readiness(announce=lambda _line: None))
    names = Names(own_names("gpu.lan", "box"), (read_site("tlm.example:9000"),))
    with serving(create_app(started, None, names)) as url:
        port = urlsplit(url).port
        assert port is not None
        wait_until(lambda: ask_raw(port, "/api/health", at("Host: localhost:P", port)).status == 503)
        for host in ("gpu.lan:P", "box:P", "tlm.example:9000"):
            assert ask_raw(port, "/api/health", at(f"Host: {host}", port)).status == 503
        for host in ("tlm.example:P", "gpu.lan", "other.lan:P"):
            assert ask_raw(port, "/api/health", at(f"Host: {host}", port)).status == 400
