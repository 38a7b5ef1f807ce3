"""The pairs of two runs as columns: scores, labels, and which side of a cut each row is on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.paired_labels import PairedLabels, paired_labels
from tlm_dash.services.pairing import Pairing

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

FLIP_SHARE = 0.1
"""Where no threshold is set, each run sends this share of its lowest scores to people."""


@dataclass(frozen=True, eq=False)
class PairedColumns:
    """Every array is of shape (n_pairs,). `scored` pairs have a score in both runs.

    `passes_a` and `passes_b` tell which scored rows pass: at the baseline's threshold and, in the candidate,
    at the cut that sends as large a share to people; both False where a score is missing.
    """

    pairing: Pairing
    labels: PairedLabels
    score_a: Floats
    score_b: Floats
    scored: Bools
    same_response: Bools
    passes_a: Bools
    passes_b: Bools

    @property
    def told(self) -> Bools:
        """Tell which pairs the table of right and wrong counts: those that estimates stand on.

        Without a sample it counts those that have labels, for which nothing else speaks.
        """
        labels = self.labels
        return labels.used if labels.n_used else ~(np.isnan(labels.label_a) | np.isnan(labels.label_b))

    def prompts_of(self, rows: Bools) -> npt.NDArray[np.int64] | None:
        """Give the codes of the prompts of some pairs; None where none of them repeats."""
        codes = self.pairing.prompt[rows]
        return codes if np.bincount(codes, minlength=1).max() > 1 else None

    def weights_of(self, rows: Bools) -> Floats | None:
        """Give the weights of some of the pairs that estimates stand on; None where they are all alike."""
        weights = self.labels.weights
        return None if weights is None else weights[rows[self.labels.used]]


def paired_columns(
    a: LabelledRun, b: LabelledRun, pairing: Pairing, threshold: float | None
) -> PairedColumns:
    """Lay the pairs of two runs out in columns."""
    score_a, score_b = a.score[pairing.a], b.score[pairing.b]
    scored = ~(np.isnan(score_a) | np.isnan(score_b))
    same = a.response_hash[pairing.a] == b.response_hash[pairing.b]
    passes_a, passes_b = np.zeros(pairing.n, dtype=bool), np.zeros(pairing.n, dtype=bool)
    if scored.any():
        share = FLIP_SHARE
        cut = _cut(score_a[scored], share)
        if threshold is not None:
            cut, share = threshold, float((score_a[scored] < threshold).mean())
        passes_a[scored] = score_a[scored] >= cut
        passes_b[scored] = score_b[scored] >= _cut(score_b[scored], share)
    return PairedColumns(
        pairing, paired_labels(a, b, pairing), score_a, score_b, scored, np.asarray(same, dtype=bool),
        passes_a, passes_b,
    )  # fmt: skip


def _cut(scores: Floats, share: float) -> float:
    """Give the highest score that leaves at most a share of the rows below it; ties are never parted."""
    ordered = np.sort(scores)
    place = min(int(np.floor(share * len(ordered) + 1e-9)), len(ordered) - 1)
    return float(ordered[place])
