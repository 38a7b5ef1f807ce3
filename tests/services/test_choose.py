"""Choosing among settings: named before looking, each with its share, nothing for a later one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.choosing import make_settings
from tests.services.compared import make_labelled_run
from tests.services.conftest import opened_in
from tests.services.deciding import make_decidable_run, ranked_rows
from tests.services.labelled_runs import say
from tlm_dash.analysis.threshold_grid import threshold_grid
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import decision_records, label_plans, record_files
from tlm_dash.services.asking import ask, known, look
from tlm_dash.services.choice import ChooseRequest
from tlm_dash.services.choose import choose, known_choice, look_at_choice
from tlm_dash.services.decide import Question, decision_of
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.record_check import check_again
from tlm_dash.services.record_drafts import choice_record
from tlm_dash.services.reports import report_record
from tlm_dash.store.plans import plan_items

FIVE = Question(max_risk=0.05)


def asked_for(run_ids: list[str], question: Question = FIVE, **more: float) -> ChooseRequest:
    return ChooseRequest(tuple(run_ids), question, **more)  # type: ignore[arg-type]


def n_stored(place: OpenStore) -> int:
    return int(place.store.read("SELECT count(*) FROM question")[0][0])


def test_the_one_taken_is_what_a_loop_over_settings_finds(place: OpenStore) -> None:
    run_ids = make_settings(place)
    best: tuple[float, str, float] | None = None
    for run_id in run_ids:
        # Each alone, at a third of the 5%.
        alone = decision_of(labelled_run(place, run_id), Question(max_risk=0.05, confidence=1 - 0.05 / 3))
        point = alone.answer.point
        if point is not None and (best is None or 1 - point.coverage < best[0]):
            best = (1 - point.coverage, run_id, point.threshold)
    assert best is not None
    choice = choose(place, asked_for(run_ids))
    told = choice.facts()
    assert told["chosen"]["run_id"] == best[1] and told["chosen"]["threshold"] == best[2]
    assert (told["n_settings_tried"], told["n_certified"], told["confidence"]) == (3, 3, 0.95)
    assert all(one["risk_upper_bound"] == 0.05 and one["is_certified"] for one in told["settings"])
    assert "allowing for three settings tried: setting 0, setting 1, setting 2" in choice.sentence
    assert choice.sentence.endswith("Fewest rows to people of the three certified.")
    assert told["best_set"] is None and not any("best_set" in note for note in told["notes"])
    assert choice.whose_labels() == ["Right and wrong are told by the labels of a file."]
    assert told["label_sources"] == {"file": 600} and told["is_first"]


def test_what_can_be_had_at_best_names_the_settings_that_share_the_level(place: OpenStore) -> None:
    run_ids = make_settings(place, 200, k=2, wrong=0.4, apart=0.0)
    choice = choose(place, asked_for(run_ids))
    assert choice.taken is None and choice.sentence.startswith("None of two settings can be promised")
    for run_id in run_ids:
        assert (
            "Allowing for two settings tried on this data: each has its share."
            in known(place, run_id, FIVE).notes()
        )


def test_the_share_of_the_level_is_really_smaller(place: OpenStore) -> None:
    run_ids = make_settings(place, 300)
    alone = known_alone(place, run_ids[0])
    shared = choose(place, asked_for(run_ids)).settings[0].asked.decision
    assert shared.question.level == pytest.approx(1 - 0.05 / 3)
    assert alone.answer.point is not None
    assert shared.answer.point is None or shared.answer.point.coverage < alone.answer.point.coverage


def known_alone(place: OpenStore, run_id: str):  # noqa: ANN201
    return decision_of(labelled_run(place, run_id), FIVE)


def test_what_was_named_is_known_tomorrow_and_on_the_page_of_each_run(tmp_path: Path) -> None:
    with opened_in(tmp_path) as place:
        run_ids = make_settings(place)
        assert not known_choice(place, asked_for(run_ids)).is_answered and n_stored(place) == 0
        choice = choose(place, asked_for(run_ids), asked_by="Ada")
        assert n_stored(place) == 3
    with opened_in(tmp_path) as place:
        assert known_choice(place, asked_for(run_ids)).facts() == choice.facts()
        assert choose(place, asked_for(run_ids)).facts() == choice.facts() and n_stored(place) == 3
        one = ask(place, run_ids[1], FIVE)
        assert one.is_first and n_stored(place) == 3
        assert one.decision.answer.point == choice.settings[1].asked.decision.answer.point
        assert "Allowing for three settings tried on this data: each has its share." in one.notes()
        assert one.facts()["n_settings_tried"] == 3
        # A second target has its share too.
        second = ask(place, run_ids[1], Question(max_risk=0.08))
        assert not second.is_first and second.decision.question.n_settings == 3


def test_a_subset_keeps_what_it_shares(place: OpenStore) -> None:
    run_ids = make_settings(place)
    whole = choose(place, asked_for(run_ids))
    part = choose(place, asked_for(run_ids[:2]))
    assert part.n_settings == 3 and n_stored(place) == 3
    assert [s.asked.decision.answer for s in part.settings] == [
        s.asked.decision.answer for s in whole.settings[:2]
    ]
    assert "allowing for three settings tried: setting 0, setting 1 and one more" in part.sentence


def test_a_setting_thought_of_later_gets_no_promise(place: OpenStore) -> None:
    run_ids = make_settings(place, k=4)
    first = choose(place, asked_for(run_ids[:3]))
    wider = choose(place, asked_for(run_ids))
    assert n_stored(place) == 3 and wider.n_settings == 3
    assert wider.taken == first.taken
    late = wider.settings[3]
    assert not late.is_certified and not late.is_named
    assert "it was not among the three settings that were named on" in str(late.why_not)
    assert "new plan" in str(late.why_not)
    assert late.facts()["reason"] == late.why_not
    read = look(place, run_ids[3], Question(review_share=0.1)).facts()["notes"][-1]
    assert "named for a choice before: this is for this one alone" in read and "choose" not in read
    # Nor by itself, nor among only itself: the labels are the same.
    alone = ask(place, run_ids[3], FIVE)
    assert alone.decision.answer.point is None and "not among" in str(alone.decision.answer.reason)
    only = choose(place, asked_for(run_ids[3:]))
    assert only.taken is None and only.is_answered and n_stored(place) == 3


def test_fresh_labels_of_a_new_plan_answer_for_a_later_setting(place: OpenStore) -> None:
    run_ids = make_settings(place, 400, k=2, labelled=False)
    request = label_plans.PlanRequest("uniform", 150, "Ada", seed=1, double_share=0.0)
    one = label_plans.create(place, run_ids[0], request)
    say(place, run_ids[0], {i.item_no: "correct" for i in plan_items(place.store, one.plan_id)},
        plan_id=one.plan_id)  # fmt: skip
    assert choose(place, asked_for(run_ids[:1])).n_settings == 1
    assert ask(place, run_ids[1], FIVE).decision.answer.point is None
    two = label_plans.create(place, run_ids[0], replace(request, seed=2, n=200))
    say(place, run_ids[0], {i.item_no: "correct" for i in plan_items(place.store, two.plan_id)},
        plan_id=two.plan_id)  # fmt: skip
    both = choose(place, replace(asked_for(run_ids), bases=(two.plan_id,)))
    assert [s.is_named for s in both.settings] == [True, True]
    shared = {i.item_no for i in plan_items(place.store, one.plan_id)} & {
        i.item_no for i in plan_items(place.store, two.plan_id)
    }
    assert [s.asked.decision.n_labelled for s in both.settings] == [200 - len(shared)] * 2
    assert both.n_settings == 2 and both.taken is not None


def test_a_single_question_before_counts_as_tried(place: OpenStore) -> None:
    run_ids = make_settings(place, k=4)
    ask(place, run_ids[3], FIVE)
    choice = choose(place, asked_for(run_ids[:3]))
    assert choice.n_settings == 4
    assert choice.settings[0].asked.decision.question.level == pytest.approx(1 - 0.05 / 4)
    assert "allowing for four settings tried: setting 0, setting 1, setting 2 and one more" in choice.sentence


def test_a_run_that_was_asked_another_target_first_is_read_from_its_band(place: OpenStore) -> None:
    run_ids = make_settings(place)
    ask(place, run_ids[0], Question(max_risk=0.1))
    choice = choose(place, asked_for(run_ids))
    assert [s.asked.is_first for s in choice.settings] == [False, True, True]
    assert choice.n_settings == 3 and choice.settings[0].asked.decision.question.n_settings == 3
    assert "band" in choice.settings[0].facts()["method"]
    assert not choice.facts()["is_first"]


def test_another_target_of_the_same_settings_is_read_from_the_bands(place: OpenStore) -> None:
    run_ids = make_settings(place)
    choose(place, asked_for(run_ids))
    eight = asked_for(run_ids, Question(max_risk=0.08))
    assert not known_choice(place, eight).is_answered
    second = choose(place, eight)
    assert second.n_settings == 3 and not second.facts()["is_first"]
    assert all("band" in s.facts()["method"] for s in second.settings)
    assert known_choice(place, eight).facts() == second.facts()
    assert choose(place, asked_for(run_ids)).facts()["is_first"]


def test_a_look_keeps_nothing(place: OpenStore) -> None:
    run_ids = make_settings(place)
    seen = look_at_choice(place, asked_for(run_ids))
    assert seen.is_look and n_stored(place) == 0 and seen.n_settings == 3
    assert all("band" in s.facts()["method"] for s in seen.settings)
    assert choose(place, asked_for(run_ids)).facts()["is_first"]


def test_prices_decide_where_they_are_known(place: OpenStore) -> None:
    run_ids = make_settings(place)
    told = choose(place, asked_for(run_ids, minutes_per_row=3, price_per_hour=30)).facts()
    # Responses of files have no cost of their own: reading decides, and it is said.
    assert any("price of requests is not known" in note for note in told["notes"])
    assert (told["minutes_per_row"], told["price_per_hour"]) == (3, 30)
    assert told["chosen"]["review_share"] == min(one["review_share"] for one in told["settings"])


def test_what_people_can_read_takes_the_lowest_bound(place: OpenStore) -> None:
    run_ids = make_settings(place)
    choice = choose(place, asked_for(run_ids, Question(review_share=0.3)))
    bounds = [s.asked.decision.answer.bound for s in choice.settings]
    assert choice.taken is not None and bounds[choice.taken] == min(b for b in bounds if b is not None)
    assert "The lowest bound of the three certified." in choice.sentence
    assert n_stored(place) == 3
    assert known_choice(place, asked_for(run_ids, Question(review_share=0.3))).is_answered
    assert not known_choice(place, asked_for(run_ids, Question(review_share=0.2))).is_answered
    # The first target of a run named there is tested with its share.
    assert ask(place, run_ids[0], FIVE).decision.question.level == pytest.approx(1 - 0.05 / 3)


def test_nine_settings_of_which_none_can_be_promised(place: OpenStore) -> None:
    run_ids = make_settings(place, 200, k=9, wrong=0.5, apart=0.2)
    choice = choose(place, asked_for(run_ids))
    assert choice.taken is None and choice.n_settings == 9
    assert choice.sentence.startswith(
        "None of nine settings can be promised, allowing for nine settings tried"
    )
    assert "at best " in choice.sentence
    assert all(s.why_not and s.facts()["best_guaranteed_risk"] > 0.05 for s in choice.settings)


def test_a_run_without_labels_is_named_and_settles_when_it_has_them(place: OpenStore) -> None:
    run_ids = make_settings(place, 500, k=2)
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [run_ids[0]])
    bare = make_labelled_run(
        place, dataset_id, [None] * 500, name="bare", scores=[n / 500 for n in range(500)]
    )
    choice = choose(place, asked_for([*run_ids, bare]))
    assert choice.n_settings == 3 and choice.taken in (0, 1)
    assert choice.settings[2].is_named and not choice.settings[2].is_certified
    assert choice.settings[2].why_not == "No row of this run has a label yet."
    assert "(one without labels)" in choice.sentence
    say(place, bare, dict.fromkeys(range(1, 501), "correct"))
    later = choose(place, asked_for([*run_ids, bare]))
    assert later.settings[2].is_certified and later.settings[2].asked.is_first and later.n_settings == 3
    assert later.settings[2].asked.decision.question.level == pytest.approx(1 - 0.05 / 3)
    assert known(place, bare, FIVE).is_first


def test_only_runs_without_labels(place: OpenStore) -> None:
    run_ids = make_settings(place, 50, k=2, labelled=False)
    choice = choose(place, asked_for(run_ids))
    assert choice.taken is None and "None of two settings" in choice.sentence
    assert choice.whose_labels() == []


def test_one_setting_is_the_same_as_asking_it_alone(place: OpenStore) -> None:
    run_ids = make_settings(place, k=1)
    choice = choose(place, asked_for(run_ids))
    assert choice.n_settings == 1 and "no other setting was tried" in choice.sentence
    assert choice.settings[0].asked.decision.answer == known_alone(place, run_ids[0]).answer
    assert ask(place, run_ids[0], FIVE).is_first and n_stored(place) == 1


def test_what_cannot_be_chosen_among(place: OpenStore) -> None:
    run_ids = make_settings(place, 100, k=2)
    with pytest.raises(InvalidInputError, match="named twice"):
        asked_for([run_ids[0], run_ids[0]])
    with pytest.raises(InvalidInputError, match="No run"):
        asked_for([])
    with pytest.raises(InvalidInputError, match="minutes of a row"):
        asked_for(run_ids, minutes_per_row=-1)
    elsewhere = make_decidable_run(place, *ranked_rows(100))
    with pytest.raises(InvalidInputError, match="another dataset"):
        choose(place, asked_for([run_ids[0], elsewhere]))
    with pytest.raises(NotFoundError, match="none of the samples"):
        choose(place, replace(asked_for(run_ids), bases=("no-such-plan",)))
    assert n_stored(place) == 0
    assert len(threshold_grid([0.5])) == 1


def test_a_choice_is_recorded_and_checked_like_any_decision(place: OpenStore) -> None:
    run_ids = make_settings(place)
    request = asked_for(run_ids, minutes_per_row=2.0)
    choice = choose(place, request, asked_by="Ada")
    record = choice_record(place, request)
    assert record["answer"] == choice.sentence and "allowing for three settings tried" in record["answer"]
    assert record["question"].startswith("Which of three settings is to be used")
    saved = decision_records.save(place, record, decided_by="Ada", reason="The cheapest.")
    decision = decision_records.show(place, saved)
    assert (decision.kind, set(decision.run_ids)) == ("choice", set(run_ids))
    page = record_files.as_html(decision.record)
    assert "allowing for three settings tried" in page and page.count("<svg") == 1
    assert choice.taken is not None and f"setting {choice.taken}: taken" in page
    assert all(f"setting {number}" in page for number in range(3))
    assert check_again(place, saved).outcome == "same"
    say(place, run_ids[0], {1: "correct"})
    assert check_again(place, saved).outcome in ("same", "holds")
    say(place, run_ids[0], dict.fromkeys(range(1, 400), "incorrect"))
    assert check_again(place, saved).outcome == "changed"


def test_a_choice_that_gives_nothing_is_recorded_too(place: OpenStore) -> None:
    request = asked_for(make_settings(place, 100, k=2, wrong=0.5))
    choose(place, request)
    saved = decision_records.save(
        place, choice_record(place, request), decided_by="Ada", reason="We read all."
    )
    assert decision_records.show(place, saved).verdict.startswith("None of two settings")
    assert check_again(place, saved).outcome == "same"


def test_a_later_setting_is_never_taken_nor_promised_by_a_look_a_budget_or_a_report(
    place: OpenStore,
) -> None:
    # The last one ranks best.
    run_ids = make_settings(place, 400, k=4, wrong=0.15, apart=1.6)
    read = Question(review_share=0.3)
    first = choose(place, asked_for(run_ids[:3], read))
    wider = choose(place, asked_for(run_ids, read))
    assert wider.taken == first.taken and not wider.settings[3].is_certified
    assert "not among" in str(wider.settings[3].why_not)
    assert wider.settings[3].asked.decision.answer.bound is not None, "else nothing would be withheld"
    seen = look_at_choice(place, asked_for(run_ids, Question(max_risk=0.1)))
    assert seen.taken != 3 and not seen.settings[3].is_certified
    for told in (report_record(place, run_ids[3:], max_risk=0.1), report_record(place, run_ids[3:])):
        assert told["findings"][0]["figures"]["feasible"] is False and "not among" in told["answer"]


def test_a_setting_thought_of_later_gets_nothing_from_a_stratified_plan_either(place: OpenStore) -> None:
    run_ids = make_settings(place, 400, labelled=False)
    plan = label_plans.create(
        place, run_ids[0], label_plans.PlanRequest("stratified", 200, "Ada", seed=1, double_share=0.0)
    ).plan_id
    items = plan_items(place.store, plan)
    say(place, run_ids[0], {item.item_no: "correct" for item in items[:150]}, plan_id=plan)
    choose(place, asked_for(run_ids[:2]))
    late = ask(place, run_ids[2], FIVE)
    assert labelled_run(place, run_ids[2]).basis.kind == "stratified"
    assert late.standing.state == "late" and late.decision.answer.point is None
    # Nor from more labels of the plan that was asked.
    say(place, run_ids[0], {item.item_no: "correct" for item in items[150:]}, plan_id=plan)
    assert ask(place, run_ids[2], FIVE).standing.state == "late"


def test_the_record_of_a_choice_stays_with_its_samples(place: OpenStore) -> None:
    run_ids = make_settings(place, 1000, k=2, labelled=False)
    for seed, n in ((1, 200), (2, 400)):
        plan = label_plans.create(
            place, run_ids[0], label_plans.PlanRequest("uniform", n, "Ada", seed=seed, double_share=0.0)
        ).plan_id
        verdicts = {item.item_no: "correct" for item in plan_items(place.store, plan)}
        say(place, run_ids[0], verdicts, plan_id=plan)
        if seed == 1:
            choose(place, asked_for(run_ids))
            record = choice_record(place, asked_for(run_ids))
            saved = decision_records.save(place, record, decided_by="Ada", reason="Good enough.")
    assert check_again(place, saved).outcome in ("same", "holds")
