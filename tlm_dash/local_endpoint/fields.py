"""Checks of single JSON fields; each returns the value or refuses the request by the field's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.local_endpoint.api_error import refused


def text(value: object, param: str) -> str:
    """Return a string that can be sent on as UTF-8."""
    if not isinstance(value, str):
        raise refused(param, f"{param} must be a string.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused(param, f"{param} holds half a character (a lone surrogate).") from None
    return value


def optional_text(body: Mapping[str, Any], name: str) -> str | None:
    """Return a string field, or None where it is missing, null or empty."""
    value = body.get(name)
    return text(value, name) or None if value is not None else None


def flag(body: Mapping[str, Any], name: str, param: str | None = None) -> bool:
    """Return a true/false field; missing and null mean false."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise refused(param or name, f"{param or name} must be true or false.")
    return bool(value)


def number(value: object, param: str, low: float, high: float, *, whole: bool) -> float:
    """Return a number from `low` to `high`, both included."""
    kinds = (int,) if whole else (int, float)
    usable = isinstance(value, kinds) and not isinstance(value, bool)
    if not usable or not low <= value <= high:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise refused(param, f"{param} must be {kind} from {low:g} to {high:g}.")
    return value  # type: ignore[return-value]


def mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object field; missing and null mean empty."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refused(name, f"{name} must be an object.")
    return value
