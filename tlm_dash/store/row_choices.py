"""What there is to filter the rows of a run by: the values that occur, with how often they do."""

from __future__ import annotations

from dataclasses import dataclass

from tlm_dash.store.database import Store
from tlm_dash.store.row_filters import RowScope
from tlm_dash.store.rows import listed_sql

MOST_VALUES = 200

_KINDS = """
SELECT status, coalesce(error_kind, ''), count(*) FROM listed GROUP BY ALL ORDER BY 3 DESC, 1, 2
"""

_FINISH_REASONS = """
SELECT coalesce(finish_reason, '') AS reason, count(*) FROM completion
WHERE dataset_id = ? GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT ?
"""

# Columns of a file: every row has the same ones, or leaves some out.
_TAG_NAMES = """
SELECT DISTINCT unnest(json_keys(tags)) AS name FROM (
    SELECT tags FROM item_extra WHERE dataset_id = ? AND tags <> '{}' LIMIT 5000
) ORDER BY name
"""

_TAG_VALUES = """
SELECT json_extract_string(tags, $pointer) AS value, count(*) FROM item_extra
WHERE dataset_id = $dataset_id GROUP BY value HAVING value IS NOT NULL ORDER BY 2 DESC, 1 LIMIT $most
"""

_ANNOTATORS = """
SELECT DISTINCT a.annotator FROM annotation AS a
WHERE a.kind = 'verdict' AND a.dataset_id = ? ORDER BY a.annotator LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class RowChoices:
    """Values that occur, most frequent first, with their counts over the run, or over the dataset for finish
    reasons; `tags` are names only."""

    statuses: dict[str, int]
    error_kinds: dict[str, int]
    finish_reasons: dict[str, int]
    tags: tuple[str, ...]


def row_choices(store: Store, scope: RowScope) -> RowChoices:
    """Look up what a run can be filtered by."""
    rows, params = listed_sql(store, scope, with_labels=False)
    statuses: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for status, kind, n in store.read(f"{rows} {_KINDS}", params):
        statuses[status] = statuses.get(status, 0) + n
        if status == "error":
            kinds[kind] = n
    return RowChoices(
        statuses,
        kinds,
        dict(store.read(_FINISH_REASONS, [scope.dataset_id, MOST_VALUES])),
        tuple(name for (name,) in store.read(_TAG_NAMES, [scope.dataset_id])),
    )


def tag_values(store: Store, dataset_id: str, name: str) -> dict[str, int]:
    """Give the most frequent values of a tag, with their counts over the dataset."""
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    wanted = {"dataset_id": dataset_id, "pointer": pointer, "most": MOST_VALUES}
    return dict(store.read(_TAG_VALUES, wanted))


def annotators(store: Store, dataset_id: str) -> tuple[str, ...]:
    """Name the people who gave verdicts at items of a dataset."""
    return tuple(name for (name,) in store.read(_ANNOTATORS, [dataset_id, MOST_VALUES]))
