"""A large imported run with everything that the Review page filters by, made once and kept."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import save
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

NEEDLE = "zanzibar"
"""A word that one row in a thousand has in its prompt, another one in its response."""

_CHUNK = 50_000

_EXPLANATIONS = """
INSERT INTO run_item_text BY NAME
SELECT r.run_id, r.item_no, r.attempt_no, '{}' AS log,
    concat('The response was compared with what is known: ', left(i.prompt, 120)) AS explanation
FROM run_item AS r JOIN item AS i USING (item_no)
WHERE r.run_id = ? AND i.dataset_id = ?
"""

# An imported run has no times: without any, a filter by time would have nothing to read.
_LATENCIES = "UPDATE completion SET latency_ms = 200 + hash(item_no) % 4000 WHERE dataset_id = ?"


def open_place(folder: Path) -> OpenStore:
    """Open the store of a folder as a command does."""
    return OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "no.env"))


def make_run(folder: Path, n_rows: int) -> str:
    """Give the id of the run in a folder's store; it is imported the first time, which takes minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_place(folder) as place:
        made = place.store.read("SELECT run_id FROM imported_run")
        if made:
            return str(made[0][0])
        path = folder / "table.parquet"
        _write(path, n_rows)
        result = save(place, inspect(place, [path]), name=f"{n_rows:,} rows")
        run_id = result.runs[0].run_id
        for statement, params in (
            (_EXPLANATIONS, [run_id, result.dataset_id]),
            (_LATENCIES, [result.dataset_id]),
        ):
            place.store.transact(lambda cursor, s=statement, p=params: cursor.execute(s, p).fetchall())  # type: ignore[misc]
        path.unlink()
        return run_id


def _write(path: Path, n_rows: int) -> None:
    """Write rows of 850 characters, words as often as in prose, scores piled up near 1."""
    chance = random.Random(7)
    words = [f"{chance.choice('bcdfgklmnprst')}{chance.choice('aeiou')}{number:x}" for number in range(5000)]
    prose = " ".join(chance.choices(words, [1 / (rank + 1) for rank in range(len(words))], k=2_000_000))
    schema = pa.schema(
        [(name, pa.string()) for name in ("prompt", "response", "topic", "finish_reason", "is_correct")]
        + [("score", pa.float64())]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, n_rows, _CHUNK):
            numbers = range(first, min(first + _CHUNK, n_rows))
            writer.write_table(pa.Table.from_pylist([_row(n, prose, chance) for n in numbers], schema))


def _row(number: int, prose: str, chance: random.Random) -> dict[str, object]:
    place = chance.randrange(len(prose) - 1200)
    length = min(1000, int(chance.expovariate(1 / 480)) + 20)
    asked = f" {NEEDLE}" if number % 1000 == 17 else ""
    told = f" {NEEDLE}" if number % 1000 == 18 else ""
    score = None if chance.random() < 0.03 else 0.5 if chance.random() < 0.05 else chance.betavariate(8, 0.7)
    return {
        "prompt": f"Question {number}: {prose[place : place + 355]}{asked}?",
        "response": f"{prose[place + 100 : place + 100 + length]}{told}.",
        "topic": f"topic {number % 12}",
        "finish_reason": "length" if length == 1000 else "stop",
        "is_correct": None if number % 50 else ("yes" if chance.random() < 0.8 else "no"),
        "score": score,
    }
