"""Labelling plans: which rows of a run people are to label, drawn and kept; how far each plan is."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tlm_dash.analysis import sampling
from tlm_dash.analysis.labels_needed import LabelsNeeded, labels_needed
from tlm_dash.analysis.sampling import Draw
from tlm_dash.errors import InvalidInputError
from tlm_dash.services.free_names import free_name
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.services.plan_state import PlanState, plan_state
from tlm_dash.store import plans as stored
from tlm_dash.store.plans import LabelPlan
from tlm_dash.store.runs import find_run

__all__ = [
    "ESTIMATING_KINDS",
    "READING_KINDS",
    "LabelPlan",
    "LabelsNeeded",
    "Pace",
    "PlanKind",
    "PlanRequest",
    "Progress",
    "create",
    "labels_needed",
    "pace",
    "plans_of",
    "progress",
    "progress_of",
    "sentence",
    "show",
    "time_words",
]

PlanKind = Literal["uniform", "stratified", "lowest", "around", "disagree"]
ESTIMATING_KINDS: tuple[PlanKind, ...] = ("uniform", "stratified")
READING_KINDS: tuple[PlanKind, ...] = ("lowest", "around", "disagree")

ASSUMED_SECONDS_A_ROW = 30.0
"""Until people have labelled here."""

ENOUGH_FOR_PACE = 10
MOST_ITEMS = 20_000
DOUBLE_SHARE = 0.1

WORDS = {
    "uniform": "drawn uniformly",
    "stratified": "stratified by score",
    "lowest": "the lowest scores",
    "around": "around a threshold of {threshold:g}",
    "disagree": "where two runs rank most differently",
}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is to be. `threshold` goes with "around", `other_run_id` with "disagree".

    `is_score_blind` None hides the score where labels feed estimates. Without a seed one is drawn.
    """

    kind: PlanKind
    n: int
    created_by: str
    threshold: float | None = None
    other_run_id: str | None = None
    is_score_blind: bool | None = None
    double_share: float = DOUBLE_SHARE
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a row takes: the median of `n` rows of this dataset, or an assumption (n is 0)."""

    seconds_a_row: float
    n: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan is, in rows: `n_visited` of `n_items` are answered or skipped by somebody.

    Of these `n_labelled` have a verdict that everybody shares, `n_unsure` are unsure, on `n_contested` people
    disagree, `n_skipped` are skipped; `n_waiting` visited rows are still open to a second person.
    `by_annotator` counts the rows that each person visited.
    """

    n_items: int
    n_visited: int
    n_labelled: int
    n_unsure: int
    n_contested: int
    n_skipped: int
    n_waiting: int
    by_annotator: Mapping[str, int]


def create(place: Place, run: str, request: PlanRequest) -> LabelPlan:
    """Draw a plan from the answered rows of a run (unscored ones included), and keep it.

    Raises InvalidInputError where it cannot be drawn, NotFoundError, StoreError.
    """
    record = find_run(place.store, run)
    created_by = checked_annotator(request.created_by)
    if not 1 <= request.n <= MOST_ITEMS or not 0 <= request.double_share <= 1:
        raise InvalidInputError(
            f"A plan takes from 1 to {MOST_ITEMS:,} rows.", hint="Choose another number of rows."
        )
    item_nos, scores = stored.population(place.store, record.run_id)
    if not len(item_nos):
        raise InvalidInputError(
            "This run has no response yet that could be labelled.", hint="Wait for it, or choose another run."
        )
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    draw, settings = _drawn(place, request, item_nos, scores, seed, record.dataset_id)
    chosen = [int(item_nos[row]) for row in draw.rows]
    hashes = stored.response_hashes(place.store, record.run_id, chosen)
    is_blind = request.kind in ESTIMATING_KINDS if request.is_score_blind is None else request.is_score_blind
    plan_id = stored.write_plan(
        place.store,
        {
            "run_id": record.run_id, "dataset_id": record.dataset_id, "kind": request.kind,
            "settings": settings, "seed": seed, "n_items": len(chosen), "n_population": len(item_nos),
            "double_share": request.double_share, "is_score_blind": is_blind, "created_by": created_by,
        },
        _item_rows(draw, chosen, hashes),
    )  # fmt: skip
    return show(place, plan_id)


def show(place: Place, plan_id: str) -> LabelPlan:
    """Give a plan. Raises NotFoundError."""
    return stored.find_plan(place.store, plan_id)


def plans_of(place: Place, run_id: str) -> tuple[LabelPlan, ...]:
    """Give all plans that were made for a run, oldest first."""
    return stored.plans_of_run(place.store, run_id)


def progress(place: Place, plan_id: str) -> Progress:
    """Count how far a plan is. Raises NotFoundError."""
    return progress_of(plan_state(place, plan_id))


