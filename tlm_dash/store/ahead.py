"""The next pieces of work made while the last one is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Piece = TypeVar("Piece")


@contextmanager
def ahead(pieces: Iterator[Piece], *, most: int = 1) -> Iterator[Iterator[Piece]]:
    """Run an iterator in a thread of its own, at most so many pieces ahead. Its exceptions arrive in turn.

    The thread has ended when the block is left, whatever happened in it.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:
        made: deque[Future[Piece | None]] = deque()

        def following() -> Iterator[Piece]:
            made.extend(thread.submit(next, pieces, None) for _ in range(most))
            while (piece := made.popleft().result()) is not None:
                made.append(thread.submit(next, pieces, None))
                yield piece
                del piece  # The one who took it may be done with it, and it is large.

        try:
            yield following()
        finally:
            for waiting in made:
                waiting.cancel()
