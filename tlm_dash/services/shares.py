"""Which numbers can be a target, a margin or a confidence: pages read them without loading statistics."""

from __future__ import annotations

SMALLEST_SHARE = 0.0001
"""A target, margin or confidence nearer to 0 or 1 than this is a slip, and no test could carry it."""


def is_share(value: float) -> bool:
    """Tell whether a number can be a target, a margin or a confidence; not a number is none."""
    return SMALLEST_SHARE <= value <= 1 - SMALLEST_SHARE
