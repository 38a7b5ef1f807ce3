"""Runs of the playground where runs of datasets are looked at: rows, labels, plans, exports, statistics."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.services.labelled_runs import say
from tests.services.stored import make_scored_run
from tests.store.rows import completion_row, item_row, make_runs, run_item_row, write
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import messages_identity, new_id, response_hash, text_hash, utc_now
from tlm_dash.services import exports, label_matchers, label_plans, playground, review, runs
from tlm_dash.services.compare import CompareRequest, compare
from tlm_dash.services.decide import Question, decide
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.review import RowFilter
from tlm_dash.store.labels import RUN_LABELS, run_labels
from tlm_dash.store.playground import ensure_playground_dataset, next_item_no

EVERY_COLUMN = "SELECT * FROM run_label ORDER BY run_id, item_no"


def ask(place: OpenStore, run_ids: list[str], prompt: str, *scores: float | None) -> int:
    """Ask a prompt with some cards: one response, scored in each, a later score later; gives its item_no."""
    item_no = next_item_no(place.store, ensure_playground_dataset(place.store))
    messages = [{"role": "user", "content": prompt}]
    hashed = response_hash(messages, f"{prompt} So.")
    completion = completion_row(item_no, f"{prompt} So.", response_hash=hashed, latency_ms=40.0)
    entry_id = new_id()
    results = [
        run_item_row(
            run_id, item_no, attempt_no=number, completion_id=completion["completion_id"],
            response_hash=hashed, trustworthiness_score=score, score_latency_ms=2.0,
        )
        for run_id in run_ids for number, score in enumerate(scores, 1)
    ]  # fmt: skip
    write(
        place.store,
        item=item_row(item_no, prompt, prompt_hash=text_hash(messages_identity(messages))),
        playground_entry={
            "entry_id": entry_id, "dataset_id": "playground", "item_no": item_no, "request": {},
            "created_at": utc_now(),
        },
        playground_cell=[
            {"entry_id": entry_id, "position": n, "run_id": run_id} for n, run_id in enumerate(run_ids)
        ],
        completion=completion,
        run_item=results,
    )  # fmt: skip
    return item_no


@pytest.fixture
def low(place: OpenStore) -> str:
    """A run of three answers, of which the second was scored three times, and a fourth that failed."""
    low, medium = make_runs(
        place.store,
        {"name": "Playground · small · low", "scorer_model": "small"},
        {"name": "Playground · small · medium", "quality_preset": "medium", "scorer_model": "small"},
    )
    ask(place, [low, medium], "Why?", 0.9)
    ask(place, [low], "How?", 0.3, None, 0.5)
    ask(place, [low], "Who?", 0.1)
    failed = ask(place, [low], "When?")
    write(place.store, run_item=run_item_row(low, failed, status="error", error_kind="timeout"))
    return low


def test_it_is_found_by_its_id_and_stands_in_no_list(place: OpenStore, low: str) -> None:
    listed = make_scored_run(place.store, [0.4])
    assert [view.record.run_id for view in runs.list_runs(place)] == [listed]
    assert [view.record.run_id for view in runs.list_runs(place, named=(low, listed, "gone"))] == [
        listed,
        low,
    ]
    ((view,), missing) = review.chosen(place, [low])
    assert (view.record.name, view.record.dataset_name, missing) == (
        "Playground · small · low", "Playground", [],
    )  # fmt: skip
    assert (view.record.n_items, view.counts.n_done, view.counts.n_error) == (4, 3, 1)
    with pytest.raises(NotFoundError):
        review.find(place, "Playground · small · low")


def test_an_answer_that_was_scored_again_is_one_row_with_its_last_score(place: OpenStore, low: str) -> None:
    view = review.find(place, low)
    look = review.found(place, view, RowFilter())
    assert look.item_nos == (3, 2, 1, 4)
    assert (look.n_rows, look.n_scored) == (4, 3)
    assert [row.trustworthiness_score for row in review.page(place, view, look.item_nos)] == [
        0.1,
        0.5,
        0.9,
        None,
    ]
    assert review.found(place, view, RowFilter(), sort="latency_down").n_rows == 4
    measured = review.distribution_of(place, view)
    assert (measured.n, measured.n_unscored) == (4, 1)
    assert measured.mean == pytest.approx(0.5)
    assert review.choices(place, view).rows.statuses == {"done": 3, "error": 1}
    row = review.detail(place, view, 1)
    assert [(other.name, other.trustworthiness_score) for other in row.others] == [
        ("Playground · small · medium", 0.9)
    ]


def test_what_is_asked_later_is_seen_at_once(place: OpenStore, low: str) -> None:
    assert review.found(place, review.find(place, low), RowFilter()).n_rows == 4
    ask(place, [low], "Where?", 0.2)
    view = review.find(place, low)
    assert (view.counts.n_done, view.record.n_items) == (4, 5)
    assert review.found(place, view, RowFilter()).item_nos == (3, 5, 2, 1, 4)


def test_the_long_text_of_the_label_query_says_the_same(place: OpenStore, low: str) -> None:
    say(place, low, {1: "correct", 2: "incorrect"})
    other = make_scored_run(place.store, [0.4, 0.6])
    for run_ids in ([low], [low, other]):
        told = [
            place.store.read_rows(f"WITH {text} {EVERY_COLUMN}", {"run_ids": run_ids})
            for text in (RUN_LABELS, run_labels(place.store, run_ids))
        ]
        assert told[0] == told[1]
        assert len(told[0]) == 4 + 2 * (len(run_ids) - 1)


def test_labels_belong_to_the_response_wherever_it_is_scored(place: OpenStore, low: str) -> None:
    say(place, low, {1: "incorrect"})
    ((medium,),) = place.store.read("SELECT run_id FROM run WHERE quality_preset = 'medium'")
    assert [row.label for row in review.page(place, review.find(place, medium), [1])] == [0]


def test_a_plan_takes_each_answer_once_and_knows_what_came_later(place: OpenStore, low: str) -> None:
    plan = label_plans.create(place, low, PlanRequest("uniform", 10, "Ada", seed=1))
    assert (plan.n_items, plan.n_population) == (3, 3)
    say(place, low, {1: "correct", 2: "incorrect", 3: "correct"}, plan_id=plan.plan_id)
    run = labelled_run(place, low)
    assert run.item_no.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(run.score, [0.9, 0.5, 0.1, np.nan])
    # Scored again, an answer is still one that the plan could take; a prompt that is asked later is not.
    again = {"completion_id": _completion(place, 1), "response_hash": run.response_hash[0]}
    write(place.store, run_item=run_item_row(low, 1, attempt_no=2, trustworthiness_score=0.8, **again))
    run = labelled_run(place, low, basis=plan.plan_id)
    assert run.score[0] == 0.8
    assert run.basis.sentence == "3 of 3 rows, drawn uniformly at random"
    ask(place, [low], "Whence?", 0.2)
    basis = labelled_run(place, low, basis=plan.plan_id).basis
    assert basis.kind == "none"
    assert basis.reason is not None
    assert "could have taken 3 of the 4 answered rows" in basis.reason


def test_decide_compare_and_a_matcher_take_it_as_any_run(place: OpenStore, low: str) -> None:
    say(place, low, {1: "correct", 2: "incorrect", 3: "incorrect"})
    decision = decide(place, low, Question(max_risk=0.5))
    assert (decision.n_rows, decision.n_labelled) == (4, 3)
    ((medium,),) = place.store.read("SELECT run_id FROM run WHERE quality_preset = 'medium'")
    compared = compare(place, CompareRequest((low, medium)))
    assert compared.pairs[0].columns.pairing.n == 1
    assert "one prompt at a time" in " ".join(compared.notes())
    with pytest.raises(InvalidInputError):
        label_matchers.apply(place, low, "exact", applied_by="Ada")


def test_its_export_has_each_answer_once(place: OpenStore, low: str, tmp_path: Path) -> None:
    written = exports.export(place, [low], tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert written.n_rows == len(rows) == 4
    assert [row["trustworthiness_score"] for row in rows] == ["0.9", "0.5", "0.1", ""]
    assert {row["dataset"] for row in rows} == {"Playground"}


def test_nothing_is_sent_for_it_and_it_is_not_deleted(place: OpenStore, low: str) -> None:
    for act in (runs.delete, runs.resume, runs.retry):
        with pytest.raises(InvalidInputError, match="answers of the playground"):
            act(place, [low])
    runs.cancel(place, [low])
    assert review.find(place, low).status == "done"


def test_a_row_leads_back_to_what_was_asked(place: OpenStore, low: str) -> None:
    entries = [playground.entry_of(place, low, item_no) for item_no in (1, 2, 3, 4)]
    assert len({*entries}) == 4
    assert None not in entries
    assert playground.entry_of(place, low) == entries[-1]
    assert playground.entry_of(place, low, 99) is None


def _completion(place: OpenStore, item_no: int) -> str:
    ((found,),) = place.store.read(
        "SELECT completion_id FROM completion WHERE dataset_id = 'playground' AND item_no = ?", [item_no]
    )
    return str(found)
