"""How many labels a target takes, settled before there are any: a fact about samples with few errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tlm_dash.analysis.thresholds import rows_needed

MOST_ACCEPTED = 100_000
"""Beyond so many labels, none are called enough."""


@dataclass(frozen=True, slots=True)
class LabelsNeeded:
    """`n_accepted` labelled rows above the threshold, `n_wrong` of them wrong, would show the target.

    `n_labels` of a uniform sample hold as many where a share of all rows is accepted. Both are None where no
    number does, and `reason` says why.
    """

    n_accepted: int | None
    n_wrong: int
    n_labels: int | None
    reason: str | None = None


def labels_needed(
    max_risk: float, confidence: float = 0.95, *, error_share: float = 0.0, accepted_share: float = 1.0
) -> LabelsNeeded:
    """Return the fewest labels that show P(wrong) <= `max_risk` among accepted rows, if errors go as assumed.

    It is the smallest n at which the exact binomial test of P(wrong) > `max_risk` rejects with
    ceil(`error_share` * n) wrong rows: the upper end of the one-sided interval of Clopper & Pearson (1934).
    59 for 5% at 95% without an error, 124 with two. For one threshold that was set beforehand. Raises
    ValueError for shares outside their range.
    """
    if not (0 < max_risk < 1 and 0 < confidence < 1 and 0 <= error_share < 1 and 0 < accepted_share <= 1):
        raise ValueError("shares lie between 0 and 1")
    if error_share >= max_risk:
        return LabelsNeeded(None, 0, None, "as many are assumed to be wrong as the target allows, or more")
    n_wrong = 0
    while (n := rows_needed(n_wrong, max_risk, confidence)) <= MOST_ACCEPTED:
        expected = math.ceil(error_share * n - 1e-9)
        if expected <= n_wrong:
            return LabelsNeeded(n, n_wrong, math.ceil(n / accepted_share - 1e-9))
        n_wrong = expected
    reason = "the assumed share of wrong rows is too near the target"
    return LabelsNeeded(None, n_wrong, None, reason)
