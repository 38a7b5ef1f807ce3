"""The front door of a web server: one ASGI middleware, outermost, that turns away what is not for it.

A browser carries requests of any page to any address, so an address alone proves nothing. What does: `Host`
(a foreign name that was made to lead here is refused), `Origin` (a page of another site or of another port is
refused, at a websocket too), and `Sec-Fetch-Site` where a browser sends no Origin. What is refused is refused
before the application sees it and before anything of a body is read.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, TypeVar

from tlm_dash.sites import (
    ALLOWED_HOSTS,
    DEFAULT_PORTS,
    Authority,
    Names,
    is_loopback,
    read_authority,
    read_origin,
    unmapped,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]
Network = IPv4Network | IPv6Network

# What says who a request came from on the word of whoever sent it.
IDENTITY_HEADERS = frozenset({
    "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip",
    "fastly-client-ip", "remote-user", "x-remote-user", "x-user", "x-email",
})  # fmt: skip
IDENTITY_PREFIXES = ("x-forwarded-", "x-original-", "x-auth-", "x-amzn-oidc-", "x-ms-client-", "x-goog-")

LOG_EVERY_S = 60.0
"""Refusals are told at most this often: who knocks all day must not fill the log."""

MAX_QUOTED_CHARACTERS = 100

_Read = TypeVar("_Read")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away: the HTTP status, a plain sentence, and one word for the log."""

    status: int
    sentence: str
    kind: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a server lets in.

    `names` are its own. `proxies` are the addresses whose word on identity counts; from everybody else the
    usual headers of identity are dropped, and `identity_headers` (lower case) with them. `closed` tells
    whether the path of a request that passed is closed to it.
    """

    names: Names
    proxies: tuple[Network, ...] = ()
    identity_headers: frozenset[str] = frozenset()
    closed: Callable[[Scope], Refusal | None] = lambda _scope: None

    def admit(self, scope: Scope) -> Scope | Refusal:
        """Give a request (http or websocket) as the application may see it, or why it is turned away."""
        scope = self._as_believed(scope)
        if not scope["path"].startswith("/") or not scope.get("raw_path", b"/").startswith(b"/"):
            return Refusal(400, "The request must name a path of this server.", "target")
        host = _only(scope, b"host", read_authority)
        if host is None:
            return Refusal(400, "The request must have one Host header that names this server.", "host")
        scheme, server = _scheme(scope), scope.get("server") or ("", None)
        schemes = self.names.schemes_of(host, scheme, server)
        if not schemes:
            return Refusal(400, _unknown_name(host, scheme, server), "host")
        if _values(scope, b"origin"):
            origin = _only(scope, b"origin", read_origin)
            if origin is None or not (
                self.names.lists(*origin) or (origin[0] in schemes and _same(origin, host))
            ):
                return Refusal(403, _foreign_origin(origin), "origin")
            host = _shortest(origin)
            scope = _with_header(scope, b"origin", f"{origin[0]}://{host}")
        elif not _may_come_without_origin(scope):
            return Refusal(403, "Requests from pages of other sites are refused.", "fetch")
        scope = _with_header(scope, b"host", str(host))
        return self.closed(scope) or scope

    def _as_believed(self, scope: Scope) -> Scope:
        """Give a request with what is believed of its sender: a listed proxy's word, or the socket's."""
        client = scope.get("client")
        if not (client and _within(client[0], self.proxies)):
            return {**scope, "headers": [h for h in scope["headers"] if not self._tells_identity(h[0])]}
        believed = dict(scope)
        came_by = b",".join(_values(scope, b"x-forwarded-for")).decode("latin-1").split(",")
        for address in reversed([part.strip() for part in came_by if part.strip()]):
            believed["client"] = (address, 0)
            if not _within(address, self.proxies):
                break
        protocol = b",".join(_values(scope, b"x-forwarded-proto")).decode("latin-1").strip().lower()
        if protocol in DEFAULT_PORTS:
            websocket = scope["type"] == "websocket"
            believed["scheme"] = {"http": "ws", "https": "wss"}[protocol] if websocket else protocol
        return believed

    def _tells_identity(self, header: bytes) -> bool:
        # Some programs read `_` in a header's name as `-`.
        name = header.decode("latin-1").lower().replace("_", "-")
        return name in IDENTITY_HEADERS or name in self.identity_headers or name.startswith(IDENTITY_PREFIXES)


def _scheme(scope: Scope) -> str:
    return "https" if scope.get("scheme") in ("https", "wss") else "http"


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key.lower() == name]


def _only(scope: Scope, name: bytes, read: Callable[[str], _Read | None]) -> _Read | None:
    values = _values(scope, name)
    return read(values[0].decode("latin-1").strip()) if len(values) == 1 else None


def _port(authority: Authority, scheme: str) -> int:
    return authority.port or DEFAULT_PORTS[scheme]


def _shortest(origin: tuple[str, Authority]) -> Authority:
    scheme, at = origin
    return Authority(at.host, None if at.port == DEFAULT_PORTS[scheme] else at.port)


def _same(origin: tuple[str, Authority], host: Authority) -> bool:
    scheme, at = origin
    return at.host == host.host and _port(at, scheme) == _port(host, scheme)


def _may_come_without_origin(scope: Scope) -> bool:
    """A browser that sends no Origin tells where a request comes from; links elsewhere may lead to a page."""
    sites = {value.strip().lower() for value in _values(scope, b"sec-fetch-site")}
    if sites <= {b"same-origin", b"none"}:
        return True
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and _values(scope, b"sec-fetch-mode") == [b"navigate"]
        and _values(scope, b"sec-fetch-dest") == [b"document"]
    )


def _with_header(scope: Scope, name: bytes, value: str) -> Scope:
    """Give the request with a header in its one form, so that nobody further in reads it differently."""
    others = [(key, kept) for key, kept in scope["headers"] if key.lower() != name]
    return {**scope, "headers": [(name, value.encode("latin-1")), *others]}


def _within(address: str, networks: Iterable[Network]) -> bool:
    try:
        parsed = unmapped(ip_address(address))
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _unknown_name(host: Authority, scheme: str, server: tuple[str, int | None]) -> str:
    own = "localhost" if is_loopback(server[0]) else server[0]
    instead = f"Use {scheme}://{Authority(own, server[1])}, or list" if own else "List"
    do = f"{instead} that name in {ALLOWED_HOSTS} and start it again."
    return f"This server does not answer to {host}. {do}"


def _foreign_origin(origin: tuple[str, Authority] | None) -> str:
    refused = "Requests from pages of other sites are refused."
    if origin is None:
        return refused
    shown = f"{origin[0]}://{origin[1]}"
    do = f"list {shown} in {ALLOWED_HOSTS} and start it again."
    return f"{refused} If {shown} is this site behind a proxy, {do}"


def plain_answer(refusal: Refusal) -> tuple[str, bytes]:
    """Write a refusal as text: the content type and the body."""
    return "text/plain; charset=utf-8", f"{refusal.sentence}\n".encode()


class RefusalLog:
    """Tells of refusals in the log, many in one line."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told_at: float | None = None
        self._untold: Counter[str] = Counter()

    def count(self, refusal: Refusal, scope: Scope) -> None:
        """Count one, and tell of all since the last line where that is long enough ago."""
        self._untold[refusal.kind] += 1
        now = self._now()
        if self._told_at is not None and now - self._told_at < LOG_EVERY_S:
            return
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self._untold.items()))
        last = ", ".join(f"{name} {_quoted(scope, name)}" for name in ("Host", "Origin"))
        logger.warning("Turned away %s (%s); the last: %s", f"{self._untold.total():,}", kinds, last)
        self._told_at = now
        self._untold.clear()


