"""The first target of a run's labels: kept, known everywhere, and the only one with a test of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.services.compared import make_labelled_run
from tests.services.conftest import opened_in
from tests.services.deciding import make_decidable_run, ranked_rows
from tests.services.labelled_runs import say
from tlm_dash.services import decision_records, label_plans
from tlm_dash.services.asked_rows import is_within, ranges_of
from tlm_dash.services.asking import ask, known, look
from tlm_dash.services.decide import Question
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.record_check import check_again
from tlm_dash.services.record_drafts import threshold_record
from tlm_dash.services.reports import report_record
from tlm_dash.store.plans import plan_items
from tlm_dash.store.questions import questions_of

FIVE, EIGHT = Question(max_risk=0.05), Question(max_risk=0.08)


def n_stored(place: OpenStore) -> int:
    return int(place.store.read("SELECT count(*) FROM question")[0][0])


def plan_of(place: OpenStore, run_id: str, n: int, seed: int, kind: label_plans.PlanKind = "uniform") -> str:
    request = PlanRequest(kind, n, "Ada", seed=seed, double_share=0.0)
    return label_plans.create(place, run_id, request).plan_id


def follow(place: OpenStore, run_id: str, plan_id: str, places: Sequence[int], wrong: Sequence[int]) -> None:
    """Give verdicts on the rows at some places of a plan's order; items in `wrong` are incorrect."""
    items = plan_items(place.store, plan_id)
    verdicts = {
        items[at].item_no: "incorrect" if items[at].item_no in wrong else "correct" for at in places
    }  # fmt: skip
    say(place, run_id, verdicts, plan_id=plan_id)


def test_the_first_target_is_kept_and_answered_by_the_same_test_tomorrow(tmp_path: Path) -> None:
    with opened_in(tmp_path) as place:
        run_id = make_decidable_run(place, *ranked_rows(500))
        before = known(place, run_id, FIVE)
        assert not before.is_answered and before.first is None and n_stored(place) == 0
        assert before.decision.answer.point is None and before.decision.points
        asked = ask(place, run_id, FIVE, asked_by="Ada")
        assert asked.is_first and asked.is_answered and asked.decision.answer.point is not None
    with opened_in(tmp_path) as place:
        again = known(place, run_id, FIVE)
        assert again.facts() == asked.facts() == ask(place, run_id, FIVE).facts()
        told = again.facts()["first_target"]
        assert (told["max_risk"], told["confidence"], told["n_labelled"]) == (0.05, 0.95, 500)
        assert (told["asked_by"], told["basis"], n_stored(place)) == ("Ada", "census", 1)


def test_another_target_on_the_same_labels_is_read_from_the_band(place: OpenStore) -> None:
    run_id = make_decidable_run(place, *ranked_rows(600))
    first = ask(place, run_id, FIVE)
    assert not known(place, run_id, EIGHT).is_answered
    second = ask(place, run_id, EIGHT)
    assert (second.is_first, second.is_answered) == (False, True)
    assert second.facts()["first_target"] == first.facts()["first_target"]
    band = look(place, run_id, EIGHT).decision
    assert second.decision.answer.point == band.answer.point
    assert "band" in second.facts()["method"]
    assert any("5% with 95% confidence was asked of these labels first" in n for n in second.notes())
    # It was asked: another tab shows it as that; the first one keeps its test.
    assert known(place, run_id, EIGHT).decision.answer == second.decision.answer
    assert ask(place, run_id, FIVE).facts() == first.facts()
    other = ask(place, run_id, Question(max_risk=0.05, confidence=0.9))
    assert not other.is_first and "band" in other.facts()["method"]


def test_a_look_keeps_nothing_and_reads_the_band(place: OpenStore) -> None:
    run_id = make_decidable_run(place, *ranked_rows(600))
    seen = look(place, run_id, FIVE)
    assert seen.is_answered and not seen.is_first and seen.facts()["first_target"] is None
    assert "band" in seen.facts()["method"] and n_stored(place) == 0
    assert ask(place, run_id, EIGHT).is_first
    assert "band" in look(place, run_id, EIGHT).facts()["method"] and not look(place, run_id, EIGHT).is_first


def test_what_people_can_read_costs_nothing(place: OpenStore) -> None:
    run_id = make_decidable_run(place, *ranked_rows(300))
    budget = ask(place, run_id, Question(review_share=0.2))
    assert budget.is_answered and budget.decision.answer.point is not None and not budget.is_first
    assert n_stored(place) == 0 and ask(place, run_id, FIVE).is_first


def test_nothing_is_asked_of_no_labels(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 100 for n in range(100)], [None] * 100)
    asked = ask(place, run_id, FIVE)
    assert asked.first is None and asked.decision.answer.point is None and n_stored(place) == 0


