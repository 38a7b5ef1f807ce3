"""The list of playground submissions, newest first, with a literal text search."""

from __future__ import annotations

from typing import Any

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.playground_models import HistoryCell, HistoryPage, HistoryRow

# The result that counts for every card of every submission.
_RESULTS = f"""
WITH cell AS (
    SELECT e.entry_id, e.dataset_id, e.item_no, c.position, c.run_id
    FROM playground_entry AS e JOIN playground_cell AS c USING (entry_id)
),
result AS (
    SELECT run_id, item_no, status, completion_id, trustworthiness_score, error_kind
    FROM run_item SEMI JOIN cell USING (run_id, item_no)
    {COUNTING_ROW}
)"""  # noqa: S608 - fixed text

_ALL = "matching AS (SELECT entry_id FROM playground_entry)"

# contains() knows no wildcards: what is typed is what is found.
_FOUND = """
matching AS (
    SELECT e.entry_id
    FROM playground_entry AS e JOIN item AS i USING (dataset_id, item_no)
    WHERE contains(lower(i.prompt), lower($search))
    UNION
    SELECT cell.entry_id
    FROM cell JOIN result USING (run_id, item_no)
    JOIN completion AS k USING (dataset_id, item_no, completion_id)
    WHERE contains(lower(k.response), lower($search))
)"""

# The keys of the page first, then their texts: only those rows are read from the wide tables.
_PAGE = """,
page AS (
    SELECT e.entry_id, e.created_at, e.dataset_id, e.item_no
    FROM playground_entry AS e SEMI JOIN matching USING (entry_id)
    ORDER BY e.created_at DESC, e.item_no DESC
    LIMIT $limit OFFSET $offset
),
cards AS (
    SELECT
        cell.entry_id,
        list(run.model ORDER BY cell.position) AS models,
        list(run.quality_preset ORDER BY cell.position) AS quality_presets,
        list(coalesce(result.status, 'pending') ORDER BY cell.position) AS statuses,
        list(result.trustworthiness_score ORDER BY cell.position) AS scores,
        list(result.error_kind ORDER BY cell.position) AS error_kinds
    FROM cell SEMI JOIN page USING (entry_id)
    JOIN run USING (run_id)
    LEFT JOIN result ON result.run_id = cell.run_id AND result.item_no = cell.item_no
    GROUP BY cell.entry_id
)
SELECT
    page.entry_id, page.created_at, left(i.prompt, 300) || if(length(i.prompt) > 300, '…', '') AS prompt,
    cards.models, cards.quality_presets, cards.statuses, cards.scores, cards.error_kinds
FROM page JOIN item AS i USING (dataset_id, item_no) LEFT JOIN cards USING (entry_id)
ORDER BY page.created_at DESC, page.item_no DESC
"""

_COUNT = " SELECT count(*) FROM playground_entry SEMI JOIN matching USING (entry_id)"


def history(store: Store, *, search: str = "", limit: int = 20, offset: int = 0) -> HistoryPage:
    """Give submissions, newest first; with `search` those whose prompt or a response contains that text.

    Upper and lower case do not matter, and no character has a special meaning.
    """
    matching = f"{_RESULTS}, {_FOUND if search else _ALL}"
    wanted: dict[str, Any] = {"search": search} if search else {}
    ((total,),) = store.read(matching + _COUNT, wanted)
    rows = store.read_rows(matching + _PAGE, wanted | {"limit": limit, "offset": offset})
    return HistoryPage(tuple(_row(row) for row in rows), total)


def _row(row: dict[str, Any]) -> HistoryRow:
    columns = (row[name] or () for name in ("models", "quality_presets", "statuses", "scores", "error_kinds"))
    cells = tuple(HistoryCell(*values) for values in zip(*columns, strict=True))
    return HistoryRow(row["entry_id"], row["created_at"], row["prompt"], cells)