def _quoted(scope: Scope, name: str) -> str:
    values = _values(scope, name.lower().encode())
    return ascii(b", ".join(values).decode("latin-1")[:MAX_QUOTED_CHARACTERS]) if values else "none"


class FrontDoor:
    """The middleware: what the rules refuse is answered here, everything else goes on in one form."""

    def __init__(
        self,
        app: ASGIApp,
        rules: Rules,
        answer: Callable[[Refusal], tuple[str, bytes]] = plain_answer,
    ) -> None:
        self._app = app
        self._rules = rules
        self._answer = answer
        self._log = RefusalLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        admitted = self._rules.admit(scope)
        if isinstance(admitted, Refusal):
            self._log.count(admitted, scope)
            await self._refuse(admitted, scope, send)
        else:
            await self._app(admitted, receive, send)

    async def _refuse(self, refusal: Refusal, scope: Scope, send: Send) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            kind = "websocket.http.response"
            if kind not in (scope.get("extensions") or {}):
                await send({"type": "websocket.close", "code": 1008})
                return
        content_type, body = self._answer(refusal)
        headers: dict[str, Any] = {
            "content-type": content_type,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            # What is left of a body is not read.
            "connection": "close",
        }
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": f"{kind}.start", "status": refusal.status, "headers": pairs})
        await send({"type": f"{kind}.body", "body": body})