def test_the_promise_of_a_plan_stays_with_the_rows_of_then(place: OpenStore) -> None:
    scores = [n / 1000 for n in range(1000)]
    run_id = make_decidable_run(place, scores, [None] * 1000)
    plan_id = plan_of(place, run_id, 400, seed=1)
    wrong = range(1, 300)
    follow(place, run_id, plan_id, range(200), wrong)
    asked = ask(place, run_id, FIVE)
    assert asked.is_first and asked.decision.n_labelled == 200
    threshold = asked.facts()["threshold"]
    assert threshold is not None

    # Labels that come later are all wrong: they would take the promise away, and are not looked at.
    follow(place, run_id, plan_id, range(200, 400), range(1, 1001))
    later = known(place, run_id, FIVE)
    assert (later.is_first, later.decision.n_labelled) == (True, 200)
    assert later.facts()["threshold"] == threshold
    assert any("Asked on 200 labels on" in note and "there are 400 now" in note for note in later.notes())
    assert labelled_run(place, run_id).basis.n_labelled == 400
    assert later.decision.quality.n_labelled == 400
    # Nor does the band of a second target stand on them.
    assert look(place, run_id, EIGHT).decision.n_labelled == 200

    # A label of then that is corrected counts as corrected.
    items = plan_items(place.store, plan_id)
    high = [item.item_no for item in items[:200] if item.item_no > 850]
    say(place, run_id, dict.fromkeys(high, "incorrect"), plan_id=plan_id)
    assert known(place, run_id, FIVE).facts()["threshold"] != threshold


def test_a_row_left_open_then_and_settled_later_stays_open(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 100 for n in range(100)], [None] * 100)
    plan_id = plan_of(place, run_id, 100, seed=3)
    items = plan_items(place.store, plan_id)
    say(place, run_id, {items[0].item_no: "unsure"}, plan_id=plan_id)
    follow(place, run_id, plan_id, range(1, 80), ())
    assert ask(place, run_id, FIVE).decision.n_labelled == 79
    say(place, run_id, {items[0].item_no: "incorrect"}, plan_id=plan_id)
    later = known(place, run_id, FIVE).decision
    assert (later.n_labelled, later.n_open) == (79, 1)


def test_a_census_that_grew_keeps_its_promise_of_then(place: OpenStore) -> None:
    scores, labels = ranked_rows(400)
    run_id = make_decidable_run(place, scores, ["?" if n < 100 else label for n, label in enumerate(labels)])
    asked = ask(place, run_id, FIVE)
    assert asked.decision.n_labelled == 300
    # Half of the open ones are settled: they stay open for the question of then.
    say(place, run_id, dict.fromkeys(range(1, 51), "correct"))
    now = known(place, run_id, FIVE)
    assert (now.is_first, now.decision.answer) == (True, asked.decision.answer)
    assert (now.decision.n_labelled, now.decision.n_open) == (300, 100)
    assert any("Asked on 300 labels" in note and "350 now" in note for note in now.notes())


def test_samples_that_share_labels_share_the_first_target(place: OpenStore) -> None:
    scores, labels = ranked_rows(300)
    run_id = make_decidable_run(place, scores, labels)
    place.store.append({"label_basis": [{
        "run_id": run_id, "source": "column", "is_uniform": True, "decided_by": "Ada", "note": None,
        "created_at": labelled_run(place, run_id).record.created_at,
    }]}).result(30)  # fmt: skip
    ask(place, run_id, Question(max_risk=0.05, basis="census"))
    other = ask(place, run_id, Question(max_risk=0.08, basis="column"))
    assert not other.is_first and other.first is not None and other.first.basis == "census"
    assert "band" in other.facts()["method"]
    same = ask(place, run_id, Question(max_risk=0.05, basis="column"))
    assert not same.is_first, "the same target on the same labels drawn otherwise is a second test of them"


def test_a_new_plan_answers_with_rows_of_its_own(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 600 for n in range(600)], [None] * 600)
    one, two = (plan_of(place, run_id, 300, seed) for seed in (1, 2))
    wrong = range(1, 100)
    follow(place, run_id, one, range(300), wrong)
    ask(place, run_id, Question(max_risk=0.05, basis=one))
    follow(place, run_id, two, range(300), wrong)
    seen = known(place, run_id, Question(max_risk=0.08, basis=two))
    shared = {i.item_no for i in plan_items(place.store, one)} & {
        i.item_no for i in plan_items(place.store, two)
    }
    assert f"{len(shared)} labels of this plan were asked before" in " ".join(seen.notes())
    asked = ask(place, run_id, Question(max_risk=0.08, basis=two))
    assert asked.is_first and asked.decision.n_labelled == 300 - len(shared)
    assert asked.first is not None and not is_within(np.array(sorted(shared)), asked.first.item_ranges).any()
    # The same rows drawn once more have nothing of their own to say.
    three = plan_of(place, run_id, 600, seed=3)
    rest = [at for at, item in enumerate(plan_items(place.store, three))]
    follow(place, run_id, three, rest[:50], wrong)
    fresh = ask(place, run_id, Question(max_risk=0.1, basis=three))
    assert fresh.is_first
    assert fresh.decision.n_labelled == sum(
        not is_within(np.array([item.item_no]), q.item_ranges).any()
        for item in plan_items(place.store, three)[:50]
        for q in [_union(place, run_id, (one, two))]
    )


