"""The label query for one run, the usual case: what is known of the run makes it shorter and faster.

Columns and rows are those of labels.RUN_LABELS. With one run the order of sources is known beforehand, so
that the first source that says something is a coalesce; and where an item has one label at most, rows find it
by their number alone.
"""

from __future__ import annotations

import json

from tlm_dash.store.database import Store
from tlm_dash.store.label_parts import (
    NO_LABELS,
    PLAYGROUND_ROWS,
    RUN_ROWS,
    SOURCES,
    SPELLINGS,
    STANDING,
    TRIMMED,
    run_label,
)

_KNOWN = """
WITH mine AS (SELECT dataset_id FROM run WHERE run_id = $run_id),
of_dataset AS (SELECT run_id FROM run WHERE dataset_id IN (FROM mine)),
applied AS (
    SELECT run_id, matcher FROM matcher_application WHERE run_id IN (FROM of_dataset)
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at DESC, application_id DESC) = 1
)
SELECT
    EXISTS (FROM annotation),
    EXISTS (FROM label_spelling WHERE dataset_id IN (FROM mine)),
    (SELECT label_column FROM imported_run WHERE run_id = $run_id),
    (SELECT count(*) FROM imported_run WHERE label_column IS NOT NULL AND dataset_id IN (FROM mine)),
    (SELECT matcher FROM applied WHERE run_id = $run_id),
    (SELECT count(*) FROM applied WHERE matcher <> 'none'),
    (
        SELECT sources FROM label_precedence WHERE dataset_id IN (FROM mine)
        ORDER BY created_at DESC LIMIT 1
    ),
    EXISTS (FROM dataset WHERE kind = 'playground' AND dataset_id IN (FROM mine))
"""

_MINE = "run_id IN (SELECT unnest($run_ids))"
_DATASET = f"SELECT dataset_id FROM run WHERE {_MINE}"  # noqa: S608 - fixed text

_READ = f"""
read_label AS NOT MATERIALIZED (
    SELECT l.item_no, l.response_hash, s.meaning
    FROM imported_label AS l JOIN imported_run AS i ON i.run_id = l.run_id
    JOIN spelling AS s
        ON s.dataset_id = i.dataset_id AND s.label_column = i.label_column
        AND s.spelling = trim(l.label, {TRIMMED})
    WHERE l.response_hash IS NOT NULL AND s.meaning <> 'ignored' AND """  # noqa: S608 - fixed text

_OWN_COLUMN = f"{_READ}l.{_MINE}\n)"
_OTHER_COLUMN = f"{_READ}i.dataset_id IN ({_DATASET})\n)"
_AGREED_COLUMN = f"""{_OTHER_COLUMN},
agreed_label AS NOT MATERIALIZED (
    SELECT
        item_no, response_hash,
        CASE WHEN count(DISTINCT meaning) = 1 THEN min(meaning) ELSE 'unsure' END AS meaning
    FROM read_label GROUP BY item_no, response_hash
)"""  # noqa: S608 - fixed text

_LATEST = """
latest_matcher AS (
    SELECT application_id, run_id, matcher, created_at FROM matcher_application
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at DESC, application_id DESC) = 1
),
found_label AS NOT MATERIALIZED ("""
_ONE_FOUND = """
    SELECT item_no, response_hash, CASE label WHEN 1 THEN 'correct' ELSE 'incorrect' END AS found
    FROM matcher_label WHERE application_id IN (SELECT application_id FROM latest_matcher WHERE """
_OF_DATASET = f"matcher <> 'none' AND run_id IN (SELECT run_id FROM run WHERE dataset_id IN ({_DATASET}))"  # noqa: S608
_OWN_MATCHER = f"{_LATEST}{_ONE_FOUND}{_MINE})\n)"
_ONE_MATCHER = f"{_LATEST}{_ONE_FOUND}{_OF_DATASET})\n)"
_OTHER_MATCHERS = f"""{_LATEST}
    SELECT
        m.item_no, m.response_hash,
        arg_max(CASE m.label WHEN 1 THEN 'correct' ELSE 'incorrect' END, a.created_at) AS found
    FROM matcher_label AS m JOIN latest_matcher AS a USING (application_id) JOIN run ON run.run_id = a.run_id
    WHERE a.matcher <> 'none' AND run.dataset_id IN ({_DATASET})
    GROUP BY m.item_no, m.response_hash
)"""  # noqa: S608 - fixed text

