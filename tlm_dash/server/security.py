"""What stands before the pages: who may come in, and headers that keep untrusted text from loading, framing
or sniffing anything."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tlm_dash.front_door import FrontDoor, Rules
from tlm_dash.server.lifespan import settings_or_exit
from tlm_dash.server.public_paths import closed_paths
from tlm_dash.sites import Names, own_names

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    # A Markdown image in a response must not reach a foreign server: this is where it is stopped.
    "img-src 'self' data: blob:",
    "style-src 'self' 'unsafe-inline'",
    # Streamlit's own front end needs eval, WebAssembly and blob workers.
    # The hash is that of the one inline script of its page.
    "script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob: "
    "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
    "worker-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self' ws: wss:",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
))  # fmt: skip

FAILED = "The dashboard failed; see its log."

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecurityHeaders:
    """Add the headers to every HTTP response, to that of a websocket which is refused and to failures too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                started = True
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if scope["type"] == "http" and not started:
                await PlainTextResponse(FAILED, 500)(scope, receive, send_with_headers)
            raise


def guarded(
    app: ASGIApp, *, bound: str | None = None, prefix: str = "", user_headers: Iterable[str] = ()
) -> ASGIApp:
    """Put the front door and the headers around an application: the outermost middleware of the dashboard.

    `bound` is the address that the server listens at, `prefix` the folder it serves below, `user_headers` the
    headers by which Streamlit is told who somebody is.
    """
    settings = settings_or_exit()
    rules = Rules(
        Names(own_names(bound, socket.gethostname()), settings.allowed_hosts),
        proxies=settings.trusted_proxies,
        identity_headers=frozenset(name.lower().replace("_", "-") for name in user_headers),
        closed=closed_paths(prefix.strip("/")),
    )
    return SecurityHeaders(FrontDoor(app, rules))