class _Union:
    def __init__(self, item_ranges: tuple[tuple[int, int], ...]) -> None:
        self.item_ranges = item_ranges


def _union(place: OpenStore, run_id: str, bases: Sequence[str]) -> _Union:
    dataset_id = labelled_run(place, run_id).record.dataset_id
    asked = [q for q in questions_of(place.store, dataset_id) if q.basis in bases]
    return _Union(tuple(r for q in asked for r in q.item_ranges))


def test_a_plan_of_the_same_rows_is_spent(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 120 for n in range(120)], [None] * 120)
    one, two = (plan_of(place, run_id, 120, seed) for seed in (1, 2))
    for plan_id in (one, two):
        follow(place, run_id, plan_id, range(120), range(1, 20))
    ask(place, run_id, Question(max_risk=0.05, basis=one))
    again = ask(place, run_id, Question(max_risk=0.3, basis=two))
    assert not again.is_first and "band" in again.facts()["method"]


def test_other_settings_that_were_asked_are_counted(place: OpenStore) -> None:
    scores, labels = ranked_rows(400)
    alone = make_decidable_run(place, scores, labels)
    assert ask(place, alone, FIVE).facts()["n_settings_tried"] == 1
    assert "No other setting of this dataset was asked." in known(place, alone, FIVE).notes()
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [alone])
    other = make_labelled_run(
        place, dataset_id, [int(label) for label in labels], name="other", scores=scores
    )
    asked = ask(place, other, FIVE)
    assert asked.is_first and asked.facts()["n_settings_tried"] == 2
    assert any("this promise is for this one alone" in note for note in asked.notes())
    assert known(place, alone, FIVE).facts()["n_settings_tried"] == 2
    elsewhere = make_decidable_run(place, scores, labels, name="another dataset")
    assert ask(place, elsewhere, FIVE).facts()["n_settings_tried"] == 1


def test_what_was_said_of_the_rows_before_looking_stays_said(place: OpenStore) -> None:
    scores, labels = ranked_rows(600)
    prompts = [f"question {n // 3}" for n in range(600)]
    requests = Question(max_risk=0.1, rows_are_requests=True)
    said = make_decidable_run(place, scores, labels, prompts=prompts)
    first = ask(place, said, requests)
    assert first.is_first and first.decision.question.rows_are_requests and first.facts()["p_prompt"] is None
    again = known(place, said, Question(max_risk=0.1))
    assert again.is_first and again.decision.answer == first.decision.answer
    assert any("declared separate requests" in note for note in again.decision.notes)
    unsaid = make_decidable_run(place, scores, labels, prompts=prompts, name="unsaid")
    ask(place, unsaid, Question(max_risk=0.1))
    late = ask(place, unsaid, requests)
    assert late.is_first and not late.decision.question.rows_are_requests
    assert any("prompts are tested too" in note for note in late.notes())


def test_a_record_stays_with_the_rows_that_were_asked(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 1000 for n in range(1000)], [None] * 1000)
    plan_id = plan_of(place, run_id, 400, seed=1)
    follow(place, run_id, plan_id, range(200), range(1, 300))
    asked = ask(place, run_id, FIVE)
    record = threshold_record(place, run_id, asked.decision.question, told=asked.notes())
    assert record["findings"][0]["figures"]["threshold"] == asked.facts()["threshold"]
    assert "No other setting of this dataset was asked." in record["findings"][-1]["text"]
    saved = decision_records.save(place, record, decided_by="Ada", reason="Good enough.")
    follow(place, run_id, plan_id, range(200, 400), range(1, 1001))
    assert check_again(place, saved).outcome == "holds"


def test_a_report_asks_only_what_somebody_named(place: OpenStore) -> None:
    run_id = make_decidable_run(place, *ranked_rows(500))
    silent = report_record(place, [run_id])
    assert n_stored(place) == 0 and "band" in silent["method"]["sentence"]
    report_record(place, [run_id], max_risk=0.08)
    assert n_stored(place) == 1
    again = report_record(place, [run_id])
    assert "at most 8% of them wrong" in again["question"] and "band" not in again["method"]["sentence"]


