"""Deciding about a run: targets, budgets, what the labels allow to say, and every case where they do not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.analysis.sampling import draw_stratified
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services.decide import SETTLED_BEFOREHAND, Question, decide, decision_of, threshold_facts
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.operating_point import workload
from tlm_dash.services.place import OpenStore
from tlm_dash.services.quality import quality_of

TARGET = Question(max_risk=0.05)


def test_a_target_becomes_a_threshold_with_its_counts(place: OpenStore) -> None:
    scores, labels = ranked_rows(400)
    some: list[float | None] = [*scores, None, None, 0.99]
    run_id = make_decidable_run(place, some, [*labels, "1", "1", None], responses=[*("r" * 401), "r", None])
    found = decide(place, run_id, TARGET)
    point = found.answer.point
    assert point is not None
    accepted = np.array(scores) >= point.threshold
    wrong = np.array(labels)[accepted] == "0"
    assert (point.n_accepted, point.n_to_review) == (accepted.sum(), 403 - accepted.sum())
    assert point.coverage == pytest.approx(accepted.sum() / 403)
    assert (point.n_accepted_labelled, point.n_wrong_accepted) == (len(wrong), wrong.sum())
    assert point.risk == pytest.approx(wrong.mean())
    ends = binomtest(int(accepted.sum()), 403).proportion_ci(0.95, "exact")
    assert (point.coverage_low, point.coverage_high) == pytest.approx((ends.low, ends.high))
    assert found.answer.p_row == pytest.approx(binomtest(int(wrong.sum()), len(wrong), 0.05, "less").pvalue)
    assert found.answer.level_used is not None and found.answer.p_row <= found.answer.level_used <= 0.05
    assert (found.answer.p_prompt, found.answer.bound, found.n_unscored) == (None, 0.05, 3)
    assert (found.n_labelled, found.n_rows, found.statuses["error"]) == (400, 403, 1)
    assert sum(start.share for start in found.answer.starts) == pytest.approx(0.85)


def test_the_curve_shows_the_bound_of_the_answer_at_the_answer(place: OpenStore) -> None:
    scores, labels = ranked_rows(400)
    run_id = make_decidable_run(place, scores, labels)
    found, read = (decide(place, run_id, replace(TARGET, from_band=look)) for look in (False, True))
    at = found.answer.point
    assert at is not None and at in found.points
    plain = next(point for point in read.points if point.threshold == at.threshold)
    assert plain.risk_high is not None and plain.risk_high > 0.05 == at.risk_high
    for point, alone in zip(found.points, read.points, strict=True):
        assert (point.risk, point.risk_low) == (alone.risk, alone.risk_low)
        assert point.risk_high is None or alone.risk_high is None or point.risk_high <= alone.risk_high
        # A looser threshold keeps the band as it is: the answer says nothing of it.
        assert point.threshold >= at.threshold or point == alone


def test_a_second_target_is_read_from_the_band(place: OpenStore) -> None:
    scores, labels = ranked_rows(600)
    run_id = make_decidable_run(place, scores, labels)
    first = decide(place, run_id, TARGET).answer.point
    second = decide(place, run_id, Question(max_risk=0.05, from_band=True))
    assert first is not None and second.answer.point is not None
    assert second.answer.point.threshold > first.threshold
    assert second.answer.bound == second.answer.point.risk_high
    assert second.answer.bound is not None and second.answer.bound <= 0.05
    looser = [p for p in second.points if p.threshold < second.answer.point.threshold]
    assert all(p.risk_high is not None and p.risk_high > 0.05 for p in looser)
    nowhere = decide(place, run_id, Question(max_risk=0.001, from_band=True)).answer
    assert (nowhere.point, nowhere.p_row) == (None, None)


def test_what_people_can_read_becomes_a_threshold(place: OpenStore) -> None:
    scores, labels = ranked_rows(200)
    run_id = make_decidable_run(place, [*scores, None], [*labels, "1"])
    share = decide(place, run_id, Question(review_share=0.2)).answer
    budget = decide(place, run_id, Question(review_budget=200, daily_volume=1000)).answer
    assert share.point is not None
    assert share.point == budget.point
    assert share.point.n_to_review == 40
    assert (np.array(scores) < share.point.threshold).sum() == 39
    assert share.bound == share.point.risk_high is not None
    everything = decide(place, run_id, Question(review_budget=500)).answer
    assert everything.reason == "all rows can be read: none has to pass unread"
    nothing = decide(place, run_id, Question(review_budget=0)).answer
    assert nothing.reason == "the rows without a score alone are more than that"


def test_open_rows_are_left_out_and_also_taken_as_wrong(place: OpenStore) -> None:
    scores, labels = ranked_rows(500)
    lowered = ["?" if number % 60 == 0 else label for number, label in enumerate(labels)]
    found = decide(place, make_decidable_run(place, scores, lowered), TARGET)
    assert (found.n_open, found.n_labelled) == (9, 491)
    worst = found.with_open_wrong
    assert worst is not None and found.answer.point is not None
    assert worst.point is None or worst.point.coverage <= found.answer.point.coverage
    facts = threshold_facts(found)
    assert facts["with_open_wrong"]["feasible"] == (worst.point is not None)
    assert "9 left open" in facts["basis"]


def test_a_stratified_sample_is_weighted_and_its_test_is_called_valid(place: OpenStore) -> None:
    scores, labels = ranked_rows(4000, wrong=0.06)
    run = labelled_run(place, make_decidable_run(place, scores, labels))
    drawn = draw_stratified(scores, 1200, 1)
    assert drawn.inclusion_probability is not None
    inside, weight = np.zeros(4000, bool), np.full(4000, np.nan)
    inside[drawn.rows], weight[drawn.rows] = True, 1 / drawn.inclusion_probability
    basis = replace(
        run.basis, kind="stratified", in_sample=inside, weight=weight, is_open=np.zeros(4000, bool)
    )
    found = decision_of(replace(run, basis=basis), TARGET)
    facts, point = threshold_facts(found), found.answer.point
    assert point is not None
    assert facts["method"].endswith("valid betting test of weighted rows")
    accepted = inside & (run.score >= point.threshold)
    expected = np.average(run.label[accepted] == 0, weights=weight[accepted])
    assert (
        facts["risk"] == pytest.approx(expected) != facts["n_wrong_accepted"] / facts["n_accepted_labelled"]
    )
    assert found.band_method == "simultaneous band, betting with Bonferroni"
    assert point.risk_low is not None and point.risk_high is not None
    assert point.risk_low < facts["risk"] < point.risk_high
    truth = np.array(labels) == "1"
    assert found.quality.accuracy.low is not None and found.quality.accuracy.high is not None
    assert found.quality.accuracy.low < truth.mean() < found.quality.accuracy.high
    assert found.quality.accuracy.value != pytest.approx(run.label[inside].mean(), abs=0.005)
    assert any("weighted" in note for note in found.quality.notes)
    assert "".join(found.quality.facts()["notes"]).count("weighted") == 1


def test_open_rows_of_a_stratum_do_not_move_the_accuracy(place: OpenStore) -> None:
    scores = [n / 100 for n in range(100)]
    # Half of the low scores are wrong, none of the high ones; every second low row is left open.
    labels = ["0" if n < 50 and n % 4 < 2 else "1" for n in range(100)]
    labels = ["?" if n < 50 and n % 2 else label for n, label in enumerate(labels)]
    run = labelled_run(place, make_decidable_run(place, scores, labels))
    weight = np.where(np.arange(100) < 50, 2.0, 6.0)
    found = decision_of(replace(run, basis=replace(run.basis, kind="stratified", weight=weight)), TARGET)
    right_low = np.array(labels)[:50:2] == "1"
    expected = (50 * 2.0 * right_low.mean() + 50 * 6.0) / (50 * 2.0 + 50 * 6.0)
    assert found.quality.accuracy.value == pytest.approx(expected, abs=1e-12)
    assert found.points[-1].risk == pytest.approx(1 - expected, abs=1e-12)


def test_nothing_invites_to_label_on_and_ask_again(place: OpenStore) -> None:
    few = make_decidable_run(place, [n / 20 for n in range(20)], ["1"] * 20)
    for question in (TARGET, replace(TARGET, from_band=True)):
        facts = threshold_facts(decide(place, few, question))
        assert facts["labels_still_needed"] is None
        assert "would do" not in json.dumps(facts) and "left to label" not in json.dumps(facts)
    run = labelled_run(place, few)
    of_plan = replace(run, basis=replace(run.basis, kind="uniform", plan_id="p"))
    assert SETTLED_BEFOREHAND in decision_of(of_plan, TARGET).notes
    assert SETTLED_BEFOREHAND not in decision_of(of_plan, replace(TARGET, from_band=True)).notes
    assert SETTLED_BEFOREHAND not in decision_of(run, TARGET).notes


def test_what_a_new_plan_would_give_is_told_where_there_is_no_answer(place: OpenStore) -> None:
    labels = ["0" if n % 50 == 7 else "1" for n in range(100)]
    scores: list[float | None] = [n / 100 for n in range(100)]
    run_id = make_decidable_run(place, scores, labels)
    facts = threshold_facts(decide(place, run_id, TARGET))
    assert not facts["feasible"] and facts["best_guaranteed_risk"] > 0.05
    chances = facts["chance_of_fresh_labels"]
    assert [one["n"] for one in chances][:2] == [100, 200]
    assert 0 <= chances[0]["chance"] < chances[-1]["chance"] <= 1
    assert threshold_facts(decide(place, run_id, TARGET))["chance_of_fresh_labels"] == chances
    for question in (Question(max_risk=0.3), Question(review_share=0.1)):
        assert threshold_facts(decide(place, run_id, question))["chance_of_fresh_labels"] is None
    # How fresh rows would repeat prompts is not known, unless rows are requests of their own.
    repeated = make_decidable_run(
        place, scores, labels, prompts=[f"Q{n // 2}" for n in range(100)], name="two"
    )
    assert threshold_facts(decide(place, repeated, TARGET))["chance_of_fresh_labels"] is None
    requests = threshold_facts(decide(place, repeated, replace(TARGET, rows_are_requests=True)))
    assert requests["chance_of_fresh_labels"] == chances


def test_prompts_that_repeat_keep_their_rows_and_are_tested_too(place: OpenStore) -> None:
    scores, labels = ranked_rows(300)
    run_id = make_decidable_run(place, scores, labels, prompts=[f"Question {n // 2}" for n in range(300)])
    found = decide(place, run_id, TARGET)
    assert (found.n_labelled, found.n_prompts, found.heavy_prompts) == (300, 150, ())
    assert any("300 labelled rows are of 150 prompts" in note for note in found.notes)
    assert found.quality.accuracy.method == "approximate"
    assert threshold_facts(decide(place, run_id, TARGET)) == threshold_facts(found)
    requests = decide(place, run_id, replace(TARGET, rows_are_requests=True))
    assert requests.answer.point is not None and requests.answer.p_prompt is None
    assert any("declared separate requests" in note for note in requests.notes)
    strict = found.answer.point
    assert strict is None or strict.threshold >= requests.answer.point.threshold
    if strict is not None:
        assert found.answer.p_prompt is not None and found.answer.level_used is not None
        assert found.answer.p_prompt <= found.answer.level_used


def test_a_greeting_asked_ninety_times_weighs_ninety_rows(place: OpenStore) -> None:
    """One prompt is 36% of the rows and its answer is wrong: nothing can be promised of all of them."""
    prompts = ["Good morning"] * 90 + [f"Question {n}" for n in range(160)]
    for order in (range(250), range(249, -1, -1)):
        run_id = make_decidable_run(
            place, [0.5 + n / 1000 for n in order], ["0"] * 90 + ["1"] * 160, prompts=prompts,
            responses=["Good night."] * 90 + [f"answer {n}" for n in range(160)], name=f"greeting {order[0]}",
        )  # fmt: skip
        found = decide(place, run_id, TARGET)
        (heavy,) = found.heavy_prompts
        assert (heavy.n_rows, heavy.share, heavy.n_labelled, heavy.n_wrong) == (90, 0.36, 90, 90)
        assert found.points[-1].risk == 0.36
        facts = threshold_facts(found)
        assert (facts["n_rows"], facts["n_prompts"], len(facts["heavy_prompts"])) == (250, 161, 1)
        # All rows can never pass; above the greeting the other answers can, where they score higher.
        assert found.answer.point is None or found.answer.point.n_wrong_accepted == 0
    tied = make_decidable_run(
        place, [0.5] * 250, ["0"] * 90 + ["1"] * 160, prompts=prompts, name="tied",
        responses=["Good night."] * 90 + [f"answer {n}" for n in range(160)],
    )  # fmt: skip
    for question in (TARGET, replace(TARGET, rows_are_requests=True)):
        assert decide(place, tied, question).answer.point is None


def test_without_labels_the_threshold_for_a_budget_still_stands(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 100 for n in range(100)], [None] * 100)
    found = decide(place, run_id, TARGET)
    assert found.basis.reason == "No row of this run has a label yet."
    assert (found.answer.point, found.best) == (None, None)
    assert (found.quality.auroc.value, found.quality.auroc.reason) == (None, "no scored row is labelled")
    budget = decide(place, run_id, Question(review_share=0.1)).answer
    assert budget.point is not None
    assert (budget.point.n_to_review, budget.bound, budget.point.risk) == (10, None, None)
    facts = threshold_facts(decide(place, run_id, Question(review_share=0.1)))
    assert facts["risk_upper_bound"] is None
    assert any("There is no sample" in note for note in facts["notes"])


@pytest.mark.parametrize("label", ["0", "1"])
def test_one_class_only(place: OpenStore, label: str) -> None:
    found = decide(place, make_decidable_run(place, [n / 100 for n in range(100)], [label] * 100), TARGET)
    assert (found.quality.auroc.value, found.quality.prr.value) == (None, None)
    assert found.quality.auroc.reason == "only one of the two classes is present"
    assert (found.answer.point is not None) == (label == "1")
    if label == "0":
        assert "above the target at every coverage" in (found.answer.reason or "")
    assert json.loads(json.dumps(found.quality.facts(), allow_nan=False))["accuracy"] == float(label)


def test_all_scores_tied_three_labels_and_worse_than_chance(place: OpenStore) -> None:
    tied = decide(place, make_decidable_run(place, [0.5] * 80, ["1"] * 79 + ["0"], name="tied"), TARGET)
    assert (tied.quality.auroc.value, len(tied.points), tied.answer.point) == (0.5, 1, None)
    assert any("All scores are equal" in note for note in tied.notes)
    three = decide(place, make_decidable_run(place, [0.1, 0.5, 0.9], ["0", "1", "1"], name="three"), TARGET)
    assert "3 labels are too few" in (three.answer.reason or "")
    assert three.best is None
    scores, labels = ranked_rows(300, wrong=0.3)
    worse = decide(place, make_decidable_run(place, [1 - s for s in scores], labels, name="worse"), TARGET)
    assert worse.quality.auroc.high is not None and worse.quality.auroc.high < 0.5
    assert any("worse than chance" in note for note in worse.quality.notes)
    assert worse.answer.point is None


def test_a_run_without_scores_still_knows_its_accuracy(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [None] * 40, ["1"] * 30 + ["0"] * 10)
    facts = quality_of(labelled_run(place, run_id)).facts()
    assert (facts["n_labelled"], facts["accuracy"], facts["auroc"]) == (40, 0.75, None)
    assert facts["n_excluded"] == {"labelled, but without a score": 40}
    found = decide(place, run_id, TARGET)
    assert (found.answer.reason, found.points) == ("no row of this run has a score", ())


def test_quality_says_what_it_stands_on(place: OpenStore) -> None:
    scores, labels = ranked_rows(120, wrong=0.3)
    run_id = make_decidable_run(
        place, [*scores, 0.4, None], [*labels, "?", None], responses=["r"] * 121 + [None]
    )
    facts = quality_of(labelled_run(place, run_id)).facts()
    right = [int(label) for label in labels]
    assert list(facts) == [
        "n_labelled", "n_excluded", "label_sources", "accuracy", "accuracy_ci", "auroc", "auroc_ci",
        "average_precision_incorrect", "average_precision_incorrect_ci", "prr", "prr_ci", "brier", "ece",
        "n_scored_labelled",
        "accuracy_at_review_share", "accuracy_at_review_share_ci", "notes",
    ]  # fmt: skip
    assert (facts["n_labelled"], facts["label_sources"]) == (120, {"file": 120})
    assert facts["n_excluded"] == {"failed": 1, "left open by reviewers": 1}
    assert facts["auroc"] == pytest.approx(roc_auc_score(right, scores), abs=1e-9)
    assert list(facts["accuracy_at_review_share"]) == ["0.05", "0.1", "0.2"]
    kept = np.array(right)[np.argsort(scores)][24:]
    assert facts["accuracy_at_review_share"]["0.2"] == pytest.approx(kept.mean())
    low, high = facts["accuracy_at_review_share_ci"]["0.2"]
    assert low < kept.mean() < high <= 1
    for name in ("average_precision_incorrect", "prr"):
        low, high = facts[f"{name}_ci"]
        assert low < facts[name] < high <= 1
    # The same labels give the same intervals wherever they are asked for.
    assert quality_of(labelled_run(place, run_id)).facts() == facts


def test_an_interval_that_resampling_cannot_give_is_not_made_up(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [0.1, 0.2, 0.8, 0.9] * 10, ["0", "1", "1", "1"] * 10)
    facts = quality_of(labelled_run(place, run_id)).facts()
    # A perfect order stays perfect however often it is resampled: that is no interval of nothing.
    assert (facts["prr"], facts["prr_ci"]) == (1.0, None)
    assert any(note.startswith("prr_ci is not available: resampling shows no") for note in facts["notes"])
    run_id = make_decidable_run(place, [0.1, 0.2, 0.8, 0.9], ["1"] * 4, name="all right")
    facts = quality_of(labelled_run(place, run_id)).facts()
    assert facts["accuracy_at_review_share"]["0.1"] == 1.0
    # Of the four rows three are kept whole: Clopper-Pearson.
    assert facts["accuracy_at_review_share_ci"]["0.1"] == pytest.approx([0.025 ** (1 / 3), 1.0], abs=1e-9)
    assert (facts["prr"], facts["prr_ci"]) == (None, None)
    assert "prr is not available: all labels are equal." in facts["notes"]


def test_a_day_s_work(place: OpenStore) -> None:
    scores, labels = ranked_rows(400)
    found = decide(place, make_decidable_run(place, scores, labels), Question(review_share=0.25))
    assert found.answer.point is not None
    day = workload(found.answer.point, 1000, 90)
    assert (day.accepted, day.to_review, day.review_hours) == pytest.approx((750, 250, 6.25))
    assert day.wrong_accepted_low is not None and found.answer.point.risk is not None
    assert day.wrong_accepted_low < 750 * found.answer.point.risk
    assert day.wrong_accepted_high == pytest.approx(750 * (found.answer.bound or 0))


def test_any_number_leads_to_a_threshold_of_the_band_that_is_as_strict(place: OpenStore) -> None:
    scores, labels = ranked_rows(100)
    found = decide(place, make_decidable_run(place, scores, labels), TARGET)
    between = (found.points[3].threshold + found.points[4].threshold) / 2
    assert found.point_at(between) == found.points[3]
    assert found.point_at(found.points[4].threshold) == found.points[4]
    assert found.point_at(2.0) == found.points[0]
    assert found.point_at(-1.0) == found.points[-1]


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"max_risk": 0.05, "review_share": 0.1}, {"max_risk": 0.0}, {"max_risk": 5.0},
        {"max_risk": 0.05, "confidence": 95.0}, {"review_share": 1.0}, {"review_budget": -1.0},
        {"review_budget": 5.0, "daily_volume": 0.0}, {"max_risk": float("nan")},
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        Question(**asked)  # type: ignore[arg-type]


def test_a_run_that_is_not_there(place: OpenStore) -> None:
    with pytest.raises(NotFoundError):
        decide(place, "nowhere", TARGET)
