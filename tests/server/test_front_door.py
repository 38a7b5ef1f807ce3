"""Nobody else at the wheel: Host and Origin over a real server, by HTTP and by websocket."""

from __future__ import annotations

import pytest

from tests.raw_http import RawAnswer, ask_raw, knock, send_raw
from tests.server.conftest import Guarded

PATHS = (
    "/",
    "/runs?run=1",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/upload_file/session/file",
    "/downloads/token/name.csv",
    "/media/some.png",
    "/component/some/index.html",
    "/manifest.json",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")

# `P` is the server's port, `Q` another one.
OWN_HOSTS = ("localhost:P", "127.0.0.1:P", "LOCALHOST:P", "[::1]:P", "[0:0:0:0:0:0:0:1]:P")
FOREIGN_HOSTS = (
    "evil.example", "evil.example:P", "localhost.evil.example:P", "127.0.0.1.evil.example:P",
    "localhost", "127.0.0.1", "localhost:Q", "127.0.0.1:Q", "0.0.0.0:P", "localhost.:P", "127.0.0.2:P",
    "user@localhost:P", "localhost:P@evil.example", "localhost:P:P", "localhost:", ":P", "127.1:P",
    "2130706433:P", "0x7f.0.0.1:P", "[::1%25lo]:P", "::1:P", "localhost:P,evil.example", "localhost:P/",
    "xn--lcalhost-67a:P", "http://localhost:P", "*", "a" * 10_000,
)  # fmt: skip
FOREIGN_ORIGINS = (
    "null", "http://evil.example", "http://evil.example:P", "https://localhost:P", "http://localhost:Q",
    "http://localhost", "http://127.0.0.1:P", "http://[::1]:P", "http://localhost.:P", "http://localhost:P/",
    "http://user@localhost:P", "http://localhost:P@evil.example", "http://localhost:P, http://evil.example",
    "http://localhost:P http://evil.example", "localhost:P", "//localhost:P", "ws://localhost:P",
    "file://", "chrome-extension://abcdefgh", "http://l\u00f6calhost:P", "http://xn--lcalhost-67a:P",
    "http://0.0.0.0:P", "http://sub.localhost:P", "", "x" * 9_000,
)  # fmt: skip

HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


def at(text: str, guarded: Guarded) -> str:
    return text.replace(":P", f":{guarded.port}").replace(":Q", f":{guarded.port + 1}")


def was_turned_away(answer: RawAnswer, status: int) -> bool:
    """Tell a refusal of the front door, which is one sentence with all headers, from other answers."""
    sentence = answer.body == "" or answer.body.startswith(("This server", "The request", "Requests from"))
    return (
        answer.status == status
        and sentence
        and answer.headers.get("connection") == "close"
        and answer.headers.get("cache-control") == "no-store"
        and all(name in answer.headers for name in HEADERS)
        and answer.headers.get("content-type") == "text/plain; charset=utf-8"
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_own_names_are_answered_and_others_turned_away(guarded: Guarded, path: str, method: str) -> None:
    for host in OWN_HOSTS:
        same = f"http://{host}"
        for headers in ([], [f"Origin: {same}"], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"]):
            lines = [at(line, guarded) for line in (f"Host: {host}", *headers)]
            answer = ask_raw(guarded.port, path, *lines, method=method)
            assert answer.status in (200, 204, 403, 404, 405), (host, headers)
            assert not was_turned_away(answer, answer.status), (host, headers)
    for host in FOREIGN_HOSTS:
        for headers in ([], [f"Origin: http://{host}"]):
            lines = [at(line, guarded) for line in (f"Host: {host}", *headers)]
            assert was_turned_away(ask_raw(guarded.port, path, *lines, method=method), 400), (host, headers)
    for origin in FOREIGN_ORIGINS:
        lines = [at(line, guarded) for line in ("Host: localhost:P", f"Origin: {origin}")]
        assert was_turned_away(ask_raw(guarded.port, path, *lines, method=method), 403), origin
    for site in ("cross-site", "same-site", "Cross-Site", "other"):
        lines = [at("Host: localhost:P", guarded), f"Sec-Fetch-Site: {site}"]
        assert was_turned_away(ask_raw(guarded.port, path, *lines, method=method), 403), site
    assert guarded.outside.calls == 0


def test_a_websocket_is_opened_for_pages_of_this_site_alone(guarded: Guarded) -> None:
    for host in OWN_HOSTS:
        for headers in ([], [f"Origin: http://{host}"], [f"Origin: HTTP://{host.upper()}"]):
            lines = [at(line, guarded) for line in (f"Host: {host}", *headers)]
            assert knock(guarded.port, *lines).status == 101, lines
    for host in FOREIGN_HOSTS:
        for headers in ([], [f"Origin: http://{host}"], ["Origin: http://localhost:P"]):
            lines = [at(line, guarded) for line in (f"Host: {host}", *headers)]
            if len(host) < 8_000:
                assert was_turned_away(knock(guarded.port, *lines), 400), lines
    for origin in FOREIGN_ORIGINS:
        lines = [at(line, guarded) for line in ("Host: localhost:P", f"Origin: {origin}")]
        if len(origin) < 8_000:
            assert was_turned_away(knock(guarded.port, *lines), 403), origin
    own = at("Host: localhost:P", guarded)
    assert was_turned_away(knock(guarded.port, own, "Sec-Fetch-Site: same-site"), 403)
    assert was_turned_away(
        knock(guarded.port, own, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"), 403
    )
    assert knock(guarded.port, own, path="/").status == 404
    assert knock(guarded.port, own, path="/_stcore/other").status == 404
    assert guarded.outside.calls == 0
    assert "Traceback" not in guarded.server.log.read_text()


def test_a_link_elsewhere_may_lead_to_a_page_and_to_nothing_else(guarded: Guarded) -> None:
    own = at("Host: localhost:P", guarded)
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert ask_raw(guarded.port, "/runs", own, *link).status == 200
    assert was_turned_away(ask_raw(guarded.port, "/runs", own, *link, method="POST"), 403)
    assert was_turned_away(ask_raw(guarded.port, "/runs", own, "Origin: null", *link), 403)
    for destination in ("iframe", "frame", "embed", "object", "image", "script", "empty", "worker"):
        framed = (*link[:2], f"Sec-Fetch-Dest: {destination}")
        assert was_turned_away(ask_raw(guarded.port, "/runs", own, *framed), 403), destination
    for mode in ("no-cors", "cors", "same-origin", "websocket"):
        other = (link[0], f"Sec-Fetch-Mode: {mode}", link[2])
        assert was_turned_away(ask_raw(guarded.port, "/runs", own, *other), 403), mode
    twice = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site")
    assert was_turned_away(ask_raw(guarded.port, "/runs", own, *twice), 403)


def test_requests_that_no_browser_writes_are_refused(guarded: Guarded) -> None:
    port, own = guarded.port, at("Host: localhost:P", guarded)
    # No Host, an empty one, several, also where the version of HTTP does not ask for one.
    assert ask_raw(port, "/_stcore/health").status == 400
    assert was_turned_away(ask_raw(port, "/_stcore/health", version="1.0"), 400)
    assert was_turned_away(ask_raw(port, "/_stcore/health", "Host:"), 400)
    assert was_turned_away(ask_raw(port, "/_stcore/health", "Host:   "), 400)
    for version in ("1.0", "1.1"):
        assert ask_raw(port, "/_stcore/health", own, own, version=version).status == 400
        assert ask_raw(port, "/_stcore/health", own, "Host: evil.example", version=version).status == 400
    assert ask_raw(port, "/_stcore/health", own, version="1.0").status == 200
    # Several origins, of which one is right.
    right = at("Origin: http://localhost:P", guarded)
    assert was_turned_away(ask_raw(port, "/", own, right, "Origin: http://evil.example"), 403)
    assert was_turned_away(ask_raw(port, "/", own, right, right), 403)
    # Targets that are not a path of this server.
    for target in ("http://evil.example/", at("http://localhost:P/", guarded), "*", "evil.example:443", "x"):
        assert was_turned_away(ask_raw(port, target, own, method="OPTIONS"), 400), target
    assert was_turned_away(ask_raw(port, "evil.example:443", own, method="CONNECT"), 400)
    assert ask_raw(port, "//evil.example/x", own).status == 400
    # Bytes that are not letters.
    assert send_raw(port, b"GET / HTTP/1.1\r\nHost: local\xff:80\r\n\r\n").status == 400
    assert send_raw(port, b"GET / HTTP/1.1\r\nHost: localhost\x00\r\n\r\n").status == 400
    assert guarded.outside.calls == 0


def test_the_refusal_of_a_name_says_what_to_do(guarded: Guarded) -> None:
    answer = ask_raw(guarded.port, "/", "Host: dash.lan:8080")
    assert answer.body == (
        f"This server does not answer to dash.lan:8080. Use http://localhost:{guarded.port}, "
        "or list that name in TLM_DASH_ALLOWED_HOSTS and start it again.\n"
    )
    behind = ask_raw(guarded.port, "/", at("Host: localhost:P", guarded), "Origin: https://dash.example")
    assert "If https://dash.example is this site behind a proxy, list https://dash.example in" in behind.body
    # What is quoted is a host name and nothing else.
    assert "<" not in ask_raw(guarded.port, "/", "Host: <script>").body


def test_nothing_of_a_body_is_read_before_a_refusal(guarded: Guarded) -> None:
    lines = [at("Host: localhost:P", guarded), "Origin: http://evil.example", "Content-Length: 1000000000"]
    answer = ask_raw(guarded.port, "/_stcore/upload_file/session/file", *lines, method="PUT")
    assert answer.status == 403 and answer.headers.get("connection") == "close"
