"""Kill the writer again and again, and look whether anything is lost, doubled or half there.

The suite does a few; `python -m tests.store.kill_soak [KILLS] [SEED]` does many and prints what it saw.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.store.crash_writer import ROWS
from tlm_dash.store import Store

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("item", "completion", "run_item_text", "run_item")


@dataclass
class Soak:
    """One database that is written to and killed; `acknowledged` is the last batch told to be on disk."""

    database: Path
    acknowledged: int = -1

    def kill_once(self, *, after_s: float, while_opening: bool = False) -> None:
        """Let a process write, and kill it some seconds after its first batch (or after it began to open)."""
        command = [
            sys.executable,
            "-m",
            "tests.store.crash_writer",
            str(self.database),
            str(self.acknowledged + 1),
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            assert lines == ["opening\n"], "the writer did not start"
            if not while_opening:
                lines.append(process.stdout.readline())
            time.sleep(after_s)
            process.kill()
            lines += process.stdout.readlines()
        told = [int(line) for line in lines[1:] if line.endswith("\n")]
        self.acknowledged = max([self.acknowledged, *told])

    def check(self) -> int:
        """Open the database and compare it with what was acknowledged; gives the number of batches held."""
        store = Store.open(f"duckdb:///{self.database}", temp_dir=self.database.parent / "temporary")
        try:
            held = [dict(store.read(counts(table))) for table in TABLES]
        finally:
            store.close()
        assert all(per_table == held[0] for per_table in held), "half a transaction is there"
        assert set(held[0].values()) <= {1}, "a row is there twice"
        batches = {n // ROWS for n in held[0]}
        assert len(held[0]) == ROWS * len(batches), "half a batch is there"
        assert batches >= set(range(self.acknowledged + 1)), "an acknowledged batch is lost"
        return len(batches)


def counts(table: str) -> str:
    return f"SELECT item_no, count(*) FROM {table} GROUP BY item_no"  # noqa: S608 - a name of the list above


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 35
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else None)
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder) / "tlm_dash.duckdb")
        for kill in range(1, kills + 1):
            opening = chance.random() < 0.2
            soak.kill_once(after_s=chance.uniform(0, 0.15 if opening else 1.5), while_opening=opening)
            print(
                f"kill {kill}: acknowledged {soak.acknowledged + 1} batches, held {soak.check()}", flush=True
            )
        for kill in range(1, kills + 1):
            blank = Soak(Path(folder) / f"blank_{kill}" / "tlm_dash.duckdb")
            blank.kill_once(after_s=chance.uniform(0, 0.2), while_opening=True)
            blank.check()
        print(f"{kills} kills of a new database: each opened again")


if __name__ == "__main__":
    main()
