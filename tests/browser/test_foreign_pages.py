"""What a page of somebody else can do to a running dashboard, in a real browser: nothing, but link to it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit
from playwright.sync_api import Page, expect

from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp, settled
from tests.fake_endpoint import FakeEndpoint

# Tries the ways in which a page may reach another address, and tells which of them came through.
TRY_EVERYTHING = """
async ([port, name, script]) => {
    const at = `${name}:${port}`;
    const websocket = new Promise(resolve => {
        const socket = new WebSocket(`ws://${at}/_stcore/stream`, ["streamlit"]);
        socket.onopen = () => resolve("opened");
        socket.onerror = () => resolve("refused");
    });
    const loaded = (tag, source) => new Promise(resolve => {
        const element = document.createElement(tag);
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        element.src = source;
        document.head.append(element);
    });
    const read = fetch(`http://${at}/_stcore/host-config`).then(() => "read", () => "refused");
    return {
        websocket: await websocket,
        script: await loaded("script", `http://${at}/static/js/${script}`),
        image: await loaded("img", `http://${at}/favicon.png`),
        read: await read,
    };
}
"""


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """A page of another program on this machine; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Somebody else</title><body>")

        def log_message(self, *_: Any) -> None:  # noqa: ANN401
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def server(start_app: StartApp, fake_endpoint: FakeEndpoint) -> AppServer:
    return start_app(fake_endpoint.base_url)


def test_a_page_of_another_port_or_name_reaches_nothing(
    server: AppServer, page: Page, foreign_page: str
) -> None:
    port = foreign_page.partition(":")[2]
    script = min((Path(streamlit.__file__).parent / "static" / "static" / "js").glob("*.js")).name
    for own in ("localhost", "127.0.0.1", "rebound.example"):
        for name in ("localhost", "127.0.0.1", "rebound.example"):
            page.goto(f"http://{own}:{port}/")
            came_through = page.evaluate(TRY_EVERYTHING, [server.port, name, script])
            assert set(came_through.values()) == {"refused"}, (own, name, came_through)


def test_a_name_that_was_made_to_lead_here_shows_no_page(server: AppServer, page: Page) -> None:
    answer = page.goto(f"http://rebound.example:{server.port}/")
    assert answer is not None and answer.status == 400
    expect(page.locator("body")).to_contain_text("This server does not answer to rebound.example")


def test_a_link_from_elsewhere_leads_to_a_page_that_works(
    server: AppServer, page: Page, foreign_page: str
) -> None:
    for name in ("localhost", "127.0.0.1"):
        page.goto(f"http://{foreign_page}/")
        page.evaluate(
            "address => { const link = document.createElement('a'); link.href = address; "
            "link.textContent = 'there'; document.body.append(link) }",
            f"http://{name}:{server.port}/settings",
        )
        page.get_by_role("link", name="there").click()
        expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        settled(page)
