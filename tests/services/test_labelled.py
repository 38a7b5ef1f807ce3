"""What estimates stand on: a census, the finished part of a plan, or a sample that a person vouched for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.services.labelled_runs import hash_of, say
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import NotFoundError
from tlm_dash.models import new_id, utc_now
from tlm_dash.services import label_sources
from tlm_dash.services.decide import Question, decision_of
from tlm_dash.services.label_basis import prefix_weights
from tlm_dash.services.label_import import import_labels
from tlm_dash.services.labelled import labelled_run, sampling_bases
from tlm_dash.services.place import OpenStore
from tlm_dash.store.labelled import Plan, Position

N = 10
RESPONSES = [f"r{n}" for n in range(N)]


def spell(place: OpenStore, dataset_id: str) -> None:
    rows = [
        {"dataset_id": dataset_id, "label_column": "label", "spelling": spelling, "meaning": meaning,
         "created_at": utc_now()}
        for spelling, meaning in (("1", "correct"), ("0", "incorrect"), ("?", "unsure"))
    ]  # fmt: skip
    place.store.append({"label_spelling": rows}).result(30)


def make_plan(
    place: OpenStore,
    run_id: str,
    items: Sequence[int],
    *,
    chances: Sequence[float] = (),
    n_population: int = N,
    **said: object,
) -> str:
    """Store a plan that brings up these items in this order."""
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [run_id])
    plan: dict[str, Any] = {
        "plan_id": new_id(), "run_id": run_id, "dataset_id": dataset_id, "kind": "uniform", "settings": {},
        "seed": 0, "n_items": len(items), "n_population": n_population, "double_share": 0.0,
        "is_score_blind": True, "created_by": "Ada", "created_at": utc_now(), **said,
    }  # fmt: skip
    rows = [
        {"plan_id": plan["plan_id"], "position": position, "item_no": item_no,
         "response_hash": hash_of(place, run_id, item_no), "n_annotators": 1,
         "inclusion_probability": chances[position] if chances else len(items) / n_population}
        for position, item_no in enumerate(items)
    ]  # fmt: skip
    place.store.append({"label_plan": [plan], "label_plan_item": rows}).result(30)
    return str(plan["plan_id"])


@pytest.fixture
def dataset_id(place: OpenStore) -> str:
    return make_dataset(place.store, N)


@pytest.fixture
def run_id(place: OpenStore, dataset_id: str) -> str:
    return make_run(place.store, dataset_id, RESPONSES, scores=[n / 10 for n in range(N)])


def test_columns(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, ["Why?", "Who?", " Why?\n", "What?"])
    run_id = make_run(
        place.store,
        dataset_id,
        ["a", None, "a", "d"],
        scores=[0.5, None, None, 0.25],
        labels=["1", "1", "0", "?"],
    )
    spell(place, dataset_id)
    found = labelled_run(place, run_id)
    assert (found.record.run_id, found.n_rows, found.item_no.tolist()) == (run_id, 4, [1, 2, 3, 4])
    assert found.prompt[0] == found.prompt[2] and len(set(found.prompt.tolist())) == 3
    assert found.prompt_hash[0] == found.prompt_hash[2] and found.response_hash[0] == found.response_hash[2]
    assert found.response_hash[1] is None
    assert found.status.tolist() == ["done", "error", "done", "done"]
    np.testing.assert_array_equal(found.score, [0.5, np.nan, np.nan, 0.25])
    np.testing.assert_array_equal(found.label, [1, np.nan, 0, np.nan])
    assert found.source.tolist() == ["column", None, "column", "column"]
    assert np.isnan(found.latency_ms).all() and np.isnan(found.input_tokens).all()
    basis = found.basis
    assert (basis.kind, basis.in_sample.tolist()) == ("census", [True, False, True, True])
    assert basis.is_open.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(basis.weight, [1, np.nan, 1, 1])
    assert basis.sentence == "all 3 answered rows; 1 left open"


def test_a_run_under_way_has_pending_rows(place: OpenStore, dataset_id: str) -> None:
    run_id = new_id()
    now = utc_now()
    run = {
        "run_id": run_id, "dataset_id": dataset_id, "name": "made here", "mode": "generate-then-score",
        "answered_by": "endpoint", "endpoint": "x", "quality_preset": "low", "settings": {},
        "settings_hash": "x", "created_at": now,
    }  # fmt: skip
    plan = {
        "run_id": run_id, "grid_id": "g", "position": 0, "lead_run_id": run_id, "n_items": 3,
        "last_item_no": 3, "grid_hash": "g",
    }  # fmt: skip
    completion = {
        "completion_id": "c", "dataset_id": dataset_id, "item_no": 1, "response_hash": "h", "response": "a",
        "answered_by": "endpoint", "is_complete": True, "extra": {}, "created_at": now, "latency_ms": 100.0,
        "input_tokens": 7, "output_tokens": 9,
    }  # fmt: skip
    row = {"run_id": run_id, "attempt_no": 1, "written_at": now, "response_hash": "h", "completion_id": "c"}
    rows = [
        {**row, "item_no": 1, "status": "pending"},
        {**row, "item_no": 1, "status": "done", "trustworthiness_score": 0.5, "score_latency_ms": 20.0},
        {**row, "item_no": 2, "status": "pending", "completion_id": "other", "response_hash": "i"},
    ]
    place.store.append(
        {"run": [run], "run_plan": [plan], "completion": [completion], "run_item": rows}
    ).result(30)
    found = labelled_run(place, run_id)
    assert found.status.tolist() == ["done", "pending", "pending"]
    np.testing.assert_array_equal(found.latency_ms, [120, np.nan, np.nan])
    np.testing.assert_array_equal(found.input_tokens, [7, np.nan, np.nan])
    np.testing.assert_array_equal(found.output_tokens, [9, np.nan, np.nan])


def test_no_label_and_no_sample(place: OpenStore, run_id: str) -> None:
    basis = labelled_run(place, run_id).basis
    assert (basis.kind, basis.reason) == ("none", "No row of this run has a label yet.")
    assert not basis.in_sample.any() and np.isnan(basis.weight).all()
    say(place, run_id, {1: "correct", 2: "correct"})
    basis = labelled_run(place, run_id).basis
    assert basis.kind == "none" and basis.reason is not None and "no sample" in basis.reason
    say(place, run_id, dict.fromkeys(range(3, N + 1), "incorrect"))
    assert labelled_run(place, run_id).basis.kind == "census"


def test_a_finished_prefix_with_holes(place: OpenStore, run_id: str) -> None:
    plan_id = make_plan(place, run_id, [4, 9, 2, 7, 5, 1])
    say(place, run_id, {4: "correct", 9: "skip", 2: "unsure", 7: "incorrect", 1: "correct"}, plan_id=plan_id)
    basis = labelled_run(place, run_id).basis
    assert (basis.kind, basis.plan_id) == ("uniform", plan_id)
    assert np.flatnonzero(basis.in_sample).tolist() == [1, 3, 6, 8]
    assert np.flatnonzero(basis.is_open).tolist() == [1, 8]
    assert set(basis.weight[basis.in_sample].tolist()) == {N / 4}
    assert basis.sentence == (
        "4 of 10 rows, drawn uniformly at random (the first 4 of 6 of the plan); 2 left open"
    )
    say(place, run_id, {5: "correct"}, "Bo", plan_id=plan_id)
    basis = labelled_run(place, run_id).basis
    assert int(basis.in_sample.sum()) == 6 and basis.sentence.startswith("6 of 10 rows, drawn uniformly")


def test_rows_labelled_for_another_reason_do_not_lengthen_the_prefix(place: OpenStore, run_id: str) -> None:
    say(place, run_id, {1: "incorrect", 2: "incorrect", 3: "incorrect"})
    plan_id = make_plan(place, run_id, [1, 8, 2, 3, 6])
    basis = labelled_run(place, run_id, basis=plan_id).basis
    assert basis.kind == "none" and basis.reason == "Nobody has labelled the first row of the plan yet."
    say(place, run_id, {1: "incorrect", 8: "correct"}, plan_id=plan_id)
    basis = labelled_run(place, run_id).basis
    assert np.flatnonzero(basis.in_sample).tolist() == [0, 7]


def test_two_people_who_disagree_leave_a_row_open(place: OpenStore, run_id: str) -> None:
    plan_id = make_plan(place, run_id, [1, 2])
    say(place, run_id, {1: "correct", 2: "correct"}, plan_id=plan_id)
    say(place, run_id, {1: "incorrect"}, "Bo", plan_id=plan_id)
    basis = labelled_run(place, run_id).basis
    assert np.flatnonzero(basis.is_open).tolist() == [0] and basis.n_labelled == 1


def test_a_stratified_plan(place: OpenStore, run_id: str) -> None:
    plan_id = make_plan(place, run_id, [1, 6, 2, 7], chances=[0.5, 0.25, 0.5, 0.25], kind="stratified")
    say(place, run_id, {1: "correct", 6: "correct"}, plan_id=plan_id)
    basis = labelled_run(place, run_id).basis
    assert basis.kind == "stratified"
    assert (basis.weight[0], basis.weight[5]) == (1 / (0.5 * 2 / 4), 1 / (0.25 * 2 / 4))


def test_plans_for_reading_feed_nothing(place: OpenStore, run_id: str) -> None:
    plan_id = make_plan(place, run_id, [1, 2], kind="lowest")
    say(place, run_id, {1: "correct", 2: "correct"}, plan_id=plan_id)
    assert labelled_run(place, run_id).basis.kind == "none"


def test_a_plan_serves_other_runs_of_the_same_responses(
    place: OpenStore, dataset_id: str, run_id: str
) -> None:
    plan_id = make_plan(place, run_id, [3, 5, 8])
    say(place, run_id, {3: "correct", 5: "incorrect", 8: "correct"}, plan_id=plan_id)
    same = make_run(place.store, dataset_id, RESPONSES, name="another preset")
    fewer = make_run(place.store, dataset_id, RESPONSES[:6], name="the first rows")
    other = make_run(place.store, dataset_id, [*RESPONSES[:5], *"vwxyz"], name="another model")
    basis = labelled_run(place, same).basis
    assert (basis.kind, basis.plan_id, np.flatnonzero(basis.in_sample).tolist()) == (
        "uniform",
        plan_id,
        [2, 4, 7],
    )
    basis = labelled_run(place, fewer).basis
    assert np.flatnonzero(basis.in_sample).tolist() == [2, 4]
    assert set(basis.weight[basis.in_sample].tolist()) == {N / 3}
    basis = labelled_run(place, other).basis
    assert basis.kind == "none" and basis.reason is not None and "5 of the 10 answered rows" in basis.reason


def test_a_source_is_a_sample_only_if_a_person_says_so(place: OpenStore, dataset_id: str) -> None:
    cells = ["1", None, "0", None, "?", None, None, None, None, None]
    run_id = make_run(place.store, dataset_id, RESPONSES, labels=cells)
    spell(place, dataset_id)
    assert labelled_run(place, run_id).basis.kind == "none"
    said = {"run_id": run_id, "source": "column", "is_uniform": True, "decided_by": "Ada", "note": "by lot"}
    place.store.append({"label_basis": [{**said, "created_at": utc_now()}]}).result(30)
    say(place, run_id, {3: "correct", 4: "correct"})
    found = labelled_run(place, run_id)
    basis = found.basis
    assert (basis.kind, basis.name, basis.n_labelled) == ("uniform", "column", 2)
    assert np.flatnonzero(basis.in_sample).tolist() == [0, 2, 4] and found.label[2] == 1.0
    assert set(basis.weight[basis.in_sample].tolist()) == {N / 3}
    assert basis.sentence == (
        "3 of 10 rows, a uniform sample from the label column, as Ada says; 1 left open"
    )
    place.store.append({"label_basis": [{**said, "is_uniform": False, "created_at": utc_now()}]}).result(30)
    assert labelled_run(place, run_id).basis.kind == "none"


def test_the_sample_with_most_labels_or_the_one_that_is_named(place: OpenStore, run_id: str) -> None:
    small = make_plan(place, run_id, [1, 2])
    large = make_plan(place, run_id, [3, 4, 5])
    say(place, run_id, {1: "correct", 2: "correct"}, plan_id=small)
    say(place, run_id, {3: "correct", 4: "correct", 5: "incorrect"}, plan_id=large)
    assert labelled_run(place, run_id).basis.plan_id == large
    assert labelled_run(place, run_id, basis=small).basis.plan_id == small
    assert [basis.name for basis in sampling_bases(place, run_id)] == ["census", small, large]
    basis = labelled_run(place, run_id, basis="census").basis
    assert (basis.kind, basis.reason is None) == ("none", False)
    for name in ("matcher", "nothing"):
        with pytest.raises(NotFoundError, match=f"no sample called '{name}'"):
            labelled_run(place, run_id, basis=name)


def test_a_run_that_is_gone(place: OpenStore) -> None:
    with pytest.raises(NotFoundError):
        labelled_run(place, "nothing")


def test_weighted_sums_estimate_the_run_without_bias() -> None:
    """Strata drawn at different rates, put in random order, visited in part: totals come out right."""
    random = np.random.default_rng(5)
    stratum = np.repeat([0, 1, 2], [50, 150, 300])
    is_right = random.random(500) < np.array([0.2, 0.6, 0.95])[stratum]
    sizes, taken = np.array([50, 150, 300]), np.array([30, 30, 30])
    plan = Plan("p", "r", "d", "stratified", 90, 500, "Ada", utc_now())
    totals, rights = [], []
    for _ in range(1500):
        drawn = np.concatenate([
            random.choice(np.flatnonzero(stratum == s), taken[s], replace=False) for s in range(3)
        ])  # fmt: skip
        visited = random.permutation(drawn)[:40]
        prefix = [Position(int(n), "", float((taken / sizes)[stratum[n]]), True) for n in visited]
        weights = prefix_weights(plan, prefix)
        totals.append(weights.sum())
        rights.append(weights[is_right[visited]].sum())
    for estimates, truth in ((totals, 500), (rights, is_right.sum())):
        error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
        assert abs(np.mean(estimates) - truth) < 4 * error
        assert error < 0.01 * truth


def test_copies_of_a_response_join_a_stated_sample_only_where_the_file_took_them(
    place: OpenStore, tmp_path: Path
) -> None:
    """A verdict is shown at every copy of its response; a sample is what was drawn."""
    prompts = ["Good morning"] * 90 + [f"Question {n}" for n in range(110)]
    responses = ["Good night."] * 90 + [f"answer {n}" for n in range(110)]
    dataset_id = make_dataset(place.store, prompts)
    run_id = make_run(place.store, dataset_id, responses, scores=[n / 200 for n in range(200)])
    # Rows 3, 7 and 10 are copies of one response, and the last word on it is that it is wrong.
    rows = {3: "yes", 7: "no", 10: "no"} | dict.fromkeys(range(91, 151), "yes")
    told = "".join(f"{number},{verdict}\n" for number, verdict in rows.items())
    (tmp_path / "drawn.csv").write_text("item_no,verdict\n" + told)
    found = import_labels(place, run_id, tmp_path / "drawn.csv", annotator="Ada")
    assert (found.n_rows_in, found.n_labelled, found.n_replaced) == (63, 63, 0)
    label_sources.state_uniform(place, run_id, "imported", is_uniform=True, decided_by="Ada")
    run = labelled_run(place, run_id, basis="imported")
    assert (~np.isnan(run.label)).sum() == 90 + 60
    assert run.item_no[run.basis.in_sample].tolist() == sorted(rows)
    assert run.label[run.basis.in_sample][:3].tolist() == [0.0, 0.0, 0.0]
    assert decision_of(run, Question(max_risk=0.05, basis="imported")).points[-1].n_wrong_accepted == 3
