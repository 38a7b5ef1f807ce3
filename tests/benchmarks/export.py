"""What exporting a large run costs, against DuckDB's own COPY of the same rows in the same run.

`python -m tests.benchmarks.export [--rows 1000000] [--short] [--keep FOLDER]`. Each side runs in a process of
its own, whose peak resident memory is printed. The other side copies a plain table that has the very columns
of the export, ready made: what it takes to write them, without looking anything up. Goals for a million rows:
Parquet in 10 s, CSV in 20 s.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks.dataset_import import Measured, measured
from tests.benchmarks.review_table import make_run, open_place
from tlm_dash.services.exports import export

GOALS_S = {"parquet": 10.0, "csv": 20.0, "jsonl": None, "safe csv": None}
SHORT_ROWS = 20_000


def ours(kind: str) -> Callable[[Path, Path], None]:
    """Export the run of a folder, as the command does."""
    return {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl, "safe csv": _safe_csv}[kind]


def _export(folder: Path, output: Path, *, is_safe: bool = False) -> None:
    with open_place(folder) as place:
        run_ids = [row[0] for row in place.store.read("SELECT run_id FROM imported_run")]
        done = export(place, run_ids, output, is_spreadsheet_safe=is_safe)
        assert done.n_rows > 0


def _parquet(folder: Path, temporary: Path) -> None:
    _export(folder, temporary / "rows.parquet")


def _csv(folder: Path, temporary: Path) -> None:
    _export(folder, temporary / "rows.csv")


def _jsonl(folder: Path, temporary: Path) -> None:
    _export(folder, temporary / "rows.jsonl")


def _safe_csv(folder: Path, temporary: Path) -> None:
    _export(folder, temporary / "rows.csv", is_safe=True)


def copy_parquet(folder: Path, temporary: Path) -> None:
    """Let DuckDB write the same rows as Parquet."""
    _copy(folder, temporary / "rows.parquet", "FORMAT parquet, COMPRESSION zstd")


def copy_csv(folder: Path, temporary: Path) -> None:
    """Let DuckDB write the same rows as CSV."""
    _copy(folder, temporary / "rows.csv", "FORMAT csv, HEADER")


def _copy(folder: Path, output: Path, options: str) -> None:
    import duckdb

    with duckdb.connect(str(folder / "plain.duckdb"), config={"memory_limit": "4GiB"}) as connection:
        connection.execute(f"COPY plain TO '{output}' ({options})").fetchall()


def make_plain(folder: Path) -> None:
    """Store what an export holds as one plain table, for the other side to copy."""
    import duckdb

    path = folder / "plain.duckdb"
    if path.exists():
        return
    _export(folder, folder / "plain.parquet")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE plain AS SELECT * FROM read_parquet(?)", [str(folder / "plain.parquet")]
        ).fetchall()
    (folder / "plain.parquet").unlink()


def make_both(n_rows: int, folder: Path, _temporary: Path) -> None:
    """Make what both sides read, where it is not there yet."""
    make_run(folder, n_rows)
    make_plain(folder)


def told(name: str, side: Measured, goal_s: float | None = None) -> None:
    goal = f"  (goal {goal_s:.0f} s)" if goal_s else ""
    print(f"{name:<22} {side.seconds:7.1f} s  {side.cpu_s:7.1f} s CPU  {side.rss_mib:6d} MiB at most{goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_ROWS} rows, to see that it runs")
    parser.add_argument("--keep", type=Path, help="keep the database here, or use it where it exists")
    parsed = parser.parse_args()
    temporary = Path(tempfile.mkdtemp())
    folder = parsed.keep or temporary / "made"
    try:
        # In a process of its own too: what this one once held would count as held by those that it starts.
        n_rows = SHORT_ROWS if parsed.short else parsed.rows
        measured(partial(make_both, n_rows), folder)
        goals = not parsed.short and parsed.rows == 1_000_000
        for kind, copy in (("parquet", copy_parquet), ("csv", copy_csv)):
            plain, side = measured(copy, folder), measured(ours(kind), folder)
            told(f"DuckDB's COPY, {kind}", plain)
            told(f"runs export, {kind}", side, GOALS_S[kind] if goals else None)
            print(f"ratio {side.seconds / plain.seconds:.2f}")
        for kind in ("safe csv", "jsonl"):
            told(f"runs export, {kind}", measured(ours(kind), folder))
    finally:
        shutil.rmtree(temporary)


if __name__ == "__main__":
    main()
