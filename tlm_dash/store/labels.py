"""The label of every row of some runs, in one query that pages, exports and statistics share.

RUN_LABELS is a list of common table expressions to stand after WITH; its parameter is `$run_ids`, a list. The
last one, `run_label`, has one row for each item that a run has a row for: all columns of `run_item`, and

    label          1 correct, 0 incorrect, NULL where there is none or it is open
    label_source   person, imported, column or matcher; NULL where no source says anything
    label_state    labelled, unsure (said so, or people disagree), skipped, or none
    n_annotators   people who gave a verdict on this prompt and response, in whichever run, nobody twice
    annotators     their names as a list, as they wrote them; NULL where there are none
    has_person, has_imported, has_column, has_matcher: which of the sources in use say anything

Items that a run has not come to yet have no row here. `run_labels` gives a shorter text with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.store.database import Store
from tlm_dash.store.label_parts import (
    IS_PLAYGROUND,
    NO_LABELS,
    PLAYGROUND_ROWS,
    RUN_ROWS,
    SOURCES,
    SPELLINGS,
    STANDING,
    TRIMMED,
    run_label,
)
from tlm_dash.store.labels_of_run import labels_of_run

__all__ = ["RUN_LABELS", "SOURCES", "SPELLINGS", "STANDING", "TRIMMED", "run_labels"]

# A source that is not used has no rank.
_RANKS = """
chosen_order AS (
    SELECT dataset_id, from_json(sources, '["VARCHAR"]') AS sources FROM label_precedence
    QUALIFY row_number() OVER (PARTITION BY dataset_id ORDER BY created_at DESC) = 1
),
wanted AS (
    SELECT
        run.run_id, run.dataset_id, i.label_column,
        coalesce(o.sources, ['person', 'imported', 'column', 'matcher']) AS sources
    FROM run LEFT JOIN imported_run AS i ON i.run_id = run.run_id
    LEFT JOIN chosen_order AS o ON o.dataset_id = run.dataset_id
    WHERE run.run_id IN (SELECT unnest($run_ids))
),
ranked AS (
    SELECT
        run_id, dataset_id, label_column,
        nullif(coalesce(list_position(sources, 'person'), 0), 0) AS person_rank,
        nullif(coalesce(list_position(sources, 'imported'), 0), 0) AS imported_rank,
        nullif(coalesce(list_position(sources, 'column'), 0), 0) AS column_rank,
        nullif(coalesce(list_position(sources, 'matcher'), 0), 0) AS matcher_rank
    FROM wanted
)"""

_VERDICTS = """
of_people AS NOT MATERIALIZED (
    SELECT
        k.run_id, v.response_hash, v.annotators, v.n_voices,
        CASE WHEN k.person_rank IS NOT NULL THEN v.person END AS person,
        CASE WHEN k.imported_rank IS NOT NULL THEN v.imported END AS imported,
        CASE WHEN v.person <> 'skipped' THEN k.person_rank END AS person_rank,
        CASE WHEN v.imported <> 'skipped' THEN k.imported_rank END AS imported_rank
    FROM verdict AS v CROSS JOIN ranked AS k
)"""

# A run with a label column of its own uses that; another uses what the columns of its dataset say of the
# same responses.
_COLUMN = f"""
read_label AS NOT MATERIALIZED (
    SELECT l.run_id, i.dataset_id, l.item_no, l.response_hash, s.meaning
    FROM imported_label AS l JOIN imported_run AS i ON i.run_id = l.run_id
    JOIN spelling AS s
        ON s.dataset_id = i.dataset_id AND s.label_column = i.label_column
        AND s.spelling = trim(l.label, {TRIMMED})
    WHERE l.response_hash IS NOT NULL AND s.meaning <> 'ignored'
),
of_column AS NOT MATERIALIZED (
    SELECT k.run_id, l.item_no, l.response_hash, l.meaning, k.column_rank
    FROM read_label AS l JOIN ranked AS k ON k.run_id = l.run_id
    WHERE k.column_rank IS NOT NULL
    UNION ALL
    SELECT
        k.run_id, l.item_no, l.response_hash,
        CASE WHEN count(DISTINCT l.meaning) = 1 THEN min(l.meaning) ELSE 'unsure' END, k.column_rank
    FROM read_label AS l JOIN ranked AS k ON k.dataset_id = l.dataset_id
    WHERE k.label_column IS NULL AND k.column_rank IS NOT NULL
    GROUP BY k.run_id, l.item_no, l.response_hash, k.column_rank
)"""  # noqa: S608 - fixed text

# A run with an application of its own uses the latest of them; another uses what was applied to the same
# responses in other runs of its dataset.
_MATCHER = """
latest_matcher AS (
    SELECT application_id, run_id, matcher, created_at FROM matcher_application
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at DESC, application_id DESC) = 1
),
used_matcher AS (
    SELECT k.run_id, k.matcher_rank, a.application_id, a.created_at
    FROM ranked AS k JOIN run AS r ON r.dataset_id = k.dataset_id
    JOIN latest_matcher AS a ON a.run_id = r.run_id
    WHERE a.matcher <> 'none' AND k.matcher_rank IS NOT NULL
        AND (a.run_id = k.run_id OR k.run_id NOT IN (SELECT run_id FROM latest_matcher))
),
of_matcher AS NOT MATERIALIZED (
    SELECT
        u.run_id, m.item_no, m.response_hash, u.matcher_rank, arg_max(
            CASE m.label WHEN 1 THEN 'correct' ELSE 'incorrect' END, u.created_at
        ) AS found
    FROM matcher_label AS m JOIN used_matcher AS u USING (application_id)
    GROUP BY u.run_id, m.item_no, m.response_hash, u.matcher_rank
)"""

_PEOPLE_JOIN = """
    LEFT JOIN of_people AS p ON p.run_id = r.run_id AND p.response_hash = r.response_hash"""
_COLUMN_JOIN = """
    LEFT JOIN of_column AS c
        ON c.run_id = r.run_id AND c.item_no = r.item_no AND c.response_hash = r.response_hash"""
_MATCHER_JOIN = """
    LEFT JOIN of_matcher AS m
        ON m.run_id = r.run_id AND m.item_no = r.item_no AND m.response_hash = r.response_hash"""

_PEOPLE_COLUMNS = ("p.person", "p.imported", "p.annotators", "p.n_voices", "p.person_rank", "p.imported_rank")
_COLUMN_COLUMNS = ("c.meaning", "c.column_rank")
_MATCHER_COLUMNS = ("m.found", "m.matcher_rank")

_TOLD = """
told AS NOT MATERIALIZED (
    SELECT *,
        CASE best_rank
            WHEN person_rank THEN 'person' WHEN imported_rank THEN 'imported' WHEN column_rank THEN 'column'
            WHEN matcher_rank THEN 'matcher' END AS label_source,
        CASE best_rank
            WHEN person_rank THEN person WHEN imported_rank THEN imported WHEN column_rank THEN meaning
            WHEN matcher_rank THEN found END AS said
    FROM heard
)"""

_FOUND = f"""
SELECT
    EXISTS (FROM annotation),
    EXISTS (
        FROM label_spelling WHERE dataset_id IN (
            SELECT dataset_id FROM run WHERE run_id IN (SELECT unnest($run_ids))
        )
    ),
    EXISTS (
        FROM matcher_application AS a JOIN run USING (run_id) WHERE run.dataset_id IN (
            SELECT dataset_id FROM run WHERE run_id IN (SELECT unnest($run_ids))
        )
    ),{IS_PLAYGROUND}
