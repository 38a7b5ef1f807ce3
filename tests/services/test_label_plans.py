"""Labelling plans: what is kept of a draw, how far a plan is, and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from tests.services.stored import make_scored_run
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import label_plans, label_queue
from tlm_dash.services.label_plans import LabelPlan, PlanKind, PlanRequest
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.plan_estimate import plan_estimate
from tlm_dash.store import plans as stored

SCORES = [*np.round(np.linspace(0.01, 0.99, 55), 3).tolist(), *[None] * 5]


# Each test makes a run of its own.
@pytest.fixture(scope="module")
def place(shared_place: OpenStore) -> OpenStore:
    return shared_place


@pytest.fixture
def run(place: OpenStore) -> str:
    return make_scored_run(place.store, SCORES)


def made(place: OpenStore, run: str, kind: PlanKind, n: int = 20, **said: object) -> LabelPlan:
    return label_plans.create(place, run, PlanRequest(kind, n, "Ada", seed=1, **said))  # type: ignore[arg-type]


def finish(place: OpenStore, plan: LabelPlan, n: int, wrong: int = 0, who: str = "Ada") -> None:
    """Answer the next n rows, the first ones as incorrect."""
    for number in range(n):
        turn = label_queue.take(place, plan.plan_id, who)
        assert turn.item is not None
        said = "incorrect" if number < wrong else "correct"
        label_queue.press(
            place, plan.plan_id, who, position=turn.item.position, said=said, n_said=turn.n_said
        )


def test_a_plan_keeps_its_rows_their_probabilities_and_who_made_it(place: OpenStore, run: str) -> None:
    plan = made(place, run, "uniform")
    items = stored.plan_items(place.store, plan.plan_id)
    assert (plan.n_items, plan.n_population, plan.created_by, plan.seed) == (20, 60, "Ada", 1)
    assert plan.is_score_blind
    assert [item.position for item in items] == list(range(20))
    assert [item.inclusion_probability for item in items] == [pytest.approx(20 / 60)] * 20
    assert sum(item.n_annotators == 2 for item in items) == 2
    hashes = stored.response_hashes(place.store, run, [item.item_no for item in items])
    assert [hashes[item.item_no] for item in items] == [item.response_hash for item in items]
    assert label_plans.plans_of(place, run) == (plan,)


def test_strata_are_kept_with_their_rates_and_unscored_rows_are_one(place: OpenStore, run: str) -> None:
    plan = made(place, run, "stratified", 30)
    strata = plan.settings["strata"]
    assert strata[-1]["low"] is None and strata[-1]["n_population"] == 5
    assert sum(s["n_drawn"] for s in strata) == 30
    for item in stored.plan_items(place.store, plan.plan_id):
        assert item.stratum is not None
        assert item.inclusion_probability == pytest.approx(strata[item.stratum]["rate"])


def test_plans_for_reading_have_no_probability_and_show_the_score(place: OpenStore, run: str) -> None:
    other = make_scored_run(
        place.store, [None if s is None else 1 - s for s in SCORES],
        dataset_id=label_plans.show(place, made(place, run, "uniform").plan_id).dataset_id,
    )  # fmt: skip
    lowest = made(place, run, "lowest", 5)
    assert [item.item_no for item in stored.plan_items(place.store, lowest.plan_id)] == [1, 2, 3, 4, 5]
    around = made(place, run, "around", 3, threshold=0.5)
    assert {i.item_no for i in stored.plan_items(place.store, around.plan_id)} == {27, 28, 29}
    apart = made(place, run, "disagree", 2, other_run_id=other)
    assert {i.item_no for i in stored.plan_items(place.store, apart.plan_id)} == {1, 55}
    for plan in (lowest, around, apart):
        assert not plan.is_score_blind
        assert {i.inclusion_probability for i in stored.plan_items(place.store, plan.plan_id)} == {None}


def test_what_cannot_be_planned_says_why(place: OpenStore, run: str) -> None:
    elsewhere = make_scored_run(place.store, [0.1, 0.2], name="Other")
    empty = make_scored_run(place.store, [], name="Empty")
    for request in (
        PlanRequest("uniform", 0, "Ada"),
        PlanRequest("uniform", 5, "  "),
        PlanRequest("around", 5, "Ada"),
        PlanRequest("stratified", 3, "Ada"),
        PlanRequest("disagree", 5, "Ada", other_run_id=elsewhere),
    ):
        with pytest.raises(InvalidInputError):
            label_plans.create(place, run, request)
    with pytest.raises(InvalidInputError, match="no response yet"):
        label_plans.create(place, empty, PlanRequest("uniform", 5, "Ada"))
    with pytest.raises(NotFoundError):
        label_plans.show(place, "gone")
    assert label_plans.plans_of(place, run) == ()


def test_progress_counts_open_rows_and_people(place: OpenStore, run: str) -> None:
    plan = made(place, run, "uniform", 6, double_share=1.0)
    for who, said in (("Ada", "correct"), ("Ben", "correct"), ("Ada", "unsure"), ("Ada", "skip")):
        turn = label_queue.take(place, plan.plan_id, who)
        assert turn.item is not None
        label_queue.press(
            place, plan.plan_id, who, position=turn.item.position, said=said, n_said=turn.n_said
        )
    found = label_plans.progress(place, plan.plan_id)
    assert (found.n_visited, found.n_labelled, found.n_unsure, found.n_skipped) == (3, 1, 1, 1)
    assert found.by_annotator == {"Ada": 3, "Ben": 1}
    assert found.n_waiting == 2, "the row that both labelled waits for nobody"


def test_the_pace_is_what_people_took_and_an_assumption_before(place: OpenStore, run: str) -> None:
    plan = made(place, run, "uniform", 20)
    words = label_plans.sentence(
        plan.kind, 100, {}, is_score_blind=True, speed=label_plans.pace(place, plan.dataset_id)
    )
    assert words.startswith("100 rows, drawn uniformly, score hidden: about 50 minutes at 30 s a row (an ass")
    finish(place, plan, 12)
    speed = label_plans.pace(place, plan.dataset_id)
    assert speed.n == 11 and speed.seconds_a_row < 5


def test_a_finished_prefix_feeds_the_estimate_that_every_page_shows(place: OpenStore, run: str) -> None:
    plan = made(place, run, "uniform", 20)
    nothing = plan_estimate(place, plan)
    assert nothing.accuracy.value is None and nothing.accuracy.reason
    finish(place, plan, 10, wrong=2)
    found = plan_estimate(place, plan)
    assert found.accuracy.value == 0.8 and found.accuracy.n == 10
    # Clopper & Pearson's table for 8 of 10.
    assert found.accuracy.interval == pytest.approx((0.4439, 0.9748), abs=5e-5)
    basis = labelled_run(place, run, basis=plan.plan_id).basis
    assert basis.weight[basis.in_sample].sum() == pytest.approx(60)


def test_rows_for_reading_feed_no_estimate(place: OpenStore, run: str) -> None:
    plan = made(place, run, "lowest", 5)
    finish(place, plan, 5)
    assert "own rows alone" in str(plan_estimate(place, plan).accuracy.reason)


def test_weights_of_a_stratified_plan_add_up_to_the_run(place: OpenStore, run: str) -> None:
    plan = made(place, run, "stratified", 30)
    finish(place, plan, 30, wrong=3)
    basis = labelled_run(place, run, basis=plan.plan_id).basis
    assert basis.weight[basis.in_sample].sum() == pytest.approx(60)
    assert plan_estimate(place, plan).accuracy.method == "approximate"
