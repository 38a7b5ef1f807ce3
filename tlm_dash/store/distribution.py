"""What the scores of a run look like, in figures. Unscored rows are counted, and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tlm_dash.store.answer_marks import count_not_accepted
from tlm_dash.store.database import Store
from tlm_dash.store.row_filters import RowScope
from tlm_dash.store.rows import listed_sql

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HIGH = 0.999

_FIGURES = """
SELECT
    count(*) AS n, count(*) FILTER (WHERE s IS NULL) AS n_unscored, favg(s) AS mean, stddev_samp(s) AS sd,
    min(s) AS lowest, max(s) AS highest, quantile_cont(s, $quantiles) AS quantiles,
    count(*) FILTER (WHERE s = 0.5) AS n_ties_at_half, count(*) FILTER (WHERE s > $high) AS n_high
FROM (SELECT trustworthiness_score AS s FROM listed)
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Figures over the scored rows of a run; `n` counts all its rows, `n_unscored` those without a score.

    `not_accepted` counts by why the answers that no threshold accepts; they may have scores. `sd` has n − 1
    below (None under two scores), quantiles interpolate linearly. None where none is scored.
    """

    n: int
    n_unscored: int
    mean: float | None
    sd: float | None
    lowest: float | None
    highest: float | None
    quantiles: tuple[float, ...] | None
    n_ties_at_half: int
    n_above_high: int
    not_accepted: Mapping[str, int]

    @property
    def n_scored(self) -> int:
        """Give the number of rows that the figures stand on."""
        return self.n - self.n_unscored


def distribution(store: Store, scope: RowScope) -> Distribution:
    """Measure the scores of a run."""
    rows, params = listed_sql(store, scope, with_labels=False)
    ((n, n_unscored, mean, sd, lowest, highest, quantiles, n_half, n_high),) = store.read(
        f"{rows} {_FIGURES}", params | {"quantiles": list(QUANTILES), "high": HIGH}
    )
    return Distribution(
        n, n_unscored, mean, sd, lowest, highest, tuple(quantiles) if quantiles else None, n_half, n_high,
        count_not_accepted(store, scope.dataset_id, [scope.run_id])[scope.run_id],
    )  # fmt: skip
