"""How well the scores of one run rank its rows, and how far they are chances of being right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.bootstrap import SHARES, Resampling, Retention, ScoredLabels
from tlm_dash.analysis.calibration import (
    Reliability,
    brier_score,
    clustered_share,
    reliability,
)
from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.labelled_sample import response_factor
from tlm_dash.analysis.ranking import Estimate, auroc
from tlm_dash.analysis.verdicts import FEWEST_OF_A_CLASS
from tlm_dash.services.labelled import LabelledRun, SamplingBasis
from tlm_dash.words.label_origins import LabelOrigins

__all__ = ["Estimate", "Figure", "Quality", "quality_of"]

SEED = 0
"""Of the bootstrap: the same labels give the same intervals on every page and in every export."""

MANY_OF_A_CLASS = 50
"""With fewer, an AUROC comes with a caveat, and the resampled intervals of PRR and average precision hold the
truth less often than stated."""

ECE_CAVEAT = "it depends on the bins and is biased upward with few rows"

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """Figures of the labelled rows of a sample; None (or a figure without value) where there is a reason.

    `n_labelled` rows of the sample have a label, given by those whom `labels` tells, `n_used` of them a score
    too; `n_excluded` tells by reason which rows of the run are left out, labelled ones without a score too:
    they have no part in figures about scores. `no_sample` says why there is no sample.
    """

    n_labelled: int
    n_used: int
    n_wrong: int
    n_excluded: dict[str, int]
    labels: LabelOrigins
    accuracy: Figure
    auroc: Estimate
    average_precision_incorrect: Figure
    prr: Figure
    brier: Figure
    reliability: Reliability | None
    accuracy_at_review_share: dict[float, Figure]
    n_repeats: int
    is_weighted: bool
    notes: tuple[str, ...]
    no_sample: str | None

    @property
    def ece(self) -> float | None:
        """Expected calibration error over ten equal bins."""
        return None if self.reliability is None else self.reliability.expected_calibration_error

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        return {
            "n_labelled": self.n_labelled,
            "n_excluded": self.n_excluded,
            "label_sources": dict(self.labels.counts),
            "accuracy": self.accuracy.value,
            "accuracy_ci": _pair(self.accuracy),
            "auroc": self.auroc.value,
            "auroc_ci": _pair(self.auroc),
            "average_precision_incorrect": self.average_precision_incorrect.value,
            "average_precision_incorrect_ci": _pair(self.average_precision_incorrect),
            "prr": self.prr.value,
            "prr_ci": _pair(self.prr),
            "brier": self.brier.value,
            "ece": self.ece,
            "n_scored_labelled": self.n_used,
            "accuracy_at_review_share": {f"{s:g}": f.value for s, f in self.accuracy_at_review_share.items()},
            "accuracy_at_review_share_ci": {
                f"{s:g}": _pair(f) for s, f in self.accuracy_at_review_share.items()
            },
            "notes": [*self.missing(), *_calibration_notes(self), *self.labels.notes, *self.notes],
        }

    def missing(self) -> list[str]:
        """Say why figures about ranks and shares, or their intervals, are missing; names as in `facts`."""
        if self.no_sample is not None:
            return [
                f"No figure is available, auroc included. There is no sample to stand on: {self.no_sample}"
            ]
        figures: dict[str, Figure | Estimate] = {
            "accuracy": self.accuracy, "auroc": self.auroc,
            "average_precision_incorrect": self.average_precision_incorrect, "prr": self.prr,
        }  # fmt: skip
        figures |= {f"accuracy_at_review_share {s:g}": f for s, f in self.accuracy_at_review_share.items()}
        return [
            f"{_named(name, figure)} is not available: {figure.reason}."
            for name, figure in figures.items()
            if figure.reason is not None
        ]


def quality_of(run: LabelledRun, confidence: float = 0.95) -> Quality:
    """Give all figures of the sample that a run's estimates stand on."""
    basis = run.basis
    labelled = run.is_labelled
    has_score = ~np.isnan(run.score)
    used = labelled & has_score
    right, scores, prompts = run.label[used], run.score[used], run.prompt[used]
    is_weighted = basis.kind == "stratified"
    weights = _weights(basis, basis.in_sample & has_score, used)
    n_repeats = int(used.sum()) - len(np.unique(prompts))
    area = auroc(right, scores, confidence, prompts=prompts if n_repeats else None, weights=weights)
    if not len(right):
        area = replace(area, reason="no scored row is labelled")
    kept = _retention(right, scores, prompts, weights, confidence)
    n_wrong = int((right == 0).sum())
    n_rarer = min(n_wrong, len(right) - n_wrong)
    quality = Quality(
        n_labelled=int(labelled.sum()),
        n_used=len(right),
        n_wrong=n_wrong,
        n_excluded=_excluded(run, labelled),
        labels=run.origins(labelled),
        accuracy=_accuracy(run, labelled, confidence),
        auroc=area,
        average_precision_incorrect=_of_both_classes(_within(kept.average_precision, 0.0), n_rarer),
        prr=_of_both_classes(_within(kept.prr, -np.inf), n_rarer),
        brier=brier_score(right, scores, weights),
        reliability=reliability(right, scores, weights, confidence=confidence),
        accuracy_at_review_share={
            share: _within(figure, 0.0) for share, figure in zip(SHARES, kept.accuracy, strict=True)
        },
        n_repeats=n_repeats,
        is_weighted=is_weighted,
        notes=(),
        no_sample=basis.reason,
    )
    return replace(quality, notes=_notes(quality))


