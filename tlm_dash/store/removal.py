"""Taking a dataset out of all tables.

Everywhere else rows are only ever added. Here they are removed, by one statement per table: a person has
asked for it and confirmed it, and texts that must go (personal data, say) must be gone. It is possible
because one process owns the database; a note of the deletion stays in dataset_deletion.
"""

from __future__ import annotations

from typing import Any

from tlm_dash.store.tables import TABLES

# How the rows of a table are told to belong to the dataset; tables with a dataset_id need no line here.
_OF_RUNS = "run_id IN (SELECT run_id FROM run WHERE dataset_id = $dataset_id)"
_OF_ATTEMPTS = f"attempt_id IN (SELECT attempt_id FROM attempt WHERE {_OF_RUNS})"  # noqa: S608 - our own text
_OF_PLANS = "plan_id IN (SELECT plan_id FROM label_plan WHERE dataset_id = $dataset_id)"
# A note of the deletion; decisions hold figures, no texts; prices and people belong to no dataset.
_KEPT = {"dataset_deletion", "decision", "price", "person", "person_counted"}


def remove_dataset(cursor: Any, dataset_id: str) -> None:  # noqa: ANN401 - duckdb ships no types that fit
    """Remove every row of a dataset and of its runs, inside the transaction of the caller."""
    for name in sorted(TABLES, key=_order):
        if condition := _condition(name):
            cursor.execute(f"DELETE FROM {name} WHERE {condition}", {"dataset_id": dataset_id}).fetchall()  # noqa: S608 - known names


def _condition(name: str) -> str | None:
    columns = {column.name for column in TABLES[name].columns}
    if name in _KEPT:
        return None
    if "dataset_id" in columns:
        return "dataset_id = $dataset_id"
    if "run_id" in columns:
        return _OF_RUNS
    if "plan_id" in columns:
        return _OF_PLANS
    return _OF_ATTEMPTS if "attempt_id" in columns else None


def _order(name: str) -> int:
    """Put tables that point to others before those: ends before attempts before runs."""
    columns = {column.name for column in TABLES[name].columns}
    if "dataset_id" in columns or name in _KEPT:
        return 2
    return 1 if "run_id" in columns else 0
