"""A process that fills its disk, and goes on when there is room again; prints what happened as JSON.

Run as `python -m tests.store.full_disk DATABASE LIMIT_BYTES`. The limit is on the size of any one file of
this process, which the engine meets as it meets a full disk.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

from tests.store.rows import Row, completion_row
from tlm_dash.errors import StoreFullError
from tlm_dash.store import Store

BATCH_ROWS = 20
RESPONSE_BYTES = 50_000
# Failures until the room comes back, and an end for a disk that never fills.
FAILURES = 4
MOST_BATCHES = 400


def limit_file_size(limit: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


def fill(store: Store) -> tuple[int, list[list[Row]], list[StoreFullError]]:
    """Write until some batches failed; gives how many are on disk, and the failed ones with their errors."""
    kept, failed, errors = 0, [], []
    for number in range(MOST_BATCHES):
        rows = [
            completion_row(number * BATCH_ROWS + row, os.urandom(RESPONSE_BYTES // 2).hex())
            for row in range(BATCH_ROWS)
        ]
        try:
            store.append({"completion": rows}).result(60)
            kept += 1
        except StoreFullError as error:
            failed.append(rows)
            errors.append(error)
        if len(failed) == FAILURES:
            break
    return kept, failed, errors


def main() -> None:
    database, limit = Path(sys.argv[1]), int(sys.argv[2])
    url, temp_dir = f"duckdb:///{database}", database.parent / "temporary"
    store = Store.open(url, temp_dir=temp_dir)
    limit_file_size(limit)
    done = threading.Event()
    reader_failures: list[str] = []

    def look() -> None:
        while not done.wait(0.05):
            try:
                store.read("SELECT count(*), max(length(response)) FROM completion")
            except Exception as error:
                reader_failures.append(repr(error))

    def counted() -> tuple[int, int]:
        ((rows, distinct),) = store.read("SELECT count(*), count(DISTINCT completion_id) FROM completion")
        return rows, distinct

    reader = threading.Thread(target=look)
    reader.start()
    kept, failed, errors = fill(store)
    while_full = counted()
    limit_file_size(resource.RLIM_INFINITY)
    again: list[Future[None]] = [store.append({"completion": rows}) for rows in failed]
    for future in again:
        future.result(60)
    with_room = counted()
    done.set()
    reader.join()
    store.close()
    store = Store.open(url, temp_dir=temp_dir)
    after = counted()
    store.close()
    told = {
        "kept": kept * BATCH_ROWS,
        "failed": len(failed) * BATCH_ROWS,
        "messages": sorted({str(error) for error in errors}),
        "causes": sorted({type(error.__cause__).__name__ for error in errors}),
        "while_full": while_full,
        "with_room": with_room,
        "after": after,
        "reader_failures": reader_failures,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
