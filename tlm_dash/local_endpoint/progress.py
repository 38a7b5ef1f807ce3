"""How far a download is, as a sentence."""

from __future__ import annotations


def progress_sentence(done_bytes: int, total_bytes: int | None, text: str) -> str:
    """Return for example "Fetching the model: 42 of 93 MB"."""
    if not total_bytes:
        return text
    return f"{text}: {done_bytes // 1_000_000} of {round(total_bytes / 1_000_000)} MB"
