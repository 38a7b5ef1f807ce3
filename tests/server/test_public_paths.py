"""Every path has a row that says who may ask, and nobody's own word makes him somebody else."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.browser.app_server import ROOT, AppServer
from tests.conftest import wait_until
from tests.fake_endpoint import FakeEndpoint
from tests.raw_http import ask_raw, knock
from tests.server.conftest import Guarded
from tlm_dash.front_door import FrontDoor, RefusalLog, Rules
from tlm_dash.server.public_paths import PUBLIC_PATHS, WEBSOCKETS, closed_paths
from tlm_dash.server.security import SECURITY_HEADERS, SecurityHeaders
from tlm_dash.sites import Names, read_site

TELL_ROUTES = """
import json, sys
from streamlit import config
for name, value in json.loads(sys.argv[1]).items():
    config.set_option(name, value)
import app
routes = app.app._build_starlette_app().routes
print(json.dumps([[type(r).__name__, getattr(r, "path", "")] for r in routes]))
"""


SEND_A_NAME = """
import asyncio, json, sys
from streamlit import config
for name, value in json.loads(sys.argv[1]).items():
    config.set_option(name, value)
import app
outermost = app.app._build_starlette_app().user_middleware[0]
async def tell(scope, receive, send):
    print(json.dumps([name.decode() for name, _ in scope["headers"]]))
