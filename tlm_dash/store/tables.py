"""The tables that are written to: columns, key columns, and the statement that appends without doubles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_ARROW_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "json": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Column:
    """A column: `kind` is a name of _ARROW_TYPES."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True)
class Table:
    """A table that rows are appended to.

    `key`: the columns that make a row the same row. `near`: a column that is equal in a row and its
    repetition and grows as rows are added, so that the search for doubles reads only a few row groups of a
    large table; None for small tables.
    """

    name: str
    key: tuple[str, ...]
    near: str | None
    columns: tuple[Column, ...]

    @property
    def schema(self) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """Give the Arrow schema, so that a column of NULLs has its type too."""
        return pa.schema([pa.field(c.name, _ARROW_TYPES[c.kind], c.nullable) for c in self.columns])

    def insert_sql(self, view: str) -> str:
        """Write the statement that appends the rows of `view` that the table does not hold.

        With `near` it takes two parameters: that column's lowest and highest value in `view`.
        """
        names = ", ".join(self.key)
        held = f"SELECT {names} FROM {self.name}"  # noqa: S608 - names of the list below
        if self.near:
            held += f" WHERE {self.near} BETWEEN ? AND ?"
        return (
            f"INSERT INTO {self.name} BY NAME SELECT fresh.* FROM {view} AS fresh "  # noqa: S608 - as above
            f"ANTI JOIN ({held}) AS held USING ({names})"
        )


def _table(name: str, *, key: str, near: str | None = None, columns: str) -> Table:
    parsed = []
    for line in columns.split(","):
        column, kind = line.split()
        parsed.append(Column(column, kind.rstrip("?"), kind.endswith("?")))
    return Table(name, tuple(key.split()), near, tuple(parsed))