def _weights(basis: SamplingBasis, drawn: Bools, used: Bools) -> Floats | None:
    """Give the weights of the rows in use, which also speak for the open ones; None where all are alike."""
    if basis.kind != "stratified":
        return None
    weights: Floats = (basis.weight * response_factor(basis.weight, drawn, used))[used]
    return weights


def _accuracy(run: LabelledRun, labelled: Bools, confidence: float) -> Figure:
    n = int(labelled.sum())
    if not n:
        return Figure(None, n=0, confidence=confidence, reason="no row is labelled")
    weights = _weights(run.basis, run.basis.in_sample, labelled)
    return clustered_share(run.label[labelled], weights, run.prompt[labelled], confidence)


def _retention(
    right: Floats, scores: Floats, prompts: npt.NDArray[np.int64], weights: Floats | None, confidence: float
) -> Retention:
    resampling = Resampling(prompts, confidence=confidence, seed=SEED, weights=weights)
    found = resampling.retention(ScoredLabels(right, scores))
    if len(right):
        return found
    nothing = Figure(None, confidence=confidence, reason="no scored row is labelled")
    return Retention((nothing,) * len(SHARES), nothing, nothing)


def _within(figure: Figure, least: float) -> Figure:
    """Keep an interval inside what the figure can be; resampling by cells may lead a little beyond."""
    if figure.low is None or figure.high is None:
        return figure
    return replace(figure, low=max(least, figure.low), high=min(1.0, figure.high))


def _of_both_classes(figure: Figure, n_rarer: int) -> Figure:
    """Take the interval away where so few rows of a class are resampled that it rarely holds the truth."""
    if figure.interval is None or n_rarer >= FEWEST_OF_A_CLASS:
        return figure
    reason = f"an interval needs {FEWEST_OF_A_CLASS} right and {FEWEST_OF_A_CLASS} wrong rows"
    return replace(figure, low=None, high=None, method="", standard_error=None, reason=reason)


def _excluded(run: LabelledRun, labelled: Bools) -> dict[str, int]:
    """Count the rows of the run that no figure, or no figure about scores, stands on."""
    basis = run.basis
    has_label = ~np.isnan(run.label)
    reasons = np.select(
        [
            labelled & ~np.isnan(run.score),
            labelled & run.is_marked,
            labelled,
            run.status == "error",
            run.status == "pending",
            basis.in_sample & basis.is_open,
            has_label,
        ],
        ["", "labelled, but cut off, refused or empty", "labelled, but without a score", "failed",
         "not answered yet", "left open by reviewers",
         "labelled, but not in the sample"],
        default="without a label",
    )  # fmt: skip
    counts = Counter(reasons[reasons != ""].tolist())
    return dict(sorted(counts.items()))


def _notes(quality: Quality) -> tuple[str, ...]:
    notes = []
    if quality.auroc.high is not None and quality.auroc.high < 0.5:
        notes.append("The scores rank worse than chance: wrong answers tend to score higher than right ones.")
    notes += _few_notes(quality)
    if quality.n_repeats:
        notes.append(
            f"{quality.n_repeats:,} labelled rows repeat a prompt; the intervals respect that, approximately."
        )
    if quality.is_weighted:
        notes.append("Rows are weighted by the plan's inclusion probabilities; intervals are approximate.")
    return tuple(notes)


def _few_notes(quality: Quality) -> list[str]:
    """Say how far intervals can be trusted where right or wrong rows are few."""
    n_rarer = min(quality.n_wrong, quality.n_used - quality.n_wrong)
    if n_rarer >= MANY_OF_A_CLASS:
        return []
    kind = "wrong" if quality.n_wrong == n_rarer else "right"
    rows = f"{n_rarer:,} scored {'row is' if n_rarer == 1 else 'rows are'} {kind}, under {MANY_OF_A_CLASS}"
    notes = []
    if quality.auroc.high is not None:
        notes.append(
            f"Only {rows}: the interval of AUROC is approximate, and a few other rows would move it."
        )
    if any(figure.interval is not None for figure in (quality.prr, quality.average_precision_incorrect)):
        notes.append(
            "The intervals of PRR and average precision hold the truth somewhat less often than stated: one "
            f"of 95% about 88 to 94% of the time with {FEWEST_OF_A_CLASS} to {MANY_OF_A_CLASS} of the rarer "
            f"kind (right or wrong rows), here {n_rarer:,}."
        )
    return notes


def _calibration_notes(quality: Quality) -> list[str]:
    """Say why figures about scores as chances are missing, or what they depend on."""
    if quality.no_sample is not None:
        return []
    if quality.ece is not None:
        return [f"ece stands on {quality.n_used:,} rows in ten equal bins on 0 to 1; {ECE_CAVEAT}."]
    names = ("brier", "ece") if quality.brier.value is None else ("ece",)
    return [f"{name} is not available: {quality.brier.reason}." for name in names]


def _named(name: str, figure: Figure | Estimate) -> str:
    """Give the name of what is missing: of the figure or of its interval."""
    first, *share = name.split(" ")
    return " ".join([first if figure.value is None else f"{first}_ci", *share])


def _pair(figure: Figure | Estimate) -> list[float] | None:
    return None if figure.low is None or figure.high is None else [figure.low, figure.high]
