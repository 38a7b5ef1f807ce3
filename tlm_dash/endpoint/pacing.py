"""Read from an answer's headers how long to wait before the next try."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_EPOCH_FROM = 1_000_000_000.0
"""A reset "in 1,000,000,000 seconds" is a time stamp: some gateways send seconds since 1970."""


def retry_after_s(
    headers: Mapping[str, str], *, rate_limited: bool = False, now: datetime | None = None
) -> float | None:
    """Give the wait that an answer asks for, in seconds (0 for a moment already past), or None.

    `headers` has lower-case names. `x-ratelimit-reset-*` is only asked where `rate_limited` says so:
    gateways send it with every answer.
    """
    moment = _server_time(headers) or now or datetime.now(UTC)
    wait = _milliseconds(headers.get("retry-after-ms"))
    if wait is None:
        wait = _seconds_or_date(headers.get("retry-after"), moment)
    if wait is None and rate_limited:
        wait = _reset(headers, moment)
    return wait


def _milliseconds(raw: str | None) -> float | None:
    number = _number(raw)
    return None if number is None else number / 1000


def _seconds_or_date(raw: str | None, moment: datetime) -> float | None:
    number = _number(raw)
    if number is not None or raw is None:
        return number
    date = _date(raw)
    return None if date is None else max(0.0, (date - moment).total_seconds())


def _reset(headers: Mapping[str, str], moment: datetime) -> float | None:
    """Use the reset of the limit that is used up; where that is not told, the longest."""
    waits: dict[str, float] = {}
    for name in ("requests", "tokens", ""):
        wait = _duration(headers.get(f"x-ratelimit-reset-{name}".rstrip("-")), moment)
        if wait is not None:
            waits[name] = wait
    used_up = [
        wait for name, wait in waits.items() if _number(headers.get(f"x-ratelimit-remaining-{name}")) == 0
    ]
    return max(used_up or waits.values(), default=None)


def _duration(raw: str | None, moment: datetime) -> float | None:
    """Parse "6m0s", "20ms", "1.5" (seconds), seconds since 1970, or an ISO time."""
    if raw is None:
        return None
    raw = raw.strip()
    number = _number(raw)
    if number is not None:
        return max(0.0, number - moment.timestamp()) if number >= _EPOCH_FROM else number
    parts = _DURATION.findall(raw)
    if parts and "".join(digits + unit for digits, unit in parts) == raw:
        return sum(float(digits) * _SECONDS[unit] for digits, unit in parts)
    try:
        date = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return max(0.0, (_aware(date) - moment).total_seconds())


def _number(raw: str | None) -> float | None:
    """Parse a plain number of at least 0; signs, exponents, "nan" and "inf" are garbage here."""
    if raw is None or not re.fullmatch(r"\s*\d+(\.\d*)?\s*", raw, re.ASCII):
        return None
    number = float(raw)
    return number if math.isfinite(number) else None


def _server_time(headers: Mapping[str, str]) -> datetime | None:
    """Use the server's own clock where it tells it, so that a wrong clock here does no harm."""
    raw = headers.get("date")
    return None if raw is None else _date(raw)


def _date(raw: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(raw))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _aware(date: datetime) -> datetime:
    return date if date.tzinfo else date.replace(tzinfo=UTC)
