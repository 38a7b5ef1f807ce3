"""The labelled pairs of two runs: which of them feed estimates, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.labelled_sample import response_factor
from tlm_dash.services.labelled import LabelledRun, SamplingBasis
from tlm_dash.services.pairing import Pairing

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairedLabels:
    """Labels of all pairs (NaN where there is none), and `used`: those that estimates stand on; (n_pairs,).

    `weights` are given for the used pairs where they differ, else None: 1 / the chance that a pair is in both
    samples, which for one plan is the chance of its row, and for two samples drawn on their own the product.
    `n_left_out` pairs have a label on both sides and are in no common sample; `n_open` were drawn in both and
    left open in one. `reason` says why nothing can be estimated; None where something can.
    """

    label_a: Floats
    label_b: Floats
    used: Bools
    weights: Floats | None
    n_left_out: int
    n_open: int
    reason: str | None

    @property
    def n_used(self) -> int:
        """Give the number of labelled pairs that estimates stand on."""
        return int(self.used.sum())


def paired_labels(a: LabelledRun, b: LabelledRun, pairing: Pairing) -> PairedLabels:
    """Take the labels of the pairs, and of these the common sample that has most of them."""
    both = [(one, other) for one in a.samples for other in b.samples if "none" not in (one.kind, other.kind)]
    found = [_of_samples(a, b, pairing, bases) for bases in [(a.basis, b.basis), *both]]
    return max(found, key=lambda labels: labels.n_used)


def _of_samples(
    a: LabelledRun, b: LabelledRun, pairing: Pairing, bases: tuple[SamplingBasis, SamplingBasis]
) -> PairedLabels:
    first, second = bases
    label_a, label_b = a.label[pairing.a], b.label[pairing.b]
    labelled = ~(np.isnan(label_a) | np.isnan(label_b))
    drawn = first.in_sample[pairing.a] & second.in_sample[pairing.b]
    is_open = first.is_open[pairing.a] | second.is_open[pairing.b]
    used = labelled & drawn & ~is_open
    weight_a, weight_b = first.weight[pairing.a], second.weight[pairing.b]
    one_plan = first.plan_id is not None and first.plan_id == second.plan_id
    weight = weight_a if one_plan else weight_a * weight_b
    weighted = "stratified" in (first.kind, second.kind)
    return PairedLabels(
        label_a, label_b, used, _spoken_for(weight, drawn, used) if weighted else None,
        int((labelled & ~used).sum()), int((drawn & is_open).sum()),
        None if used.any() else _reason(a, b, labelled),
    )  # fmt: skip


def _spoken_for(weight: Floats, drawn: Bools, used: Bools) -> Floats:
    """Let the labelled pairs of a weight speak also for the open ones of the same weight."""
    whole: Floats = (weight * response_factor(weight, drawn, used))[used]
    return whole


def _reason(a: LabelledRun, b: LabelledRun, labelled: Bools) -> str:
    if not labelled.any():
        return "no pair has a label on both sides"
    for run, which in ((a, "the baseline"), (b, "the candidate")):
        if run.basis.kind == "none":
            return f"the labels of {which} are no sample. {run.basis.reason or ''}".strip()
    return "the samples of both runs have no labelled pair in common"
