"""The hash and size of an upload, by which the same bytes are known again."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

_HASHED_AT_ONCE_BYTES = 1 << 20


@contextmanager
def content_meanwhile(paths: Sequence[Path]) -> Iterator[Future[tuple[str, int]]]:
    """Hash an upload, which may be large, while it is looked into; given up at once where that fails."""
    given_up = threading.Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="content") as thread:
        try:
            yield thread.submit(_content, paths, given_up)
        except BaseException:
            given_up.set()
            raise


def _content(paths: Sequence[Path], given_up: threading.Event) -> tuple[str, int]:
    """Give the hash of all bytes and their number; of a part where it is given up."""
    digest, size = hashlib.sha256(), 0
    for path in sorted(paths):
        if not path.is_file():
            continue  # refused elsewhere; to open a pipe would wait for somebody to write into it
        with path.open("rb") as file:
            while not given_up.is_set() and (part := file.read(_HASHED_AT_ONCE_BYTES)):
                digest.update(part)
                size += len(part)
    return digest.hexdigest(), size
