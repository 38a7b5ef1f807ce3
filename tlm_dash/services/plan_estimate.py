"""What the labels of a plan already allow to say of its run: the share of correct responses."""

from __future__ import annotations

from dataclasses import dataclass

from tlm_dash.analysis.figure import Figure
from tlm_dash.services.label_plans import ESTIMATING_KINDS
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import Place
from tlm_dash.services.quality import quality_of
from tlm_dash.store.plans import LabelPlan
from tlm_dash.words.label_origins import LabelOrigins


@dataclass(frozen=True, slots=True)
class PlanEstimate:
    """The share of correct responses among rows like these: the figure that every page shows.

    `n_open` rows of the sample are without a usable label and left out; `sentence` tells how the rows were
    chosen, "" where they are no sample; `labels` whose they are.
    """

    accuracy: Figure
    n_open: int
    sentence: str
    labels: LabelOrigins = LabelOrigins({})


def plan_estimate(place: Place, plan: LabelPlan) -> PlanEstimate:
    """Estimate the share of correct responses from the finished part of a plan.

    Raises NotFoundError, StoreError.
    """
    if plan.kind not in ESTIMATING_KINDS:
        reason = "These rows were chosen for reading: their labels speak for their own rows alone."
        return PlanEstimate(Figure(None, reason=reason), 0, "")
    run = labelled_run(place, plan.run_id, basis=plan.plan_id)
    basis = run.basis
    if basis.kind == "none":
        return PlanEstimate(Figure(None, reason=basis.reason), 0, "")
    quality = quality_of(run)
    return PlanEstimate(quality.accuracy, int(basis.is_open.sum()), basis.sentence, quality.labels)
