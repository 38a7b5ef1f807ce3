"""Where a web server is reached: the `Host` and `Origin` headers that name it, read strictly, compared whole.

Everything is compared in one form: names in lower case, IP addresses as Python writes them (an IPv4 address
inside an IPv6 one as IPv4), ports as numbers. What a browser never sends is not understood: a trailing dot, a
login, an empty port, an address in decimal or hexadecimal, a name in letters beyond ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

DEFAULT_PORTS = {"http": 80, "https": 443}

ALLOWED_HOSTS = "TLM_DASH_ALLOWED_HOSTS"
"""The setting that lists further names of a server."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

MAX_NAME_CHARACTERS = 253

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Authority:
    """A host in its one form, and the port where one is named: what a Host header says."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Site:
    """A place that a setting names. Without a scheme it has the connection's; without a port it has the
    scheme's, and where no scheme is named either, the server's own too.
    """

    scheme: str | None
    at: Authority


@dataclass(frozen=True, slots=True)
class Names:
    """Under which names a server is reached: its own at its own port, and what a setting lists."""

    own: frozenset[str] = LOOPBACK_NAMES
    listed: tuple[Site, ...] = ()

    def schemes_of(self, host: Authority, scheme: str, server: tuple[str, int | None]) -> frozenset[str]:
        """Give the schemes under which a Host header names this server; none where it names another.

        `scheme` is the connection's, `server` the address and port that it came in at. That address is always
        a name of the server: nobody can make an address lead elsewhere, as they can a name.
        """
        address, own_port = server
        schemes = set()
        is_own = host.host in self.own or host.host == canonical_host(address.partition("%")[0])
        if is_own and (host.port or DEFAULT_PORTS[scheme]) == own_port:
            schemes.add(scheme)
        for site in self.listed:
            seen = site.scheme or scheme
            port = host.port or DEFAULT_PORTS[seen]
            if site.at.host == host.host and port in _ports(site, seen, own_port):
                schemes.add(seen)
        return frozenset(schemes)

    def lists(self, scheme: str, at: Authority) -> bool:
        """Tell whether an origin is one that the setting lists with its scheme.

        It is this server's whatever Host says: some proxies put a name of their own there.
        """
        port = at.port or DEFAULT_PORTS[scheme]
        return any(
            site.scheme == scheme and site.at.host == at.host and port in _ports(site, scheme, None)
            for site in self.listed
        )


def _ports(site: Site, scheme: str, own_port: int | None) -> Collection[int | None]:
    if site.at.port is not None:
        return (site.at.port,)
    return (DEFAULT_PORTS[scheme],) if site.scheme else (DEFAULT_PORTS[scheme], own_port)


def read_authority(text: str) -> Authority | None:
    """Read `host` or `host:port`; None where a browser would never write it so."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    bracketed = match[1].startswith("[")
    host = canonical_host(match[1].strip("[]"), is_ipv6=bracketed)
    port = None if match[2] is None else int(match[2])
    if host is None or port == 0 or (port or 1) > 65535:
        return None
    return Authority(host, port)


def read_origin(text: str) -> tuple[str, Authority] | None:
    """Read `scheme://host` or `scheme://host:port`; None for `null`, and for what has anything more."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        return None
    authority = read_authority(rest)
    return None if authority is None else (scheme, authority)


def read_site(text: str) -> Site:
    """Read one entry of a setting: `name`, `name:port` or `scheme://name[:port]`. Raises ValueError."""
    scheme, separator, rest = text.partition("://") if "://" in text else ("", "", text)
    scheme = scheme.lower()
    try:
        rest = rest.removesuffix("/").encode("idna").decode("ascii")
    except UnicodeError:
        rest = ""
    authority = read_authority(rest)
    if authority is None or (separator and scheme not in DEFAULT_PORTS):
        raise ValueError(
            "names as a browser shows them are needed, like https://dash.example.com or 192.168.1.5:8501"
        )
    return Site(scheme or None, authority)


def read_sites(text: str) -> tuple[Site, ...]:
    """Read a setting that names several, separated by commas. Raises ValueError."""
    entries = dict.fromkeys(entry.strip() for entry in text.split(","))
    return tuple(read_site(entry) for entry in entries if entry)


def canonical_host(text: str, *, is_ipv6: bool | None = None) -> str | None:
    """Give a name or address (IPv6 without brackets) in its one form; None where it is neither.

    `is_ipv6` says whether it stood in brackets, where that is known.
    """
    host = text.lower()
    if is_ipv6 is not None and is_ipv6 != (":" in host):
        return None
    if ":" in host:
        return _address(host)
    labels = host.split(".")
    if len(host) > MAX_NAME_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    # A browser reads a name that ends in a number as an IPv4 address, and sends it in the common form.
    return _address(host) if _NUMBER.fullmatch(labels[-1]) else host


def _address(text: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    return str(unmapped(address))


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give an IPv4 address inside an IPv6 one as IPv4: a socket for both kinds tells it so."""
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own, reached by nobody else."""
    try:
        return unmapped(ip_address(address.partition("%")[0])).is_loopback
    except ValueError:
        return False


def own_names(bound: str | None, machine: str) -> frozenset[str]:
    """Give the names of a server bound to an address or name, on a machine called `machine`.

    The machine's name belongs to it only where others can reach it. One that is bound to `0.0.0.0` may be
    called so: that is what it prints.
    """
    address = canonical_host((bound or "").strip("[]"))
    names = set(LOOPBACK_NAMES)
    if address:
        names.add(address)
    called = canonical_host(machine)
    if called and not (address and (address in LOOPBACK_NAMES or is_loopback(address))):
        names.add(called)
    return frozenset(names)
