"""The rows of an export: every column of some runs, one row for each item of each run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tlm_dash.models import EXPORT_MARK
from tlm_dash.store.labels import STANDING
from tlm_dash.store.selected_items import NOT_REACHED

OF_RUN = "the run"
"""Source of a column that has one value in all rows of a run."""

OF_FIRST_ROW = "the first row"
"""Source of a column of the run that only its first row tells: it is long, and once is enough."""

Kind = Literal["text", "json", "bigint", "integer", "double", "boolean"]


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: `source` is OF_RUN, OF_FIRST_ROW, or an expression over the tables of `chunk_rows`."""

    name: str
    kind: Kind
    source: str


def _columns(*lines: tuple[str, Kind, str]) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(*line) for line in lines)


_TIME = "'%Y-%m-%dT%H:%M:%S.%fZ'"

EXPORT_COLUMNS = _columns(
    ("dataset", "text", OF_RUN),
    ("dataset_id", "text", OF_RUN),
    ("item_no", "bigint", "r.item_no"),
    ("source_id", "text", "i.source_id"),
    ("prompt", "text", "i.prompt"),
    ("system", "text", "i.system"),
    ("messages", "json", "i.whole"),
    ("reference", "text", "i.reference"),
    ("run", "text", OF_RUN),
    ("run_id", "text", OF_RUN),
    ("mode", "text", OF_RUN),
    ("answered_by", "text", OF_RUN),
    ("endpoint", "text", OF_RUN),
    ("provider", "text", OF_RUN),
    ("model", "text", OF_RUN),
    ("resolved_model", "text", "c.resolved_model"),
    ("quality_preset", "text", OF_RUN),
    ("scorer_model", "text", OF_RUN),
    ("run_settings", "json", OF_FIRST_ROW),
    ("response", "text", "c.response"),
    ("finish_reason", "text", "c.finish_reason"),
    ("is_complete", "boolean", "c.is_complete"),
    ("is_refusal", "boolean", "c.is_refusal"),
    ("trustworthiness_score", "double", "r.trustworthiness_score"),
    ("unscored_reason", "text", "r.unscored_reason"),
    ("explanation", "text", "t.explanation"),
    ("log", "json", "nullif(t.log, '{}')"),
    ("status", "text", "r.status"),
    ("error_kind", "text", "r.error_kind"),
    ("error_message", "text", "r.error_message"),
    ("error_hint", "text", "r.error_hint"),
    ("attempt_no", "integer", "r.attempt_no"),
    ("latency_ms", "double", "c.latency_ms"),
    ("first_token_ms", "double", "c.first_token_ms"),
    ("score_latency_ms", "double", "r.score_latency_ms"),
    ("input_tokens", "bigint", "c.input_tokens"),
    ("output_tokens", "bigint", "c.output_tokens"),
    ("label", "integer", "r.label"),
    ("label_source", "text", "r.label_source"),
    ("label_state", "text", "r.label_state"),
    ("label_column", "text", OF_RUN),
    ("label_text", "text", "l.label"),
    ("label_order", "json", OF_FIRST_ROW),
    ("verdicts", "text", "a.verdicts"),
    ("notes", "text", "a.notes"),
    ("plan_id", "text", "a.plan_id"),
    ("inclusion_probability", "double", "a.inclusion_probability"),
    ("score_visible", "boolean", "a.score_visible"),
    ("annotations", "json", "a.annotations"),
    ("tags", "json", "nullif(i.tags, '{}')"),
    ("extra", "json", "nullif(i.extra, '{}')"),
    ("response_extra", "json", "nullif(c.extra, '{}')"),
    ("written_at", "text", f"strftime(r.written_at, {_TIME})"),
    ("prompt_hash", "text", "i.prompt_hash"),
    ("response_hash", "text", "r.response_hash"),
    (EXPORT_MARK, "text", OF_RUN),
)


def pick_rows(labels: str, condition: str, *, is_first: bool) -> str:
    """Write the statement that puts the wanted rows of one run, without their texts, into a temporary table.

    `labels` are the table expressions up to `run_label`; `condition` speaks of its rows as `r`. Parameters:
    `$run_ids` with the one run, `$place` of the run among those of an item.
    """
    into = "CREATE TEMPORARY TABLE export_row AS" if is_first else "INSERT INTO export_row BY NAME"
    return f"""
{into}
WITH {labels}, {NOT_REACHED}
SELECT r.*, CAST($place AS INTEGER) AS place
FROM (
    SELECT * FROM run_label UNION ALL BY NAME SELECT *, 'none' AS label_state FROM not_reached
) AS r
WHERE {condition}
"""  # noqa: S608 - our own text


_USER = """'{"content":' || CAST(to_json(prompt) AS VARCHAR) || ',"role":"user"}'"""

# Without messages the prompt is all there is. A list of them ends in the prompt: as long as this, it holds
# nothing else. Told by lengths, which costs much less than comparing the texts.
_IS_SHORTEST = "coalesce(strlen(messages) = strlen(prompt) + 30, true)"

# A blank system prompt would not come back as a message: then the messages are told as they are.
_HAS_TEXT = "(system IS NULL OR regexp_matches(system, '[!-~]'))"

