"""The distribution of a run's scores, under the names that scripts rely on."""

from __future__ import annotations

from typing import Any

from tlm_dash.services.place import Place
from tlm_dash.services.review import RowFilter, distribution_of, find
from tlm_dash.services.review import found as found_rows
from tlm_dash.store.rows import LINEAR
from tlm_dash.store.score_figures import QUANTILES


def facts(place: Place, run: str) -> dict[str, Any]:
    """Give the figures of `analyse distribution` for a run, by id, unique prefix of one, or name.

    `n` rows, `n_unscored` of them without a score, `n_not_accepted` by why cut off, refused or
    empty, with a score or without; all else is over the scored ones: `sd` divides by n − 1,
    quantiles interpolate linearly, the histogram has 20 equal bins on [0, 1]. What cannot be computed is
    None, and `notes` says why. Raises NotFoundError, InvalidInputError.
    """
    view = find(place, run)
    found = distribution_of(place, view)
    counts = found_rows(place, view, RowFilter()).counts
    notes = []
    if not found.n:
        notes.append("The run has no rows.")
    elif not found.n_scored:
        notes.append("No row has a score: there is nothing to measure.")
    elif found.n_scored == 1:
        notes.append("Only one row has a score: it has no standard deviation.")
    return {
        "run_id": view.record.run_id, "name": view.record.name,
        "n": found.n, "n_unscored": found.n_unscored, "n_not_accepted": dict(found.not_accepted),
        "mean": found.mean, "sd": found.sd, "min": found.lowest, "max": found.highest,
        "quantiles": None if found.quantiles is None else dict(
            zip((str(q) for q in QUANTILES), found.quantiles, strict=True)
        ),
        "n_ties_at_half": found.n_ties_at_half, "n_above_0_999": found.n_above_high,
        "histogram": {"edges": list(LINEAR.edges()), "counts": list(counts)},
        "notes": notes,
    }  # fmt: skip
