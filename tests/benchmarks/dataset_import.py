"""What importing a large CSV costs, against DuckDB's own read of the same file in the same run.

`python -m tests.benchmarks.dataset_import [--rows 1000000] [--keep FILE]`. Each side runs in a process of its
own, whose peak resident memory is printed. Goals: at most 1.5 times as long, at most 1.5 GB.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOAL_RATIO = 1.5
GOAL_RSS_MIB = 1536
COLUMNS = ("id", "prompt", "response", "score", "topic")


@dataclass(frozen=True)
class Measured:
    """One side: wall-clock and CPU seconds, and the peak resident memory of its process."""

    seconds: float
    cpu_s: float
    rss_mib: int


def write_table(path: Path, n_rows: int) -> None:
    """Write rows like those of a real evaluation: 850 bytes each, words as often as in prose."""
    chance = random.Random(7)
    words = [f"{chance.choice('bcdfgklmnprst')}{chance.choice('aeiou')}{number:x}" for number in range(5000)]
    pool = chance.choices(words, [1 / (rank + 1) for rank in range(len(words))], k=1_000_000)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(n_rows):
            place = chance.randrange(len(pool) - 250)
            prompt = f"Question {number}: " + " ".join(pool[place : place + 60]) + "?"
            response = " ".join(pool[place + 90 : place + 190]) + (',\n"quoted".' if number % 7 == 0 else ".")
            writer.writerow(
                [f"row-{number}", prompt, response, round(chance.random(), 6), f"topic {number % 12}"]
            )


def import_it(path: Path, folder: Path) -> None:
    """Import as the command does: inspect, save, close."""
    from tlm_dash.services.dataset_inspection import inspect
    from tlm_dash.services.dataset_upload import save
    from tlm_dash.services.place import OpenStore
    from tlm_dash.settings import load_settings

    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "no.env")) as place:
        result = save(place, inspect(place, [path]))
        assert result.n_rejected == 0


def read_it(path: Path, folder: Path) -> None:
    """Let DuckDB read the same file into a table of a database file."""
    import duckdb

    configuration = {"storage_compatibility_version": "v1.5.0", "memory_limit": "4GiB"}
    with duckdb.connect(str(folder / "plain.duckdb"), config=configuration) as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM read_csv(?)", [str(path)]).fetchall()


def measured(side: Callable[[Path, Path], None], path: Path) -> Measured:
    """Run one side in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(side, path, sender))
    child.start()
    sender.close()  # so that a child that fails ends the wait
    found: Measured = receiver.recv()
    child.join()
    return found


def _child(side: Callable[[Path, Path], None], path: Path, sender: object) -> None:
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        began, cpu = time.perf_counter(), time.process_time()
        side(path, folder)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        told = Measured(time.perf_counter() - began, time.process_time() - cpu, rss)
        sender.send(told)  # type: ignore[attr-defined]
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="write the CSV here, or use it where it exists")
    parsed = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    path = parsed.keep or folder / "table.csv"
    try:
        if not path.exists():
            write_table(path, parsed.rows)
        print(f"{parsed.rows} rows, {path.stat().st_size / 1e6:.0f} MB")
        plain, ours = measured(read_it, path), measured(import_it, path)
        for name, side in (("DuckDB's own read", plain), ("datasets import", ours)):
            print(f"{name:<18} {side.seconds:7.1f} s  {side.cpu_s:7.1f} s CPU  {side.rss_mib:6d} MiB at most")
        ratio = ours.seconds / plain.seconds
        print(f"ratio {ratio:.2f} (goal {GOAL_RATIO}), memory {ours.rss_mib} MiB (goal {GOAL_RSS_MIB})")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
