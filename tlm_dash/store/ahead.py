"""The next piece of work made while the last one is written."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Piece = TypeVar("Piece")


@contextmanager
def ahead(pieces: Iterator[Piece]) -> Iterator[Iterator[Piece]]:
    """Run an iterator in a thread of its own, at most one piece ahead. Its exceptions arrive with its pieces.

    The thread has ended when the block is left, whatever happened in it.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:

        def following() -> Iterator[Piece]:
            made = thread.submit(next, pieces, None)
            while (piece := made.result()) is not None:
                made = thread.submit(next, pieces, None)
                yield piece

        yield following()