# Most conversations are a prompt, or a system prompt and a prompt: those columns say all of it then.
_ITEMS = f"""
item_part AS (
    SELECT *,
        CASE WHEN {_IS_SHORTEST} THEN NULL
            WHEN messages <> '[' || {_USER} || ']' AND json_extract_string(messages, '$[0].role') = 'system'
            THEN json_extract_string(messages, '$[0].content') END AS system
    FROM item WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
),
extra_part AS (
    SELECT item_no, source_id, tags, extra FROM item_extra
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
),
whole_item AS (
    SELECT i.*, e.source_id, e.tags, e.extra,
        CASE WHEN {_IS_SHORTEST} THEN NULL WHEN {_HAS_TEXT} AND messages = '[' || coalesce(
            '{{"content":' || CAST(to_json(system) AS VARCHAR) || ',"role":"system"}},', ''
        ) || {_USER} || ']' THEN NULL ELSE messages END AS whole
    FROM item_part AS i LEFT JOIN extra_part AS e USING (item_no)
)"""  # noqa: S608 - our own text

_SAID = f"""
said AS (
    WITH {STANDING},
    asked AS (SELECT DISTINCT response_hash FROM part WHERE response_hash IS NOT NULL),
    history AS (
        SELECT response_hash, CAST(to_json(list({{
            'kind': kind, 'verdict': verdict, 'note': note, 'annotator': annotator, 'source': source,
            'plan_id': plan_id, 'inclusion_probability': inclusion_probability,
            'score_visible': score_visible, 'created_at': strftime(created_at, {_TIME})
        }} ORDER BY created_at, annotation_id)) AS VARCHAR) AS annotations
        FROM annotation SEMI JOIN asked USING (response_hash) GROUP BY response_hash
    ),
    told AS (
        SELECT response_hash,
            string_agg(annotator || ': ' || coalesce(verdict, kind), chr(10) ORDER BY created_at)
                FILTER (WHERE kind IN ('verdict', 'resolution', 'skip')) AS verdicts,
            string_agg(annotator || ': ' || note, chr(10) ORDER BY created_at)
                FILTER (WHERE note IS NOT NULL) AS notes,
            arg_max(plan_id, created_at) FILTER (WHERE plan_id IS NOT NULL) AS plan_id,
            arg_max(inclusion_probability, created_at) FILTER (WHERE plan_id IS NOT NULL)
                AS inclusion_probability,
            arg_max(score_visible, created_at) AS score_visible
        FROM standing SEMI JOIN asked USING (response_hash) GROUP BY response_hash
    )
    SELECT * FROM history LEFT JOIN told USING (response_hash)
)"""  # noqa: S608 - our own text

_SILENT = """
said AS (
    SELECT CAST(NULL AS VARCHAR) AS response_hash, CAST(NULL AS VARCHAR) AS annotations,
        CAST(NULL AS VARCHAR) AS verdicts, CAST(NULL AS VARCHAR) AS notes, CAST(NULL AS VARCHAR) AS plan_id,
        CAST(NULL AS DOUBLE) AS inclusion_probability, CAST(NULL AS BOOLEAN) AS score_visible
    WHERE false
)"""


RUNS = """
SELECT d.name AS dataset, d.dataset_id, run.name AS run, run.run_id, run.mode, run.answered_by, run.endpoint,
    run.provider, run.model, run.quality_preset, run.scorer_model, run.settings AS run_settings,
    m.label_column, o.sources AS label_order
FROM run JOIN dataset AS d USING (dataset_id)
LEFT JOIN imported_run AS m ON m.run_id = run.run_id
LEFT JOIN (
    SELECT dataset_id, sources FROM label_precedence
    QUALIFY row_number() OVER (PARTITION BY dataset_id ORDER BY created_at DESC) = 1
) AS o ON o.dataset_id = run.dataset_id
WHERE run.run_id IN (SELECT unnest($run_ids))
ORDER BY list_position($run_ids, run.run_id)
"""
"""What is the same in all rows of a run, run by run, in the order of `$run_ids`."""


def chunk_rows(*, annotated: bool) -> str:
    """Write the query for the rows of `export_row` whose items lie between `$low` and `$high`, in any order.

    Gives item_no and place of the run first, then the columns that are not of the run. `annotated`: there are
    annotations to look up. One more parameter: `$dataset_id`.
    """
    own = [column for column in EXPORT_COLUMNS if column.source not in (OF_RUN, OF_FIRST_ROW)]
    listed = ", ".join(f"{column.source} AS {column.name}" for column in own)
    return f"""
WITH part AS (SELECT * FROM export_row WHERE item_no BETWEEN $low AND $high),
{_ITEMS},
{_SAID if annotated else _SILENT}
SELECT r.item_no AS of_item, r.place, {listed}
FROM part AS r
JOIN whole_item AS i ON i.item_no = r.item_no
LEFT JOIN (
    SELECT * FROM completion WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
) AS c ON c.completion_id = r.completion_id
LEFT JOIN (
    SELECT * FROM run_item_text SEMI JOIN (SELECT DISTINCT run_id FROM part) USING (run_id)
    WHERE item_no BETWEEN $low AND $high
) AS t ON t.run_id = r.run_id AND t.item_no = r.item_no AND t.attempt_no = r.attempt_no
LEFT JOIN (
    SELECT * FROM imported_label SEMI JOIN (SELECT DISTINCT run_id FROM part) USING (run_id)
    WHERE item_no BETWEEN $low AND $high
) AS l ON l.run_id = r.run_id AND l.item_no = r.item_no
LEFT JOIN said AS a ON a.response_hash = r.response_hash
"""  # noqa: S608 - our own text