def progress_of(state: PlanState) -> Progress:
    """Count how far a plan is, from its state."""
    outcomes = [state.outcome(item) for item in state.items]
    names: dict[str, str] = {}
    by_annotator: dict[str, int] = {}
    for item in state.items:
        for voice, said in state.visits(item).items():
            if voice not in names:
                names[voice] = free_name(said.annotator, by_annotator)
            by_annotator[names[voice]] = by_annotator.get(names[voice], 0) + 1
    return Progress(
        n_items=len(state.items),
        n_visited=sum(outcome is not None for outcome in outcomes),
        n_labelled=outcomes.count("labelled"),
        n_unsure=outcomes.count("unsure"),
        n_contested=outcomes.count("contested"),
        n_skipped=outcomes.count("skipped"),
        n_waiting=sum(0 < len(state.visits(item)) < item.n_annotators for item in state.items),
        by_annotator=dict(sorted(by_annotator.items())),
    )


def pace(place: Place, dataset_id: str) -> Pace:
    """Tell how long a row takes: from what people did in this dataset, else an assumption."""
    seconds, n = stored.seconds_a_row(place.store, dataset_id)
    if seconds is None or n < ENOUGH_FOR_PACE:
        return Pace(ASSUMED_SECONDS_A_ROW, 0)
    return Pace(float(seconds), n)


def sentence(
    kind: str, n: int, settings: Mapping[str, Any], *, is_score_blind: bool, speed: Pace | None
) -> str:
    """Say a plan in one line: "100 rows, drawn uniformly, score hidden: about 50 minutes"."""
    how = WORDS[kind].format(threshold=settings.get("threshold") or 0.0)
    words = f"{n:,} {'row' if n == 1 else 'rows'}, {how}, score {'hidden' if is_score_blind else 'shown'}"
    if speed is None:
        return words
    from_here = f"as {speed.n:,} rows here took" if speed.n else "an assumption until rows are labelled here"
    return f"{words}: about {time_words(n * speed.seconds_a_row)} at {_seconds(speed)} a row ({from_here})"


def time_words(seconds: float) -> str:
    """Write how long something takes, roughly: a minute, 50 minutes, 2.5 hours."""
    minutes = seconds / 60
    if minutes < 1.5:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _seconds(speed: Pace) -> str:
    return f"{speed.seconds_a_row:.0f} s" if speed.seconds_a_row >= 9.5 else f"{speed.seconds_a_row:.1f} s"


def _item_rows(draw: Draw, item_nos: list[int], hashes: Mapping[int, str]) -> list[dict[str, Any]]:
    chances, strata = draw.inclusion_probability, draw.stratum
    return [
        {
            "position": position, "item_no": item_no, "response_hash": hashes[item_no],
            "stratum": None if strata is None else int(strata[position]),
            "inclusion_probability": None if chances is None else float(chances[position]),
            "n_annotators": 2 if draw.is_double[position] else 1,
        }
        for position, item_no in enumerate(item_nos)
    ]  # fmt: skip


def _drawn(
    place: Place, request: PlanRequest, item_nos: Any, scores: Any, seed: int, dataset_id: str,  # noqa: ANN401
) -> tuple[Draw, dict[str, Any]]:  # fmt: skip
    share = request.double_share
    try:
        match request.kind:
            case "uniform":
                return sampling.draw_uniform(len(scores), request.n, seed, double_share=share), {}
            case "stratified":
                draw = sampling.draw_stratified(scores, request.n, seed, double_share=share)
                return draw, {"strata": [_stratum(s) for s in draw.strata]}
            case "lowest":
                return sampling.pick_lowest(scores, request.n, seed, double_share=share), {}
            case "around":
                threshold = _threshold(request)
                draw = sampling.pick_around(scores, threshold, request.n, seed, double_share=share)
                return draw, {"threshold": threshold}
            case "disagree":
                others, other_id = _other_scores(place, request, item_nos, dataset_id)
                draw = sampling.pick_disagreeing(scores, others, request.n, seed, double_share=share)
                return draw, {"other_run_id": other_id}
    except ValueError as error:
        raise InvalidInputError(
            f"The plan cannot be drawn: {error}.", hint="Take more rows, or another kind of plan."
        ) from error
    raise InvalidInputError(f"There is no kind of plan called {request.kind!r}.", hint=", ".join(WORDS))


def _stratum(stratum: sampling.Stratum) -> dict[str, Any]:
    return {
        "low": stratum.low, "high": stratum.high, "n_population": stratum.n_population,
        "n_drawn": stratum.n_drawn, "rate": stratum.inclusion_probability,
    }  # fmt: skip


def _threshold(request: PlanRequest) -> float:
    if request.threshold is None or not np.isfinite(request.threshold):
        raise InvalidInputError("This plan needs a threshold.", hint="Say around which score to look.")
    return request.threshold


def _other_scores(place: Place, request: PlanRequest, item_nos: Any, dataset_id: str) -> tuple[Any, str]:  # noqa: ANN401
    other = find_run(place.store, request.other_run_id or "")
    if other.dataset_id != dataset_id:
        raise InvalidInputError(
            "The other run is over another dataset.", hint="Choose two runs of the same dataset."
        )
    other_items, other_scores = stored.population(place.store, other.run_id)
    aligned = np.full(len(item_nos), np.nan)
    _, here, there = np.intersect1d(item_nos, other_items, assume_unique=True, return_indices=True)
    aligned[here] = other_scores[there]
    return aligned, other.run_id