@pytest.mark.parametrize("numbers", [[], [3], [1, 2, 3], [1, 3, 4, 9], [7, 5, 6, 1, 1]])
def test_ranges_hold_just_their_numbers(numbers: list[int]) -> None:
    ranges = ranges_of(np.array(numbers, dtype=np.int64))
    assert is_within(np.arange(12), ranges).nonzero()[0].tolist() == sorted(set(numbers))
    assert len(ranges) <= len(set(numbers))
    assert is_within(np.arange(12), ((0, 8), (2, 3))).nonzero()[0].tolist() == list(range(9))


def test_a_sample_that_was_spent_asks_the_rows_it_has_of_its_own_by_now(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 120 for n in range(120)], [None] * 120)
    one, two = (plan_of(place, run_id, 120, seed) for seed in (1, 2))
    follow(place, run_id, one, range(100), ())
    ask(place, run_id, Question(max_risk=0.05, basis=one))
    asked_before = {item.item_no for item in plan_items(place.store, one)[:100]}
    order = [item.item_no for item in plan_items(place.store, two)]
    n_shared = next(n for n, item_no in enumerate(order) if item_no not in asked_before)
    wanted = Question(max_risk=0.3, basis=two)
    follow(place, run_id, two, range(n_shared), ())
    assert n_shared and ask(place, run_id, wanted).standing.state == "spent"
    follow(place, run_id, two, range(n_shared, 120), ())
    assert not known(place, run_id, wanted).is_answered, "these rows were asked nothing"
    again = ask(place, run_id, wanted)
    assert again.is_first and again.decision.n_labelled == 20


def test_a_uniform_plan_after_a_stratified_one_is_no_uniform_sample_without_its_rows(
    place: OpenStore,
) -> None:
    # Low scores are wrong, and the first plan has most of those: without its rows the second has hardly any.
    run_id = make_decidable_run(place, [n / 1000 for n in range(1000)], [None] * 1000)
    wrong = range(1, 200)
    one = plan_of(place, run_id, 600, seed=1, kind="stratified")
    follow(place, run_id, one, range(600), wrong)
    ask(place, run_id, Question(max_risk=0.05, basis=one))
    two = plan_of(place, run_id, 600, seed=2)
    follow(place, run_id, two, range(300), wrong)
    wanted = Question(max_risk=0.1, basis=two)
    asked = ask(place, run_id, wanted)
    assert not asked.is_first and asked.standing.state == "spent"
    assert asked.decision.n_labelled == 300 and "band" in asked.facts()["method"]
    # To label on and look again would break what the band promises, too.
    follow(place, run_id, two, range(300, 600), wrong)
    again = known(place, run_id, wanted)
    assert again.decision.n_labelled == 300 and again.decision.answer == asked.decision.answer
    assert any("Asked on 300 labels" in note and "600 now" in note for note in again.notes())
    assert ask(place, run_id, Question(max_risk=0.2, basis=two)).decision.n_labelled == 300


def test_a_record_stays_with_its_sample_when_another_has_more_labels(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [n / 1000 for n in range(1000)], [None] * 1000)
    one = plan_of(place, run_id, 200, seed=1)
    follow(place, run_id, one, range(200), range(1, 300))
    asked = ask(place, run_id, FIVE)
    record = threshold_record(place, run_id, asked.decision.question, told=asked.notes())
    saved = decision_records.save(place, record, decided_by="Ada", reason="Good enough.")
    two = plan_of(place, run_id, 400, seed=2)
    follow(place, run_id, two, range(400), range(1, 300))
    assert labelled_run(place, run_id).basis.name == two
    assert check_again(place, saved).outcome in ("same", "holds")


def test_rows_that_were_open_when_it_was_asked_stay_open(place: OpenStore) -> None:
    """To skip rows, ask, answer them and ask again would be another look at the same labels."""
    run_id = make_decidable_run(place, [n / 300 for n in range(300)], ["1"] * 50 + ["?"] * 250)
    asked = ask(place, run_id, FIVE)
    assert not asked.facts()["feasible"] and asked.facts()["n_labelled"] == 50
    say(place, run_id, dict.fromkeys(range(51, 301), "correct"))
    again = ask(place, run_id, FIVE)
    assert again.is_first and again.decision.answer == asked.decision.answer
    assert again.facts()["n_labelled"] == 50
    assert any("Asked on 50 labels" in note and "300 now" in note for note in again.notes())
    # A label of then that is corrected counts as corrected.
    say(place, run_id, {3: "incorrect"})
    assert ask(place, run_id, FIVE).decision.n_labelled == 50
    assert known(place, run_id, FIVE).decision.points != asked.decision.points
