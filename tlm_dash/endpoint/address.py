"""Take a base URL as people paste it apart: address, login, query; and check what goes into headers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from tlm_dash.errors import InvalidInputError


@dataclass(frozen=True)
class Address:
    """Where requests go and with what. Only `base_url` may be shown."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def parse_address(base_url: str, headers: Mapping[str, str]) -> Address:
    """Split login and query off a base URL. Raises InvalidInputError, which names no secret."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInputError(
            "The base URL cannot be used.", hint="It looks like http://example.customer.com:8080/api."
        )
    shown_host = f"[{host}]" if ":" in host else host
    place = shown_host if port is None else f"{shown_host}:{port}"
    checked = {name: header_value(value, f"The header {name!r}") for name, value in headers.items()}
    secrets: list[str] = []
    query = dict(parse_qsl(parts.query))
    secrets.extend(query.values())
    if parts.username is not None or parts.password is not None:
        password = unquote(parts.password or "")
        login = base64.b64encode(f"{unquote(parts.username or '')}:{password}".encode()).decode()
        secrets += [login, password]
        # A URL with a login in it means basic authentication, unless a header says otherwise.
        if not any(name.lower() == "authorization" for name in checked):
            checked["Authorization"] = f"Basic {login}"
    return Address(f"{parts.scheme}://{place}{parts.path.rstrip('/')}", checked, query, tuple(secrets))


def header_value(value: str, what: str) -> str:
    """Trim a key or header value and check that it can be sent. The error names it, never its value."""
    value = value.strip()
    if not value.isascii() or not value.isprintable():
        raise InvalidInputError(
            f"{what} cannot be sent: it holds a line break or a character that is not plain ASCII.",
            hint="Copy it again, without quotes and line ends.",
        )
    return value
