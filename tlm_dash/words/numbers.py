"""How numbers are written: one place, so that one number reads the same on page, record, chart and command.

Three digits count in a share and three decimals in a figure such as AUROC: more would pretend to a precision
that labels do not give, fewer would write targets like 1.25% as something that nobody asked for. Nothing is
rounded to 0 or to all that is not exactly that.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

NOT_KNOWN = "—"

_SURE = 1e-12
"""Nearer to 0 or 1 than this is the rounding of arithmetic, not a share of rows."""


def percent(share: float | None) -> str:
    """Write a fraction as percent with three digits: 12.3%, 8%, 1.25%, 99.96%; — where it is not known."""
    if share is None:
        return NOT_KNOWN
    return _as_percent(f"{100 * share:.{_decimals(share)}f}")


def at_most(share: float | None) -> str:
    """Write an upper bound as percent with the digits of `percent`, rounded up: no less than was proved."""
    if share is None:
        return NOT_KNOWN
    # 100 * 0.07 is a trifle above 7: that is arithmetic, and no reason to write more than 7%.
    exact = Decimal(repr(round(100 * share, 9)))
    up = exact.quantize(Decimal(1).scaleb(-_decimals(share)), ROUND_CEILING)
    return _as_percent(f"{up:f}")


def percent_range(low: float | None, high: float | None) -> str:
    """Write the ends of an interval of a share."""
    return f"{percent(low)} to {percent(high)}"


def bounds(low: float | None, high: float | None) -> str:
    """Write the ends of a band of a share; the upper one is a promise, and rounded up."""
    return f"{percent(low)} to {at_most(high)}"


def _decimals(share: float) -> int:
    # Near 100% what is missing from it gets its own two digits. (%g would turn to 1e-05 for small shares.)
    missing = abs(1 - abs(share))
    if _SURE < missing < 0.005:
        return 1 - math.floor(math.log10(100 * missing))
    if abs(share) > _SURE:
        return max(2 - math.floor(math.log10(100 * abs(share))), 0)
    return 0


def _as_percent(text: str) -> str:
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def points(value: float, *, signed: bool = True) -> str:
    """Write a fraction in points, with a true minus sign: −0.4, +1.1, 3."""
    scaled = value * 100
    if not signed:
        return f"{abs(scaled):.1f}".removesuffix(".0") if abs(scaled) >= 0.1 else f"{abs(scaled):.1g}"
    if not scaled:
        return "0.0"
    # What lies beside 0 must not be written as 0.
    return (f"{scaled:+.1f}" if abs(scaled) >= 0.1 else f"{scaled:+.1g}").replace("-", "−")


def decimal(value: float | None) -> str:
    """Write a figure such as AUROC or kappa: three decimals, more where it would read as 0 or 1."""
    if value is None:
        return NOT_KNOWN
    for decimals in range(3, 10):
        text = f"{value:.{decimals}f}"
        if abs(float(text)) not in (0.0, 1.0) or abs(value) in (0.0, 1.0):
            return text.replace("-", "−")
    return f"{value:.10g}".replace("-", "−")


def p_value(p: float) -> str:
    """Write the p of a test: 0.0625, 0.00408, under 0.0001."""
    return _p_value(p, 3)


def p_values(*several: float) -> tuple[str, ...]:
    """Write p and what it is held against: with more digits where different ones would read the same."""
    told: tuple[str, ...] = ()
    for digits in range(3, 17):
        told = tuple(_p_value(p, digits) for p in several)
        if len(set(told)) == len(set(several)):
            break
    return told


def _p_value(p: float, digits: int) -> str:
    return f"{p:.{digits}g}" if p >= 0.0001 else "under 0.0001"


def threshold_text(threshold: float) -> str:
    """Write a threshold with exactly the digits it has: any other might accept other rows."""
    return repr(float(threshold)).removesuffix(".0")
