"""What the scores of a run look like, in figures. Unscored rows are counted, and in nothing else."""

from __future__ import annotations

from tlm_dash.store.answer_marks import count_not_accepted
from tlm_dash.store.database import Store
from tlm_dash.store.row_filters import RowScope
from tlm_dash.store.rows import listed_sql
from tlm_dash.store.score_figures import FIGURES, Distribution, distribution_from


def distribution(store: Store, scope: RowScope) -> Distribution:
    """Measure the scores of a run."""
    rows, params = listed_sql(store, scope, with_labels=False)
    (found,) = store.read_rows(
        f"{rows} SELECT {FIGURES} FROM (SELECT trustworthiness_score AS s FROM listed)",  # noqa: S608 - our own text
        params,
    )
    return distribution_from(found, count_not_accepted(store, scope.dataset_id, [scope.run_id])[scope.run_id])