# A question mark: the column may be NULL. The statements in sql/ say what each column means.
_TABLES = (
    _table("dataset", key="dataset_id", columns="dataset_id text, name text, kind text, created_at time"),
    _table(
        "item",
        key="dataset_id item_no",
        near="item_no",
        columns="dataset_id text, item_no bigint, prompt text, messages json?, prompt_hash text, "
        "reference text?, created_at time",
    ),
    _table(
        "run",
        key="run_id",
        columns="run_id text, dataset_id text, name text, mode text, answered_by text, endpoint text, "
        "provider text?, model text?, quality_preset text, scorer_model text?, settings json, "
        "settings_hash text, created_at time",
    ),
    _table(
        "attempt",
        key="attempt_id",
        near="sent_at",
        columns="attempt_id text, run_id text, item_no bigint, attempt_no integer, call text, "
        "content_hash text, sent_at time",
    ),
    _table(
        "attempt_end",
        key="attempt_id",
        near="ended_at",
        columns="attempt_id text, outcome text, error_kind text?, error_message text?, http_status integer?, "
        "request_id text?, latency_ms double?, ended_at time",
    ),
    _table(
        "completion",
        key="completion_id",
        near="item_no",
        columns="completion_id text, dataset_id text, item_no bigint, response_hash text, response text, "
        "answered_by text, model text?, resolved_model text?, finish_reason text?, input_tokens bigint?, "
        "output_tokens bigint?, latency_ms double?, first_token_ms double?, is_complete boolean, extra json, "
        "created_at time, is_refusal boolean?",
    ),
    _table(
        "run_item",
        key="run_id item_no attempt_no status written_at",
        near="written_at",
        columns="run_id text, item_no bigint, attempt_no integer, status text, completion_id text?, "
        "response_hash text?, trustworthiness_score double?, unscored_reason text?, error_kind text?, "
        "error_message text?, error_hint text?, score_latency_ms double?, written_at time",
    ),
    _table(
        "run_item_text",
        key="run_id item_no attempt_no",
        near="item_no",
        columns="run_id text, item_no bigint, attempt_no integer, explanation text?, log json",
    ),
    _table(
        "playground_entry",
        key="entry_id",
        columns="entry_id text, dataset_id text, item_no bigint, request json, created_at time",
    ),
    _table(
        "playground_cell", key="entry_id position", columns="entry_id text, position integer, run_id text"
    ),
    _table(
        "dataset_import",
        key="dataset_id",
        columns="dataset_id text, file_name text, format text, encoding text?, delimiter text?, sheet text?, "
        "content_hash text, size_bytes bigint, n_rows_in bigint, n_items bigint, n_rejected bigint, "
        "mapping json, hygiene json, warnings json, created_at time",
    ),
    _table(
        "dataset_reject",
        key="dataset_id row_no",
        near="row_no",
        columns="dataset_id text, row_no bigint, reason text, content text",
    ),
    _table(
        "item_extra",
        key="dataset_id item_no",
        near="item_no",
        columns="dataset_id text, item_no bigint, source_id text?, tags json, extra json",
    ),
    _table(
        "imported_run",
        key="run_id",
        columns="run_id text, dataset_id text, response_column text, score_column text?, "
        "label_column text?, n_items bigint",
    ),
    _table(
        "imported_label",
        key="run_id item_no",
        near="item_no",
        columns="run_id text, item_no bigint, response_hash text?, label text",
    ),
    _table(
        "dataset_deletion",
        key="dataset_id",
        columns="dataset_id text, name text, n_items bigint, deleted_at time",
    ),
    _table(
        "run_plan",
        key="run_id",
        columns="run_id text, grid_id text, position integer, lead_run_id text, source_run_id text?, "
        "n_items bigint, last_item_no bigint, sample_seed bigint?, sample_cut text?, pilot_cut text?, "
        "grid_hash text",
    ),
    _table(
        "run_event",
        key="run_id event_no",
        columns="run_id text, event_no bigint, status text, detail text?, is_pilot boolean, "
        "retries_errors boolean, operational json, counts json?, written_at time",
    ),
    _table(
        "annotation",
        key="annotation_id",
        near="created_at",
        columns="annotation_id text, dataset_id text, item_no bigint, response_hash text, kind text, "
        "verdict text?, note text?, annotator text, source text, run_id text?, plan_id text?, "
        "inclusion_probability double?, score_visible boolean, created_at time, person_id text?",
    ),
    _table(
        "person",
        key="person_id",
        columns="person_id text, name text, name_key text, known_by text, created_at time",
    ),
    _table(
        "person_counted",
        key="person_id decided_at",
        columns="person_id text, counted_as text, decided_by text, decided_at time",
    ),
    _table(
        "label_spelling",
        key="dataset_id label_column spelling created_at",
        columns="dataset_id text, label_column text, spelling text, meaning text, decided_by text?, "
        "created_at time",
    ),
    _table(
        "label_precedence",
        key="dataset_id created_at",
        columns="dataset_id text, sources json, decided_by text?, created_at time",
    ),
    _table(
        "label_basis",
        key="run_id source created_at",
        columns="run_id text, source text, is_uniform boolean, decided_by text?, note text?, created_at time",
    ),
    _table(
        "label_set_aside",
        key="label_id",
        columns="label_id text, source text, dataset_id text, run_id text?, item_no bigint, "
        "response_hash text, content json, set_aside_at time",
    ),
    _table(
        "matcher_application",
        key="application_id",
        columns="application_id text, run_id text, matcher text, n_hits bigint, n_misses bigint, "
        "n_without_reference bigint, applied_by text?, created_at time",
    ),
    _table(
        "matcher_label",
        key="application_id item_no",
        near="item_no",
        columns="application_id text, run_id text, item_no bigint, response_hash text, label integer",
    ),
    _table(
        "label_plan",
        key="plan_id",
        columns="plan_id text, run_id text, dataset_id text, kind text, settings json, seed bigint, "
        "n_items bigint, n_population bigint, double_share double, is_score_blind boolean, created_by text, "
        "created_at time",
    ),
    _table(
        "label_plan_item",
        key="plan_id position",
        near="position",
        columns="plan_id text, position bigint, item_no bigint, response_hash text, stratum integer?, "
        "inclusion_probability double?, n_annotators integer",
    ),
    _table(
        "decision",
        key="decision_id",
        columns="decision_id text, kind text, run_ids json, question text, verdict text, decided_by text, "
        "reason text, record json, record_hash text, created_at time",
    ),
    _table(
        "price",
        key="price_id",
        columns="price_id text, subject text, name text, input_per_million double?, "
        "output_per_million double?, per_request double?, is_removed boolean, created_at time",
    ),
    _table(
        "question",
        key="question_id",
        columns="question_id text, choice_id text?, position integer, dataset_id text, run_id text, "
        "basis text, scorer text?, max_risk double?, review_budget double?, daily_volume double?, "
        "review_share double?, confidence double, rows_are_requests boolean, is_first boolean, "
        "n_settings integer, "
        "n_labelled bigint, item_ranges json, open_ranges json, asked_by text?, asked_at time",
    ),
)
TABLES = {table.name: table for table in _TABLES}
