"""Settings from the environment or a `.env` file, each with where it came from; secrets masked when shown."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from tlm_dash.errors import SettingsError
from tlm_dash.sites import ALLOWED_HOSTS, Site, read_sites

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One setting as the settings page shows it. `shown` never holds a secret."""

    name: str
    shown: str
    source: str
    meaning: str


@dataclass(frozen=True)
class Settings:
    """All settings, parsed. `base_url` is None where the embedded endpoint is to be used."""

    base_url: str | None = field(repr=False)
    api_key: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    provider_base_url: str | None = field(repr=False)
    provider_api_key: str | None = field(repr=False)
    database_url: str = field(repr=False)
    data_dir: Path
    models: tuple[str, ...]
    prices_file: Path | None
    timeout_s: float
    max_in_flight: int | None
    requests_per_minute: float | None
    allowed_hosts: tuple[Site, ...]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    sources: tuple[SettingSource, ...] = field(repr=False)


@dataclass(frozen=True)
class _Setting:
    """How one setting is read: its names (first one set wins), its parser, and what to show."""

    field_name: str
    names: tuple[str, ...]
    parse: Callable[[str], Any]
    default: Any
    default_shown: str
    meaning: str
    secret: bool = False


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read all settings; the environment wins over `.env`. Raises SettingsError naming the setting."""
    environment = os.environ if environ is None else environ
    path = REPOSITORY / ".env" if env_file is None else env_file
    from_file = {k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None}
    values: dict[str, Any] = {}
    sources: list[SettingSource] = []
    for setting in SETTINGS:
        name, raw, source = _lookup(setting, environment, from_file, path)
        values[setting.field_name] = setting.default if raw is None else _parsed(setting, name, raw)
        shown = setting.default_shown if raw is None else ("set" if setting.secret else shown_url(raw))
        sources.append(SettingSource(name, shown, source, setting.meaning))
    if values["database_url"] is None:
        values["database_url"] = f"duckdb:///{values['data_dir'].resolve() / 'tlm_dash.duckdb'}"
    return Settings(**values, sources=tuple(sources))


def _lookup(
    setting: _Setting, environment: Mapping[str, str], from_file: Mapping[str, str], path: Path
) -> tuple[str, str | None, str]:
    for values, source in ((environment, "environment"), (from_file, f"{path.name} file")):
        for name in setting.names:
            raw = values.get(name, "").strip()
            if raw:
                return name, raw, source
    return setting.names[0], None, "default"


def _parsed(setting: _Setting, name: str, raw: str) -> object:
    try:
        return setting.parse(raw)
    except (ValueError, TypeError) as error:
        told = "" if setting.secret else f" ({error})"
        raise SettingsError(
            f"The setting {name} cannot be used{told}.", hint=f"It means: {setting.meaning}."
        ) from None


def shown_url(raw: str) -> str:
    """Give a URL as it may be shown and stored: without login and query, where people put keys."""
    scheme, separator, rest = raw.partition("://")
    if not separator:
        return raw
    place, slash, path = rest.partition("/")
    kept = (place.rpartition("@")[2] + slash + path).partition("?")[0].partition("#")[0]
    return f"{scheme}://{kept}"


def _base_url(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # Its own text would quote the URL, and with it a login.
        usable = False
    if not usable or not raw.isascii():
        raise ValueError("a URL that starts with http:// or https:// is needed")
    return raw.rstrip("/")


def _secret_text(raw: str) -> str:
    """Refuse what cannot be sent as a header, which is what a pasted key with quotes or a line end is."""
    if not raw.isascii() or not raw.isprintable():
        raise ValueError
    return raw


def _headers(raw: str) -> dict[str, str]:
    """Parse a JSON object, or `Name: value` pairs separated by semicolons or line ends."""
    if raw.startswith("{"):
        parsed = json.loads(raw)
        return {str(name): _secret_text(str(value)) for name, value in parsed.items()}
    pairs = [part.partition(":") for part in raw.replace("\n", ";").split(";") if part.strip()]
    if any(not separator or not name.strip() for name, separator, _ in pairs):
        raise ValueError("a JSON object or `Name: value; Name: value` is needed")
    return {name.strip(): _secret_text(value.strip()) for name, _, value in pairs}


def _names(raw: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in raw.split(",") if name.strip()))


def _networks(raw: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name, strict=False) for name in _names(raw))


def _whole_above_zero(raw: str) -> int:
    number = int(raw)
    if number <= 0:
        raise ValueError("a whole number above 0 is needed")
    return number


def _above_zero(raw: str) -> float:
    number = float(raw)
    if not 0 < number < float("inf"):
        raise ValueError("a number above 0 is needed")
    return number


SETTINGS = (
    _Setting("base_url", ("BASE_URL", "TLM_DASH_BASE_URL"), _base_url, None, "the embedded endpoint",
             "base URL of the TLM endpoint; it usually ends in /api"),
    _Setting("api_key", ("TLM_DASH_API_KEY",), _secret_text, ".", "not set",
             "key for a gateway in front of the TLM endpoint", secret=True),
    _Setting("headers", ("TLM_DASH_HEADERS",), _headers, {}, "not set",
             'extra headers for a gateway, as a JSON object or "Name: value; Name: value"', secret=True),
    _Setting("provider_base_url", ("OPENAI_BASE_URL",), _base_url, None, "not set",
             "another OpenAI-compatible provider that generates while TLM scores"),
    _Setting("provider_api_key", ("OPENAI_API_KEY",), _secret_text, None, "not set",
             "key of that provider", secret=True),
    _Setting("database_url", ("TLM_DASH_DATABASE_URL",), str, None, "tlm_dash.duckdb in the data folder",
             "where everything is stored: duckdb:///relative or duckdb:////absolute"),
    _Setting("data_dir", ("TLM_DASH_DATA_DIR",), Path, REPOSITORY / "data", "data",
             "folder of the database, uploads, model file and logs"),
    _Setting("models", ("TLM_DASH_MODELS",), _names, (), "what the endpoint lists",
             "model names to offer, separated by commas"),
    _Setting("prices_file", ("TLM_DASH_PRICES",), Path, None, "none: prices are entered on the Settings page",
             "CSV or JSON file of prices to begin with: per million tokens by model, per request by preset"),
    _Setting("timeout_s", ("TLM_DASH_TIMEOUT_S",), _above_zero, DEFAULT_TIMEOUT_S, "120",
             "seconds until a request without an answer counts as failed"),
    _Setting("max_in_flight", ("TLM_DASH_MAX_IN_FLIGHT",), _whole_above_zero, None, "found by itself",
             "most requests of runs that are under way at once, for each endpoint"),
    _Setting("requests_per_minute", ("TLM_DASH_REQUESTS_PER_MINUTE",), _above_zero, None, "found by itself",
             "most requests of runs that are sent in a minute, for each endpoint"),
    _Setting("allowed_hosts", (ALLOWED_HOSTS,), read_sites, (), "this machine's names",
             "further names under which browsers reach the dashboard, like https://dash.example.com"),
    _Setting("trusted_proxies", ("TLM_DASH_TRUSTED_PROXIES",), _networks, (), "none",
             "addresses of proxies that are believed when they say for whom they ask"),
)  # fmt: skip
