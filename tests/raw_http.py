"""Requests byte by byte, as no client library would send them, and what comes back."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from email.parser import BytesParser

LIMIT_S = 30.0

WEBSOCKET_HEADERS = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@dataclass(frozen=True)
class RawAnswer:
    """A status, the headers (names in lower case) and the body as text."""

    status: int
    headers: dict[str, str]
    body: str


def send_raw(port: int, request: bytes, *, address: str = "127.0.0.1") -> RawAnswer:
    """Send bytes and read the answer: its head, and as much of a body as that announces."""
    with socket.create_connection((address, port), timeout=LIMIT_S) as connection:
        connection.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            part = connection.recv(65536)
            assert part, f"no answer, only {got!r}"
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        status_line, _, lines = head.partition(b"\r\n")
        status = int(status_line.split()[1])
        headers = {
            name.lower(): value for name, value in BytesParser().parsebytes(lines + b"\r\n\r\n").items()
        }
        announced = 0 if request.startswith(b"HEAD ") else int(headers.get("content-length", "0"))
        while len(body) < announced and (part := connection.recv(65536)):
            body += part
        return RawAnswer(status, headers, body.decode("utf-8", "replace"))


def ask_raw(
    port: int,
    path: str = "/_stcore/health",
    *headers: str,
    method: str = "GET",
    version: str = "1.1",
    address: str = "127.0.0.1",
) -> RawAnswer:
    """Send one request with exactly these header lines."""
    lines = [f"{method} {path} HTTP/{version}", *headers, "", ""]
    return send_raw(port, "\r\n".join(lines).encode("utf-8"), address=address)


def knock(port: int, *headers: str, path: str = "/_stcore/stream", address: str = "127.0.0.1") -> RawAnswer:
    """Ask for a websocket with these headers."""
    return ask_raw(port, path, *headers, *WEBSOCKET_HEADERS, address=address)