"""  # noqa: S608 - fixed text


def _query(*, people: bool, column: bool, matcher: bool, rows: str) -> str:
    if not (people or column or matcher):
        return ",".join((rows, NO_LABELS))
    parts, columns, joins = [rows, _RANKS], ["r.*"], ""
    for used, texts, names, join in (
        (people, (STANDING, _VERDICTS), _PEOPLE_COLUMNS, _PEOPLE_JOIN),
        (column, (SPELLINGS, _COLUMN), _COLUMN_COLUMNS, _COLUMN_JOIN),
        (matcher, (_MATCHER,), _MATCHER_COLUMNS, _MATCHER_JOIN),
    ):
        parts += texts if used else ()
        columns += names if used else [f"NULL AS {name[2:]}" for name in names]
        joins += join if used else ""
    ranks = [name for name in columns if name.endswith("_rank") and name[1] == "."]
    heard = (
        f"\nheard AS NOT MATERIALIZED (\n    SELECT\n        {', '.join(columns)},\n"  # noqa: S608 - fixed names
        f"        least({', '.join(ranks)}) AS best_rank\n    FROM run_row AS r{joins}\n)"
    )
    return ",".join((*parts, heard, _TOLD, run_label("said", "label_source", "told")))


RUN_LABELS = _query(people=True, column=True, matcher=True, rows=PLAYGROUND_ROWS)


def run_labels(store: Store, run_ids: Sequence[str]) -> str:
    """Give RUN_LABELS without the sources that have nothing to say of these runs: the same rows, sooner.

    To be asked before each query, since a label may have come meanwhile; it takes a millisecond.
    """
    if len(run_ids) == 1:
        return labels_of_run(store, run_ids[0])
    ((people, column, matcher, asked),) = store.read(_FOUND, {"run_ids": list(run_ids)})
    rows = PLAYGROUND_ROWS if asked else RUN_ROWS
    return _query(people=people, column=column, matcher=matcher, rows=rows)
