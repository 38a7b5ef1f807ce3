"""Answers that are never accepted, whatever their score: cut, refused or empty. The one place that says so.

At every threshold such a row goes to people, as a row without a score does; it is in the denominator of
coverage, and it keeps its label and its score. What failed has no answer and is counted with the failures.

An empty answer is written as one that is not complete: so these few are found by two columns of truths, and
the texts of all answers are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.store.database import Store
from tlm_dash.store.item_rows import COUNTING_ROW
from tlm_dash.store.label_parts import TRIMMED

_LONGEST_BLANK = 64
"""Bytes of a response that is looked at for being blank."""

_WHITE = " \t\n\v\f\r\xa0"
"""As TRIMMED in SQL."""

MARK = f"""
    CASE WHEN is_refusal THEN 'refused' WHEN is_complete THEN NULL
        WHEN strlen(response) <= {_LONGEST_BLANK} AND trim(response, {TRIMMED}) = '' THEN 'empty'
        ELSE 'cut' END"""
"""Over rows of `completion`: refused, empty or cut; NULL where an answer may be accepted."""

MARKED_ANSWERS = f"""
marked_answer AS (
    SELECT completion_id, {MARK} AS mark FROM completion
    WHERE dataset_id = $dataset_id AND (is_refusal OR NOT is_complete)
)"""  # noqa: S608 - fixed text
"""Common table expression: the answers of `$dataset_id` that are never accepted. They are few."""

_COUNT = f"""
WITH {MARKED_ANSWERS},
marked_row AS (
    SELECT run_id, item_no, status, attempt_no, written_at, completion_id FROM run_item
    WHERE run_id IN (SELECT unnest($run_ids)) AND status = 'done'
        AND completion_id IN (SELECT completion_id FROM marked_answer)
    {COUNTING_ROW}
)
SELECT run_id, m.mark, count(*) FROM marked_row JOIN marked_answer AS m USING (completion_id)
GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - fixed text


def count_not_accepted(store: Store, dataset_id: str, run_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count the answered rows of runs of a dataset that are never accepted, by why: cut, empty, refused."""
    found: dict[str, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, mark, n in store.read(_COUNT, {"dataset_id": dataset_id, "run_ids": list(run_ids)}):
        found[run_id][mark] = n
    return found


def are_blank(responses: Any) -> Any:  # noqa: ANN401 - Arrow columns
    """Tell which responses are empty but for white space; NULL is none."""
    short = pc.fill_null(pc.less_equal(pc.binary_length(responses), _LONGEST_BLANK), fill_value=False)
    if not pc.any(short).as_py():
        return short
    blank = pc.equal(pc.utf8_trim(responses.filter(short), characters=_WHITE), "")
    return pc.replace_with_mask(short, short, pa.array(blank, pa.bool_()))
