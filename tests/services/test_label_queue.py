"""The label queue: who is given which row, and that every press counts once, for the row it was made on."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.stored import make_scored_run
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import label_plans, label_queue, labels
from tlm_dash.services.label_plans import LabelPlan, PlanRequest
from tlm_dash.services.label_queue import Turn
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

N = 12


# Each test makes a run of its own.
@pytest.fixture(scope="module")
def place(shared_place: OpenStore) -> OpenStore:
    return shared_place


@pytest.fixture
def plan(place: OpenStore) -> LabelPlan:
    return planned(place)


def planned(place: OpenStore, n: int = N, **said: object) -> LabelPlan:
    run = make_scored_run(place.store, [number / 100 for number in range(1, n + 1)])
    wanted = {"kind": "uniform", "n": n, "created_by": "Ada", "double_share": 0.0, "seed": 3} | said
    return label_plans.create(place, run, PlanRequest(**wanted))  # type: ignore[arg-type]


def position(turn: Turn) -> int:
    assert turn.item is not None
    return turn.item.position


def say(place: OpenStore, plan: LabelPlan, turn: Turn, said: str, who: str = "Ada", note: str = "") -> bool:
    return label_queue.press(
        place, plan.plan_id, who, position=position(turn), said=said, n_said=turn.n_said, note=note
    )


def annotations(place: OpenStore, plan: LabelPlan) -> list[tuple[int, str, str | None, str]]:
    return place.store.read(
        "SELECT item_no, kind, verdict, annotator FROM annotation WHERE plan_id = ? ORDER BY created_at",
        [plan.plan_id],
    )


def test_rows_come_in_the_order_of_the_plan_and_end(place: OpenStore, plan: LabelPlan) -> None:
    for expected in range(N):
        turn = label_queue.take(place, plan.plan_id, "Ada")
        assert position(turn) == expected
        assert turn.texts is not None and turn.texts.item_no == turn.state.items[expected].item_no
        assert say(place, plan, turn, ("correct", "incorrect", "unsure", "skip")[expected % 4])
    end = label_queue.take(place, plan.plan_id, "Ada")
    assert end.item is None and end.n_held == 0
    assert Counter(kind for _, kind, _, _ in annotations(place, plan)) == {"verdict": 9, "skip": 3}


def test_everything_about_a_press_is_kept(place: OpenStore, plan: LabelPlan) -> None:
    turn = label_queue.take(place, plan.plan_id, "  Ada   Byron ")
    say(place, plan, turn, "incorrect", "Ada Byron", note=" Off by one. ")
    assert turn.item is not None
    (kept,) = labels.annotations_of(place, turn.item.response_hash)
    assert (kept.verdict, kept.note, kept.annotator) == ("incorrect", "Off by one.", "Ada Byron")
    assert (kept.plan_id, kept.run_id, kept.item_no) == (plan.plan_id, plan.run_id, turn.item.item_no)
    assert kept.inclusion_probability == turn.item.inclusion_probability == 1.0
    assert kept.score_visible is False


def test_a_press_that_comes_twice_counts_once(place: OpenStore, plan: LabelPlan) -> None:
    turn = label_queue.take(place, plan.plan_id, "Ada")
    assert say(place, plan, turn, "correct")
    assert not say(place, plan, turn, "correct")
    assert position(label_queue.take(place, plan.plan_id, "Ada")) == 1
    assert len(annotations(place, plan)) == 1


def test_another_key_on_the_same_picture_replaces_the_first(place: OpenStore, plan: LabelPlan) -> None:
    turn = label_queue.take(place, plan.plan_id, "Ada")
    say(place, plan, turn, "correct")
    say(place, plan, turn, "incorrect")
    again = label_queue.take(place, plan.plan_id, "Ada", position=0)
    assert again.mine is not None and again.mine.verdict == "incorrect"
    assert position(label_queue.take(place, plan.plan_id, "Ada")) == 1


def test_undo_writes_a_retraction_and_gives_the_row_again(place: OpenStore, plan: LabelPlan) -> None:
    first = label_queue.take(place, plan.plan_id, "Ada")
    say(place, plan, first, "correct")
    second = label_queue.take(place, plan.plan_id, "Ada")
    say(place, plan, second, "unsure")
    last = label_queue.take(place, plan.plan_id, "Ada").last
    assert last is not None and last[0].position == 1
    assert second.last is not None
    earlier = second.last[1].annotation_id
    assert label_queue.undo(place, plan.plan_id, "Ada", earlier) is None, "not what was said last"
    assert label_queue.undo(place, plan.plan_id, "Ada", last[1].annotation_id) == 1
    assert label_queue.undo(place, plan.plan_id, "Ada", last[1].annotation_id) is None, "once only"
    turn = label_queue.take(place, plan.plan_id, "Ada")
    assert position(turn) == 1 and turn.mine is None
    assert turn.last is not None and turn.last[0].position == 0
    assert not say(place, plan, second, "unsure"), "a press from before the undo is late"
    assert say(place, plan, turn, "correct")
    assert [kind for _, kind, _, _ in annotations(place, plan)] == [
        "verdict",
        "verdict",
        "retraction",
        "verdict",
    ]


def test_undo_of_a_changed_verdict_brings_the_first_one_back(place: OpenStore, plan: LabelPlan) -> None:
    turn = label_queue.take(place, plan.plan_id, "Ada")
    say(place, plan, turn, "correct")
    say(place, plan, turn, "incorrect")
    last = label_queue.take(place, plan.plan_id, "Ada").last
    assert last is not None
    label_queue.undo(place, plan.plan_id, "Ada", last[1].annotation_id)
    back = label_queue.take(place, plan.plan_id, "Ada", position=0)
    assert back.mine is not None and back.mine.verdict == "correct"


def test_going_back_shows_what_was_said_and_can_change_it(place: OpenStore, plan: LabelPlan) -> None:
    for said in ("correct", "skip"):
        say(place, plan, label_queue.take(place, plan.plan_id, "Ada"), said, note="why")
    here = label_queue.take(place, plan.plan_id, "Ada")
    assert here.earlier == 1
    back = label_queue.take(place, plan.plan_id, "Ada", position=1)
    assert back.mine is not None and back.mine.kind == "skip" and back.earlier == 0
    assert say(place, plan, back, "incorrect")
    changed = label_queue.take(place, plan.plan_id, "Ada", position=1).mine
    assert changed is not None and (changed.verdict, changed.note) == ("incorrect", "why")


def test_the_score_stays_hidden_until_the_verdict_and_that_is_kept(place: OpenStore, plan: LabelPlan) -> None:
    turn = label_queue.take(place, plan.plan_id, "Ada")
    with pytest.raises(InvalidInputError, match="hidden until"):
        label_queue.reveal(place, plan.plan_id, "Ada", 0)
    say(place, plan, turn, "correct")
    assert label_queue.take(place, plan.plan_id, "Ada").last_texts is None
    label_queue.reveal(place, plan.plan_id, "Ada", 0)
    shown = label_queue.take(place, plan.plan_id, "Ada").last_texts
    assert shown is not None and shown.score is not None
    # Changed after the score was seen: not blind any more, for this person and this row.
    say(place, plan, label_queue.take(place, plan.plan_id, "Ada", position=0), "incorrect")
    say(place, plan, label_queue.take(place, plan.plan_id, "Ben"), "correct", "Ben")
    seen = place.store.read(
        "SELECT annotator, score_visible FROM annotation WHERE plan_id = ? ORDER BY created_at",
        [plan.plan_id],
    )
    assert seen == [("Ada", False), ("Ada", True), ("Ben", False)]


def test_two_people_at_once_share_the_rows(place: OpenStore) -> None:
    plan = planned(place, 30)

    def work(who: str) -> int:
        done = 0
        while True:
            turn = label_queue.take(place, plan.plan_id, who)
            if turn.item is None:
                if not turn.n_held:
                    return done
                time.sleep(0.01)
                continue
            say(place, plan, turn, "correct", who)
            done += 1

    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(work, ("Ada", "Ben", "Cy")))
    said = annotations(place, plan)
    assert sum(counts) == len(said) == 30, "no row was given to two"
    assert len({item_no for item_no, *_ in said}) == 30


def test_a_double_row_goes_to_two_different_people(place: OpenStore) -> None:
    plan = planned(place, 8, double_share=0.25)
    for who in ("Ada", "Ben", "Cy"):
        while (turn := label_queue.take(place, plan.plan_id, who)).item is not None:
            say(place, plan, turn, "correct", who)
    per_row = Counter(item_no for item_no, *_ in annotations(place, plan))
    doubles = {item.item_no for item in turn.state.items if item.n_annotators == 2}
    assert per_row == {i.item_no: 2 if i.item_no in doubles else 1 for i in turn.state.items}
    assert len(doubles) == 2 and not any(who == "Cy" for *_, who in annotations(place, plan))


def test_a_row_that_somebody_has_is_not_given_to_another_until_they_leave(
    place: OpenStore, plan: LabelPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert position(label_queue.take(place, plan.plan_id, "Ada")) == 0
    assert position(label_queue.take(place, plan.plan_id, "Ben")) == 1
    assert position(label_queue.take(place, plan.plan_id, "Ada")) == 0, "looking again moves nobody"
    label_queue.release(place, plan.plan_id, "Ada")
    assert position(label_queue.take(place, plan.plan_id, "Cy")) == 0
    monkeypatch.setattr(label_queue, "LEASE_S", -1.0)
    label_queue.take(place, plan.plan_id, "Cy")
    assert position(label_queue.take(place, plan.plan_id, "Dee")) == 0, "a lease ends by itself"


def test_both_answers_count_where_two_answer_the_same_row(place: OpenStore, plan: LabelPlan) -> None:
    mine, theirs = (label_queue.take(place, plan.plan_id, who, position=0) for who in ("Ada", "Ben"))
    say(place, plan, mine, "correct", "Ada")
    say(place, plan, theirs, "incorrect", "Ben")
    found = label_plans.progress(place, plan.plan_id)
    assert (found.n_visited, found.n_labelled, found.n_unsure, found.n_contested) == (1, 0, 0, 1)


def test_where_one_stopped_the_next_process_goes_on(tmp_path: Path) -> None:
    settings = load_settings({"TLM_DASH_DATA_DIR": str(tmp_path)}, env_file=tmp_path / "no.env")
    with OpenStore(settings) as before:
        plan = planned(before)
        for _ in range(3):
            say(before, plan, label_queue.take(before, plan.plan_id, "Ada"), "correct")
    with OpenStore(settings) as after:
        turn = label_queue.take(after, plan.plan_id, "Ada")
        assert position(turn) == 3
        assert turn.last is not None and turn.last[0].position == 2


def test_what_is_gone_or_wrong_is_said(place: OpenStore, plan: LabelPlan) -> None:
    with pytest.raises(NotFoundError):
        label_queue.take(place, "gone", "Ada")
    with pytest.raises(NotFoundError):
        label_queue.press(place, plan.plan_id, "Ada", position=N, said="correct", n_said=0)
    with pytest.raises(InvalidInputError):
        label_queue.press(place, plan.plan_id, "Ada", position=0, said="maybe", n_said=0)
    with pytest.raises(InvalidInputError):
        label_queue.take(place, plan.plan_id, "  ")
    assert annotations(place, plan) == []
