"""Where the database is: the one setting, parsed."""

from __future__ import annotations

from pathlib import Path

from tlm_dash.errors import SettingsError

_SCHEME = "duckdb:///"
_MEMORY = ":memory:"
_HINT = (
    "Write TLM_DASH_DATABASE_URL as duckdb:///folder/name.duckdb (from the current folder) "
    "or duckdb:////folder/name.duckdb (from the root)."
)


def database_path(database_url: str) -> Path | None:
    """Give the file that a database URL names, absolute; None for duckdb:///:memory:.

    Raises SettingsError for any other URL, without repeating it: it may hold a password.
    """
    if not database_url.startswith(_SCHEME):
        scheme, separator, _ = database_url.partition(":")
        told = f"starts with {scheme}:" if separator and scheme.isalnum() else "has no duckdb:/// in front"
        raise SettingsError(f"The database URL {told}, which cannot be used here.", hint=_HINT)
    location = database_url.removeprefix(_SCHEME).strip()
    if location == _MEMORY:
        return None
    if not location or location.endswith("/") or "\x00" in location:
        raise SettingsError("The database URL names no file.", hint=_HINT)
    try:
        return Path(location).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise SettingsError(
            f"The path in the database URL cannot be followed ({error}).", hint=_HINT
        ) from None
