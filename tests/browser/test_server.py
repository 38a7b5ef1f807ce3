"""The server around the pages: headers, hosts, and a clean end."""

from __future__ import annotations

import http.client
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import streamlit

from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp
from tests.fake_endpoint import FakeEndpoint


@pytest.fixture
def server(start_app: StartApp, fake_endpoint: FakeEndpoint) -> AppServer:
    return start_app(fake_endpoint.base_url)


def get(server: AppServer, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def open_websocket(server: AppServer, *, host: str) -> int:
    """Knock at the websocket that carries everything a page shows; gives the status."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", "/_stcore/stream", headers={**upgrade, "Sec-WebSocket-Key": key, "Host": host})
    status = connection.getresponse().status
    connection.close()
    return status


def test_every_page_has_the_security_headers_and_a_clean_end(server: AppServer) -> None:
    for path in ("/", "/settings", "/_stcore/health"):
        answer = get(server, path)
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "img-src 'self' data: blob:" in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert open_websocket(server, host=urlsplit(server.url).netloc) == 101
    assert open_websocket(server, host="evil.example") == 400
    assert get(server, "/", **{"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    # The web server ends by the signal that it was sent, after everything was closed.
    assert server.stop() in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log.read_text()


def test_a_browser_that_has_stopped_reading_does_not_keep_the_server_from_ending(server: AppServer) -> None:
    scripts = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob("*.js")
    largest = max(scripts, key=lambda path: path.stat().st_size)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(
            f"GET /static/js/{largest.name} HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode()
        )
        assert client.recv(12) == b"HTTP/1.1 200"
        assert server.stop() in (0, -signal.SIGTERM)
