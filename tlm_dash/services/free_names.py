"""Names that are still free: what would have the name of another has a number after it."""

from __future__ import annotations

from collections.abc import Collection


def free_name(name: str, taken: Collection[str]) -> str:
    """Give the name, with the lowest number from 2 after it that makes it differ from all taken ones."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name} ({count})"
    return free