headers = [(b"host", b"localhost:1"), (b"x-somebody", b"ada")]
scope = {"type": "http", "method": "GET", "path": "/", "client": ("127.0.0.1", 2), "server": ("127.0.0.1", 1)}
door = outermost.cls(tell, *outermost.args, **outermost.kwargs)
asyncio.run(door({**scope, "scheme": "http", "headers": headers}, None, None))
"""


def told_by(script: str, tmp_path: Path, options: dict[str, Any]) -> Any:  # noqa: ANN401
    """Run a script that imports the app, with options of Streamlit; gives the JSON of its last line."""
    environment = {**os.environ, "TLM_DASH_DATA_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", script, json.dumps(options)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def routes_of(tmp_path: Path, options: dict[str, Any]) -> list[list[str]]:
    """Give kind and path of every route that the app really has, with options of Streamlit."""
    found: list[list[str]] = told_by(TELL_ROUTES, tmp_path, options)
    return found


def test_every_route_has_a_row(tmp_path: Path) -> None:
    everything = {
        "server.enableStaticServing": True,
        "server.scriptHealthCheckEnabled": True,
        "server.enableAgentApi": True,
    }
    routes = routes_of(tmp_path, everything)
    assert ["Route", "/app/static/{path:path}"] in routes and len(routes) > 20
    # The last one serves the page's files, and its pages at every other path.
    assert routes.pop() == ["Mount", ""]
    tables = {"Route": PUBLIC_PATHS, "WebSocketRoute": WEBSOCKETS}
    assert not [path for kind, path in routes if path not in tables[kind]]
    below = routes_of(tmp_path, {**everything, "server.baseUrlPath": "tlm"})
    moved = [[kind, path.removeprefix("/tlm")] for kind, path in below]
    assert moved[:-1] == routes, "a folder moves Streamlit's routes and nothing else"


def scope_of(path: str, client: str = "127.0.0.1", kind: str = "http", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    headers = [(b"host", b"localhost:8501")]
    return {
        "type": kind, "path": path, "method": "GET", "client": (client, 1), "server": ("127.0.0.1", 8501),
        "scheme": "http" if kind == "http" else "ws", "headers": headers, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "here", "elsewhere"),
    [
        ("/", None, None),
        ("/runs", None, None),
        ("/static/js/index.js", None, None),
        ("/_stcore/health", None, None),
        ("/_stcore/metrics", None, 403),
        ("/_stcore/agent/interact", None, 403),
        ("/_stcore/agent/openapi.json", None, 403),
        ("/_stcore/agent/mcp", None, 403),
        ("/_stcore/script-health-check", None, 403),
        ("/_stcore/metrics/", 404, 404),
        ("/_stcore//metrics", 404, 404),
        ("/_stcore/whatever-comes-next", 404, 404),
        ("/auth/login", 404, 404),
        ("/oauth2callback", 404, 404),
    ],
)
@pytest.mark.parametrize("prefix", ["", "tlm"])
def test_who_may_ask_for_what(prefix: str, path: str, here: int | None, elsewhere: int | None) -> None:
    closed = closed_paths(prefix)
    full = f"/{prefix}{path}" if prefix else path
    for client, expected in (
        ("127.0.0.1", here), ("::1", here), ("::ffff:127.0.0.1", here),
        ("192.168.1.7", elsewhere), ("::ffff:10.0.0.1", elsewhere), ("2001:db8::1", elsewhere),
    ):  # fmt: skip
        refusal = closed(scope_of(full, client))
        assert (refusal and refusal.status) == expected, client
    assert closed(scope_of(full, client="")) is None or elsewhere is not None


def test_a_websocket_has_one_path() -> None:
    assert closed_paths("")(scope_of("/_stcore/stream", kind="websocket")) is None
    assert closed_paths("tlm")(scope_of("/tlm/_stcore/stream", kind="websocket")) is None
    for path in ("/", "/_stcore/health", "/_stcore/stream/", "/stream"):
        refusal = closed_paths("")(scope_of(path, kind="websocket"))
        assert refusal is not None and refusal.status == 404


FORGED = (
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-User", "x_forwarded_email", "Forwarded", "X-Real-IP",
    "Remote-User", "X-Auth-Request-Email", "X-Goog-Authenticated-User-Email", "CF-Connecting-IP", "X-My-User",
)  # fmt: skip


def seen_by_the_app(rules: Rules, scope: dict[str, Any]) -> dict[str, Any]:
    """Send a request through the door; gives what the application gets."""
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:  # noqa: ANN401
        seen.append(scope)

    async def nothing(*_: Any) -> Any:  # noqa: ANN401
        return {}

    asyncio.run(FrontDoor(app, rules)(scope, nothing, nothing))
    (only,) = seen
    return dict(only)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_who_somebody_is_nobody_says_himself(kind: str) -> None:
    forged = [(name.lower().encode(), b"10.9.8.7") for name in FORGED]
    own = [(b"host", b"localhost:8501"), (b"cookie", b"a=b"), (b"x-mine", b"1")]
    rules = Rules(
        Names(),
        proxies=(ip_network("10.0.0.0/24"), ip_network("::1")),
        identity_headers=frozenset({"x-my-user"}),
    )
    stranger = seen_by_the_app(rules, scope_of("/", "10.0.1.1", kind, headers=[*own, *forged]))
    assert stranger["headers"] == own and stranger["client"][0] == "10.0.1.1"
    assert stranger["scheme"] in ("http", "ws")

    told = [
        (b"x-forwarded-for", b"6.6.6.6, 7.7.7.7"),
        (b"x-forwarded-for", b"10.0.0.9"),
        (b"x-my-user", b"ada"),
    ]
    listed = seen_by_the_app(
        rules, scope_of("/", "10.0.0.1", kind, headers=[*own, *told, (b"x-forwarded-proto", b"HTTPS")])
    )
    # The last one in the list that is no listed proxy itself: what stands before it anybody may have written.
    assert listed["client"][0] == "7.7.7.7" and (b"x-my-user", b"ada") in listed["headers"]
    assert listed["scheme"] in ("https", "wss")
    for peer in ("::1", "10.0.0.1"):
        odd = [(b"x-forwarded-for", b" , "), (b"x-forwarded-proto", b"gopher")]
        silent = seen_by_the_app(rules, scope_of("/", peer, kind, headers=[*own, *odd]))
        assert silent["client"][0] == peer and silent["scheme"] in ("http", "ws")


def test_the_headers_that_tell_streamlit_who_somebody_is_are_dropped(tmp_path: Path) -> None:
    assert told_by(SEND_A_NAME, tmp_path, {}) == ["host", "x-somebody"]
    trusted = {"server.trustedUserHeaders": {"X-Somebody": "email"}}
    assert told_by(SEND_A_NAME, tmp_path, trusted) == ["host"]


def test_what_goes_on_has_one_form() -> None:
    headers = [(b"host", b"LOCALHOST:8501"), (b"origin", b"HTTP://LocalHost:8501")]
    seen = seen_by_the_app(Rules(Names()), scope_of("/", headers=headers))
    # Streamlit compares the two letter by letter, and asks outside where they differ.
    assert sorted(seen["headers"]) == [(b"host", b"localhost:8501"), (b"origin", b"http://localhost:8501")]
    usual = [(b"host", b"localhost:80"), (b"origin", b"http://localhost")]
    seen = seen_by_the_app(Rules(Names()), scope_of("/", headers=usual, server=("127.0.0.1", 80)))
    assert sorted(seen["headers"]) == [(b"host", b"localhost"), (b"origin", b"http://localhost")]


def test_an_origin_that_is_listed_goes_on_with_the_host_that_belongs_to_it() -> None:
    rules = Rules(Names(listed=(read_site("https://dash.example"),)))
    headers = [(b"host", b"localhost:8501"), (b"origin", b"https://dash.example:443")]
    seen = seen_by_the_app(rules, scope_of("/", headers=headers))
    assert sorted(seen["headers"]) == [(b"host", b"dash.example"), (b"origin", b"https://dash.example")]


def test_a_failure_has_the_headers_too() -> None:
    sent: list[dict[str, Any]] = []

    async def app(*_: Any) -> None:  # noqa: ANN401
        raise KeyError("private detail")

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    with pytest.raises(KeyError):
        asyncio.run(SecurityHeaders(app)(scope_of("/"), None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 500 and sent[1]["body"] == b"The dashboard failed; see its log."
    names = {name.decode() for name, _ in sent[0]["headers"]}
    assert {name.lower() for name in SECURITY_HEADERS} <= names


def test_the_log_tells_of_many_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = RefusalLog(lambda: now[0])
    refusal = Rules(Names()).admit(scope_of("/", headers=[(b"host", b"a\x1b[2Jb" + b"c" * 500)]))
    assert not isinstance(refusal, dict)
    for second in range(1, 200):
        log.count(refusal, scope_of("/", headers=[(b"host", b"a\x1b[2Jb" + b"c" * 500)]))  # type: ignore[arg-type]
        now[0] = float(second)
    told = [record.getMessage().partition(";")[0] for record in caplog.records]
    assert told == ["Turned away 1 (host 1)", *["Turned away 60 (host 60)"] * 3]
    assert all(r"'a\x1b[2Jb" in record.getMessage() for record in caplog.records)
    assert all(len(record.getMessage()) < 250 for record in caplog.records)


def test_a_program_here_does_not_choose_its_address(guarded: Guarded) -> None:
    own = f"Host: localhost:{guarded.port}"
    # Believed, it would come from elsewhere, and could as well come from here.
    assert ask_raw(guarded.port, "/_stcore/metrics", own, "X-Forwarded-For: 9.9.9.9").status == 200
    told = ("X-Forwarded-Proto: https", f"Origin: https://localhost:{guarded.port}")
    assert ask_raw(guarded.port, "/", own, *told).status == 403
    assert knock(guarded.port, own, *told).status == 403


@contextmanager
def dashboard(
    folder: Path, is_up: Callable[[AppServer], bool] | None = None, **env: str
) -> Iterator[AppServer]:
    with FakeEndpoint() as endpoint:
        server = AppServer(folder, {"BASE_URL": endpoint.base_url, **env})
        try:
            if is_up is None:
                server.wait_until_up()
            else:
                wait_until(lambda: is_up(server))
            yield server
        finally:
            server.stop()


def test_open_to_others_and_behind_a_proxy_it_answers_to_listed_names(tmp_path: Path) -> None:
    env = {
        "STREAMLIT_SERVER_ADDRESS": "::" if socket.has_dualstack_ipv6() else "0.0.0.0",
        "TLM_DASH_ALLOWED_HOSTS": "https://dash.example, lan.example, d\u00e1sh.example:9000",
        "TLM_DASH_TRUSTED_PROXIES": "127.0.0.1",
    }
    with dashboard(tmp_path, **env) as server:
        port = server.port
        for host, origin in (
            (f"localhost:{port}", f"http://localhost:{port}"),
            (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"),
            (f"{socket.gethostname()}:{port}", f"http://{socket.gethostname()}:{port}"),
            ("dash.example", "https://dash.example"),
            ("dash.example:443", "https://dash.example"),
            ("lan.example", "http://lan.example"),
            (f"lan.example:{port}", f"http://lan.example:{port}"),
            ("xn--dsh-ela.example:9000", "http://xn--dsh-ela.example:9000"),
            # A proxy that puts a name of its own into Host.
            (f"localhost:{port}", "https://dash.example"),
            (f"localhost:{port}", "https://dash.example:443"),
        ):
            assert ask_raw(port, "/", f"Host: {host}").status == 200, host
            assert ask_raw(port, "/", f"Host: {host}", f"Origin: {origin}").status == 200, host
            assert knock(port, f"Host: {host}", f"Origin: {origin}").status == 101, host
        for host in (f"127.0.0.9:{port}", f"evil.example:{port}", f"dash.example:{port}"):
            assert ask_raw(port, "/", f"Host: {host}").status == 400, host
            assert knock(port, f"Host: {host}", f"Origin: http://{host}").status == 400, host
        for host, origin in (
            ("dash.example", "http://dash.example"),
            ("dash.example", f"https://dash.example:{port}"),
            ("lan.example", "https://lan.example"),
            (f"localhost:{port}", "http://dash.example"),
            (f"localhost:{port}", "https://dash.example:8443"),
            (f"localhost:{port}", "http://lan.example"),
        ):
            assert ask_raw(port, "/", f"Host: {host}", f"Origin: {origin}").status == 403, origin
            assert knock(port, f"Host: {host}", f"Origin: {origin}").status == 403, origin
        own = f"Host: localhost:{port}"
        # A proxy that is listed is believed: for whom it asks, and by which scheme.
        assert ask_raw(port, "/_stcore/metrics", own).status == 200
        assert ask_raw(port, "/_stcore/metrics", own, "X-Forwarded-For: 9.9.9.9").status == 403
        https = ("Host: lan.example", "Origin: https://lan.example", "X-Forwarded-Proto: https")
        assert ask_raw(port, "/", *https).status == 200
        assert knock(port, *https).status == 101
        if socket.has_dualstack_ipv6():
            assert ask_raw(port, "/", f"Host: [::1]:{port}", address="::1").status == 200
            assert ask_raw(port, "/_stcore/metrics", f"Host: [::1]:{port}", address="::1").status == 200
        assert "Traceback" not in server.log.read_text()


def test_below_a_folder_the_same_holds(tmp_path: Path) -> None:
    def is_up(server: AppServer) -> bool:
        with suppress(OSError, AssertionError):
            own = f"Host: localhost:{server.port}"
            return ask_raw(server.port, "/tlm/_stcore/health", own).status == 200
        return False

    with dashboard(tmp_path, is_up, STREAMLIT_SERVER_BASE_URL_PATH="/tlm/") as server:
        port, own = server.port, f"Host: localhost:{server.port}"
        assert ask_raw(port, "/tlm/", own).status == 200
        assert ask_raw(port, "/tlm/_stcore/other", own).status == 404
        assert ask_raw(port, "/tlm/_stcore/metrics", own).status == 200
        assert ask_raw(port, "/tlm/_stcore/metrics", f"Host: evil.example:{port}").status == 400
        assert knock(port, own, f"Origin: http://localhost:{port}", path="/tlm/_stcore/stream").status == 101
        assert knock(port, own, "Origin: http://evil.example", path="/tlm/_stcore/stream").status == 403
