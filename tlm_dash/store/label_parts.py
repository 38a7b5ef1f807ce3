"""What both texts of the label query are made of: rows, what people said and did not take back, spellings."""

from __future__ import annotations

from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.person_rule import VOICES

SOURCES = ("person", "imported", "column", "matcher")
"""Where a label can come from, in the order that counts where nobody chose another."""

# What str.strip() takes away, as far as cells of files hold it.
TRIMMED = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"

# A finished item is never asked again, so that it has one done row; only the others can have several.
RUN_ROWS = f"""
open_row AS MATERIALIZED (
    SELECT * FROM run_item WHERE run_id IN (SELECT unnest($run_ids)) AND status <> 'done'
),
open_done AS MATERIALIZED (
    SELECT run_id, item_no FROM run_item SEMI JOIN open_row USING (run_id, item_no)
    WHERE run_id IN (SELECT unnest($run_ids)) AND status = 'done'
),
run_row AS NOT MATERIALIZED (
    SELECT * FROM run_item WHERE run_id IN (SELECT unnest($run_ids)) AND status = 'done'
    UNION ALL
    SELECT * FROM (
        SELECT * FROM open_row ANTI JOIN open_done USING (run_id, item_no)
        {COUNTING_ROW}
    )
)"""  # noqa: S608 - fixed text

# In the playground a response can be scored again: there an item can have several done rows.
PLAYGROUND_ROWS = f"""
run_row AS MATERIALIZED (
    SELECT * FROM run_item WHERE run_id IN (SELECT unnest($run_ids))
    {COUNTING_ROW}
)"""  # noqa: S608 - fixed text

IS_PLAYGROUND = """
    EXISTS (
        FROM run JOIN dataset AS d USING (dataset_id)
        WHERE d.kind = 'playground' AND run.run_id IN (SELECT unnest($run_ids))
    )"""

# A retraction takes back the last row of the same annotator that still stands, as the closing bracket of it:
# a row stands as long as the depth does not fall below its own later on. What counts then is what each voice
# said last: of people who are one, one.
STANDING = f"""
{VOICES},
deepened AS (
    SELECT *, sum(CASE kind WHEN 'retraction' THEN -1 ELSE 1 END) OVER (
        PARTITION BY response_hash, source, annotator ORDER BY created_at, annotation_id
        ROWS UNBOUNDED PRECEDING
    ) AS depth
    FROM annotation
),
standing AS (
    SELECT * FROM (
        SELECT *, min(depth) OVER (
            PARTITION BY response_hash, source, annotator ORDER BY created_at, annotation_id
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS later_depth
        FROM deepened
    )
    WHERE kind <> 'retraction' AND later_depth >= depth
),
last_said AS (
    SELECT
        s.response_hash, s.source, coalesce(v.voice, s.annotator) AS voice, s.annotator, s.verdict,
        s.created_at
    FROM standing AS s LEFT JOIN voice AS v USING (person_id) WHERE s.kind IN ('verdict', 'skip')
    QUALIFY row_number() OVER (
        PARTITION BY s.response_hash, s.source, coalesce(v.voice, s.annotator)
        ORDER BY s.created_at DESC, s.annotation_id DESC
    ) = 1
),
settled AS (
    SELECT response_hash, source, verdict FROM standing WHERE kind = 'resolution'
    QUALIFY row_number() OVER (
        PARTITION BY response_hash, source ORDER BY created_at DESC, annotation_id DESC
    ) = 1
),
spoken AS (
    SELECT
        response_hash, source, list(DISTINCT annotator) FILTER (WHERE verdict IS NOT NULL) AS annotators,
        list(DISTINCT voice) FILTER (WHERE verdict IS NOT NULL) AS voices,
        CASE WHEN count(DISTINCT verdict) = 1 THEN min(verdict) WHEN count(verdict) > 0 THEN 'unsure'
            ELSE 'skipped' END AS agreed
    FROM last_said GROUP BY response_hash, source
),
verdict AS (
    SELECT
        response_hash,
        max(coalesce(settled.verdict, agreed)) FILTER (WHERE source = 'person') AS person,
        max(coalesce(settled.verdict, agreed)) FILTER (WHERE source = 'imported') AS imported,
        list_sort(list_distinct(flatten(list(annotators) FILTER (WHERE annotators IS NOT NULL))))
            AS annotators,
        len(list_distinct(flatten(list(voices) FILTER (WHERE voices IS NOT NULL)))) AS n_voices
    FROM spoken FULL JOIN settled USING (response_hash, source)
    GROUP BY response_hash
)"""  # noqa: S608 - fixed text

SPELLINGS = """
spelling AS (
    SELECT dataset_id, label_column, spelling, meaning FROM label_spelling
    QUALIFY row_number() OVER (
        PARTITION BY dataset_id, label_column, spelling ORDER BY created_at DESC
    ) = 1
)"""

_OF_ROW = """run_id, item_no, attempt_no, status, completion_id, response_hash, trustworthiness_score,
        unscored_reason, error_kind, error_message, error_hint, score_latency_ms, written_at"""

NO_LABELS = f"""
run_label AS NOT MATERIALIZED (
    SELECT
        {_OF_ROW},
        CAST(NULL AS INTEGER) AS label, CAST(NULL AS VARCHAR) AS label_source, 'none' AS label_state,
        CAST(0 AS BIGINT) AS n_annotators, CAST(NULL AS VARCHAR[]) AS annotators, false AS has_person,
        false AS has_imported, false AS has_column, false AS has_matcher
    FROM run_row
)"""  # noqa: S608 - fixed text


def run_label(said: str, source: str, table: str) -> str:
    """Write the table expression `run_label` over rows with what each source says of them.

    `said` and `source` are expressions over `table`: what counts, and who said it.
    """
    return f"""
run_label AS NOT MATERIALIZED (
    SELECT
        {_OF_ROW},
        CASE {said} WHEN 'correct' THEN 1 WHEN 'incorrect' THEN 0 END AS label, {source} AS label_source,
        CASE
            WHEN {said} IN ('correct', 'incorrect') THEN 'labelled'
            WHEN {said} IS NOT NULL THEN 'unsure'
            WHEN person IS NOT NULL OR imported IS NOT NULL THEN 'skipped'
            ELSE 'none' END AS label_state,
        coalesce(n_voices, 0) AS n_annotators, annotators, person IS NOT NULL AS has_person,
        imported IS NOT NULL AS has_imported, meaning IS NOT NULL AS has_column,
        found IS NOT NULL AS has_matcher
    FROM {table}
)"""  # noqa: S608 - fixed text