_PEOPLE_JOIN = "\n    LEFT JOIN verdict AS v ON v.response_hash = r.response_hash"
# One label an item: the response is compared after it was found, which is cheaper than finding it by both. A
# run of a file has the labels of its own responses: those are not compared at all.
_ONE_COLUMN_JOIN = "\n    LEFT JOIN read_label AS c ON c.item_no = r.item_no"
_COLUMN_JOIN = """
    LEFT JOIN agreed_label AS c ON c.item_no = r.item_no AND c.response_hash = r.response_hash"""
_ONE_MATCHER_JOIN = "\n    LEFT JOIN found_label AS m ON m.item_no = r.item_no"
_SAME = "CASE WHEN {one}.response_hash = r.response_hash THEN {one}.{value} END"

# What each source says; a skip says nothing of the response.
_SAYS = {
    "person": "nullif(person, 'skipped')",
    "imported": "nullif(imported, 'skipped')",
    "column": "meaning",
    "matcher": "found",
}


def labels_of_run(store: Store, run_id: str) -> str:
    """Give the common table expressions for one run, without the sources that have nothing to say of it."""
    ((people, spelled, own_column, n_columns, own_matcher, n_matchers, chosen, asked),) = store.read(
        _KNOWN, {"run_id": run_id}
    )
    order = [source for source in (SOURCES if chosen is None else json.loads(chosen)) if source in SOURCES]
    rows = PLAYGROUND_ROWS if asked else RUN_ROWS
    parts, values, joins = [rows], {"annotators": "CAST(NULL AS VARCHAR[])", "n_voices": "0"}, ""
    if people:
        parts.append(STANDING)
        joins += _PEOPLE_JOIN
        values |= {
            "person": "v.person", "imported": "v.imported", "annotators": "v.annotators",
            "n_voices": "v.n_voices",
        }  # fmt: skip
    if spelled and n_columns and "column" in order:
        is_one = own_column is not None or n_columns == 1
        own = _OWN_COLUMN if own_column is not None else _OTHER_COLUMN
        parts += [SPELLINGS, own if is_one else _AGREED_COLUMN]
        joins += _ONE_COLUMN_JOIN if is_one else _COLUMN_JOIN
        compares = is_one and own_column is None
        values["meaning"] = _SAME.format(one="c", value="meaning") if compares else "c.meaning"
    is_matched = own_matcher != "none" if own_matcher is not None else n_matchers > 0
    if is_matched and "matcher" in order:
        is_one = own_matcher is not None or n_matchers == 1
        other = _ONE_MATCHER if is_one else _OTHER_MATCHERS
        parts.append(_OWN_MATCHER if own_matcher is not None else other)
        joins += _ONE_MATCHER_JOIN + ("" if is_one else " AND m.response_hash = r.response_hash")
        values["found"] = _SAME.format(one="m", value="found") if is_one else "m.found"
    if not joins:
        return ",".join((rows, NO_LABELS))
    return ",".join((*parts, _heard(values, joins, order), _label(order)))


def _heard(values: dict[str, str], joins: str, order: list[str]) -> str:
    nothing = "CAST(NULL AS VARCHAR)"
    for source in ("person", "imported"):
        if source not in order:
            values.pop(source, None)
    columns = [
        f"{values.get(name, nothing)} AS {name}" for name in ("person", "imported", "meaning", "found")
    ]
    columns += [f"{values[name]} AS {name}" for name in ("annotators", "n_voices")]
    selected = ",\n        ".join(["r.*", *columns])
    return f"\nheard AS NOT MATERIALIZED (\n    SELECT\n        {selected}\n    FROM run_row AS r{joins}\n)"  # noqa: S608 - fixed names


def _label(order: list[str]) -> str:
    said = f"coalesce({', '.join(_SAYS[source] for source in order)})"
    cases = " ".join(f"WHEN {_SAYS[source]} IS NOT NULL THEN '{source}'" for source in order)
    return run_label(said, f"CASE {cases} END", "heard")
