"""A process that writes through the store until it is killed, and tells each row set that is on disk.

Run as `python -m tests.store.crash_writer DATABASE FIRST`. A batch is told by its number after its future is
done; what a batch holds follows from its number, so that another process can check it.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from tests.store.rows import completion_row, item_row, run_item_row
from tlm_dash.models import utc_now
from tlm_dash.store import Store

ROWS = 5
# Long enough that the write-ahead log is merged into the file every hundred batches or so.
RESPONSE_BYTES = 20_000


def batch(number: int) -> dict[str, list[dict[str, object]]]:
    """Make the rows of a batch, the same ones each time but for their times."""
    item_numbers = range(number * ROWS, (number + 1) * ROWS)
    response = random.Random(number).randbytes(RESPONSE_BYTES // 2).hex()
    return {
        "item": [item_row(n, f"prompt {n}") for n in item_numbers],
        "completion": [completion_row(n, response, completion_id=f"completion {n}") for n in item_numbers],
        "run_item_text": [
            {"run_id": "run", "item_no": n, "attempt_no": 1, "explanation": None, "log": {}}
            for n in item_numbers
        ],
        "run_item": [run_item_row("run", n, completion_id=f"completion {n}") for n in item_numbers],
    }


def main() -> None:
    database, first = Path(sys.argv[1]), int(sys.argv[2])
    print("opening", flush=True)
    store = Store.open(f"duckdb:///{database}", temp_dir=database.parent / "temporary")
    held = {n for (n,) in store.read("SELECT item_no FROM run_item")}
    number = first
    while True:
        rows = batch(number)
        # A result's time is new at each try: what is there already is asked for, as the engine does it.
        rows["run_item"] = [
            row | {"written_at": utc_now()} for row in rows["run_item"] if row["item_no"] not in held
        ]
        store.append(rows).result()
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main()
