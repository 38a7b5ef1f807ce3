"""How long to wait, from every header that gateways send."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.endpoint.pacing import retry_after_s

NOW = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)


def wait(*, rate_limited: bool = True, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return retry_after_s(named, rate_limited=rate_limited, now=NOW)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("3.", 3.0),
        ("Sun, 01 Jun 2025 12:01:00 GMT", 60.0),
        ("Sun, 01 Jun 2025 14:01:00 +0200", 60.0),
        ("Sun, 01 Jun 2025 12:01:00 -0000", 60.0),
        ("Sun, 01 Jun 2025 11:59:00 GMT", 0.0),
        ("Sunday, 01-Jun-25 12:01:00 GMT", 60.0),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        ("Sun, 99 Jun 2025 12:01:00 GMT", None),
        ("1, 2", None),
    ],
)
def test_retry_after(raw: str, seconds: float | None) -> None:
    assert wait(retry_after=raw) == seconds
    assert wait(retry_after=raw, rate_limited=False) == seconds


def test_milliseconds_come_first() -> None:
    assert wait(retry_after_ms="250", retry_after="9") == 0.25
    assert wait(retry_after_ms="soon", retry_after="9") == 9.0


def test_a_date_is_measured_by_the_servers_clock() -> None:
    """Our clock may be an hour wrong; the difference of two times of one clock is right."""
    raw = "Sun, 01 Jun 2025 15:00:30 GMT"
    assert wait(retry_after=raw, date="Sun, 01 Jun 2025 15:00:00 GMT") == 30.0
    assert wait(retry_after=raw, date="yesterday") == 3 * 3600 + 30.0


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("20ms", 0.02),
        ("1d", 86400.0),
        ("7.5", 7.5),
        (str(int(NOW.timestamp()) + 30), 30.0),
        (str(int(NOW.timestamp()) - 30), 0.0),
        ("2025-06-01T12:00:10+00:00", 10.0),
        ("2025-06-01T12:00:10", 10.0),
        ("2025-06-01T11:00:00Z", 0.0),
        ("1s later", None),
        ("m", None),
        ("", None),
    ],
)
def test_rate_limit_resets(raw: str, seconds: float | None) -> None:
    for name in ("x_ratelimit_reset_requests", "x_ratelimit_reset_tokens", "x_ratelimit_reset"):
        assert wait(**{name: raw}) == (None if seconds is None else pytest.approx(seconds))


def test_the_used_up_limit_counts_else_the_longer_one() -> None:
    both = {"x_ratelimit_reset_requests": "1s", "x_ratelimit_reset_tokens": "60s"}
    assert wait(**both) == 60.0
    assert wait(**both, x_ratelimit_remaining_requests="0", x_ratelimit_remaining_tokens="900") == 1.0
    assert wait(**both, x_ratelimit_remaining_requests="0", x_ratelimit_remaining_tokens="0") == 60.0


def test_resets_count_only_where_the_limit_was_hit_and_nothing_else_is_told() -> None:
    assert wait(x_ratelimit_reset_requests="1s", rate_limited=False) is None
    assert wait(x_ratelimit_reset_requests="1s", retry_after="3") == 3.0
    assert wait(x_ratelimit_reset_requests="1s", retry_after="soon") == 1.0


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_header_is_a_crash(first: str, second: str, third: str) -> None:
    seconds = wait(retry_after=first, x_ratelimit_reset=second, date=third)
    assert seconds is None or 0 <= seconds < float("inf")


@given(st.integers(0, 250_000_000_000))
def test_a_date_is_a_wait_or_over(seconds_since_1970: int) -> None:
    date = datetime.fromtimestamp(seconds_since_1970, UTC)
    raw = format_datetime(date, usegmt=True)
    seconds = wait(retry_after=raw)
    assert seconds == max(0.0, (date - NOW).total_seconds())
