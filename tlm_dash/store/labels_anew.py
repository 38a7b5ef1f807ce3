"""The labels of stored answers that a migration tells apart: each follows its answer, or is set aside.

Used by answers_anew.py alone, which makes `shared_answer`: completion_id, old_hash, new_hash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tlm_dash.models import canonical_json, new_id, utc_now
from tlm_dash.store.text import original_value, stored_text, stored_time

Cursor = Any
Row = dict[str, Any]
Key = tuple[Any, ...]

_OF_RUNS = """
SELECT DISTINCT r.run_id, r.item_no, s.old_hash, s.new_hash
FROM run_item AS r JOIN shared_answer AS s USING (completion_id)
"""


@dataclass(frozen=True)
class _Labels:
    """A table of labels: what makes a row the same row, and where its run, dataset and source come from."""

    table: str
    key: tuple[str, ...]
    run_id: str
    source: str
    dataset_id: str
    joined: str = ""

    def select(self) -> str:
        return f"""
        SELECT t.*, {self.run_id} AS of_run, {self.source} AS of_source, {self.dataset_id} AS of_dataset
        FROM {self.table} AS t {self.joined}
        WHERE t.response_hash IN (SELECT old_hash FROM shared_answer)
        """  # noqa: S608 - our own names


_OF_RUN = "JOIN run AS r ON r.run_id = t.run_id"
_ANNOTATIONS = _Labels("annotation", ("annotation_id",), "t.run_id", "t.source", "t.dataset_id")
_OTHERS = (
    _Labels("imported_label", ("run_id", "item_no"), "t.run_id", "'column'", "r.dataset_id", _OF_RUN),
    _Labels("matcher_label", ("application_id", "item_no"), "t.run_id", "'matcher'", "r.dataset_id", _OF_RUN),
)
# No label, but where one is wanted: a plan whose response cannot be told apart asks in vain, and is left so.
_PLANS = _Labels(
    "label_plan_item", ("plan_id", "position"), "p.run_id", "NULL", "p.dataset_id",
    "JOIN label_plan AS p ON p.plan_id = t.plan_id",
)  # fmt: skip


class _Follow:
    """Where a label goes that was given to an identity that several answers may have shared."""

    def __init__(self, cursor: Cursor) -> None:
        self._of_run: dict[Key, set[str]] = defaultdict(set)
        self._of_hash: dict[str, set[str]] = defaultdict(set)
        for run_id, item_no, old, new in cursor.execute(_OF_RUNS).fetchall():
            self._of_run[run_id, item_no, old].add(new)
        for old, new in cursor.execute("SELECT DISTINCT old_hash, new_hash FROM shared_answer").fetchall():
            self._of_hash[old].add(new)

    def where(self, row: Row) -> str | None:
        """Give the identity of the answer that a row belongs to; None where that cannot be told."""
        old = row["response_hash"]
        found = self._of_run.get((row["of_run"], row["item_no"], old)) or self._of_hash[old]
        return next(iter(found)) if len(found) == 1 else None


def move_labels(cursor: Cursor) -> None:
    """Give labels of a shared identity that of their answer; the others go to label_set_aside."""
    follow = _Follow(cursor)
    moved, aside = _of_people(rows_of(cursor, _ANNOTATIONS.select()), follow)
    _write(cursor, _ANNOTATIONS, moved, aside)
    for labels in _OTHERS:
        rows = rows_of(cursor, labels.select())
        moved = [(row, new) for row in rows if (new := follow.where(row)) is not None]
        _write(cursor, labels, moved, [row for row in rows if follow.where(row) is None])
    plans = rows_of(cursor, _PLANS.select())
    _write(cursor, _PLANS, [(row, new) for row in plans if (new := follow.where(row)) is not None], [])


def _of_people(rows: Iterable[Row], follow: _Follow) -> tuple[list[tuple[Row, str]], list[Row]]:
    """Move what people said; where other verdicts would stand then than stood before, all is set aside."""
    said: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        said[row["response_hash"], row["source"], row["annotator"]].append(row)
    moved, aside = [], []
    for group in said.values():
        told = [(row, new) for row in group if (new := follow.where(row)) is not None]
        stood = _standing([(row, row["response_hash"]) for row in group])
        if _standing(told) == stood & {row["annotation_id"] for row, _ in told}:
            moved += told
            aside += [row for row in group if follow.where(row) is None]
        else:
            aside += group
    return moved, aside


def _standing(said: Sequence[tuple[Row, str]]) -> set[str]:
    """Give what still stands: a retraction takes back the last row on the same response that does."""
    stacks: dict[str, list[str]] = defaultdict(list)
    for row, hashed in sorted(said, key=lambda one: (one[0]["created_at"], one[0]["annotation_id"])):
        if row["kind"] != "retraction":
            stacks[hashed].append(row["annotation_id"])
        elif stacks[hashed]:
            stacks[hashed].pop()
    return {found for stack in stacks.values() for found in stack}


def _write(cursor: Cursor, labels: _Labels, moved: Sequence[tuple[Row, str]], aside: Sequence[Row]) -> None:
    same = " AND ".join(f"{labels.table}.{name} = w.{name}" for name in labels.key)
    if moved:
        rows = [{name: row[name] for name in labels.key} | {"new_hash": new} for row, new in moved]
        keep(cursor, "wanted", rows)
        cursor.execute(
            f"UPDATE {labels.table} SET response_hash = w.new_hash FROM wanted AS w WHERE {same}"  # noqa: S608 - our own names
        ).fetchall()
        cursor.execute("DROP TABLE wanted").fetchall()
    if aside:
        keep(cursor, "wanted", [{name: row[name] for name in labels.key} for row in aside])
        cursor.execute(f"DELETE FROM {labels.table} USING wanted AS w WHERE {same}").fetchall()  # noqa: S608
        cursor.execute("DROP TABLE wanted").fetchall()
        keep(cursor, "set_aside", [_set_aside(row) for row in aside])
        cursor.execute("INSERT INTO label_set_aside BY NAME SELECT * FROM set_aside").fetchall()
        cursor.execute("DROP TABLE set_aside").fetchall()


def _set_aside(row: Row) -> Row:
    own = {name: value for name, value in row.items() if not name.startswith("of_")}
    told = {name: value if value is None or isinstance(value, str | int | float) else str(value)
            for name, value in own.items()}  # fmt: skip
    return {
        "label_id": new_id(), "source": row["of_source"], "dataset_id": row["of_dataset"],
        "run_id": row["of_run"], "item_no": row["item_no"], "response_hash": row["response_hash"],
        "content": stored_text(canonical_json(told)), "set_aside_at": stored_time(utc_now()),
    }  # fmt: skip


def rows_of(cursor: Cursor, sql: str, params: Sequence[Any] = ()) -> list[Row]:
    """Give the rows of a query by column name, values as they were before they were stored."""
    cursor.execute(sql, list(params))
    names = [column[0] for column in cursor.description]
    return [
        {name: original_value(value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]


def keep(cursor: Cursor, name: str, rows: Sequence[Row]) -> None:
    """Put rows into a temporary table, so that statements can speak of them."""
    cursor.register("rows_to_keep", pa.Table.from_pylist(list(rows)))
    cursor.execute(f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM rows_to_keep").fetchall()  # noqa: S608
    cursor.unregister("rows_to_keep")
