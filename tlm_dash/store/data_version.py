"""A mark that changes whenever anything is stored that a figure could stand on."""

from __future__ import annotations

from tlm_dash.store.database import Store

# These tables are only ever appended to, so their sizes tell; taking data away leaves a row of its own.
_TABLES = (
    "run", "run_item", "run_event", "completion", "imported_label", "annotation", "label_spelling",
    "label_precedence", "label_basis", "matcher_application", "matcher_label", "label_plan",
    "label_plan_item", "price", "question",
    "dataset_deletion", "person_counted",
)  # fmt: skip
_SIZES = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in _TABLES)  # noqa: S608 - fixed names


def data_version(store: Store) -> tuple[int, ...]:
    """Give the mark; equal marks of one open store mean equal data."""
    return tuple(store.read(_SIZES)[0])
