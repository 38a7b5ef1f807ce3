"""Agreement of two people, and what they leave to a third."""

from __future__ import annotations

import pytest
from sklearn.metrics import cohen_kappa_score

from tests.services.labelled_runs import hash_of, say, target
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import labels
from tlm_dash.services.label_agreement import agreements, n_unsettled, unsettled
from tlm_dash.services.place import OpenStore


@pytest.fixture
def run_id(place: OpenStore) -> str:
    return make_run(place.store, make_dataset(place.store, 6), list("abcdef"))


def test_agreement(place: OpenStore, run_id: str) -> None:
    ada = {1: "correct", 2: "correct", 3: "incorrect", 4: "incorrect", 5: "unsure", 6: "correct"}
    bo = {1: "correct", 2: "incorrect", 3: "incorrect", 4: "incorrect", 5: "correct"}
    say(place, run_id, ada)
    say(place, run_id, bo, "Bo")
    say(place, run_id, {6: "skip"}, "Bo")
    say(place, run_id, {6: "correct"}, "Chen")
    pairs = agreements(place, [run_id])
    assert [(p.first, p.second, p.agreement.n, p.n_left_out) for p in pairs] == [
        ("Ada", "Bo", 4, 1), ("Ada", "Chen", 1, 0),
    ]  # fmt: skip
    both = range(1, 5)
    expected = cohen_kappa_score([ada[n] for n in both], [bo[n] for n in both])
    assert pairs[0].agreement.kappa == pytest.approx(expected) and pairs[0].agreement.n_agreed == 3
    assert pairs[1].agreement.kappa is None and pairs[1].agreement.reason


def test_what_waits_and_how_it_is_settled(place: OpenStore, run_id: str) -> None:
    say(place, run_id, {1: "correct", 2: "correct", 3: "unsure", 4: "skip"}, note="look")
    say(place, run_id, {1: "incorrect", 2: "correct"}, "Bo")
    same = make_run(place.store, make_dataset(place.store, 6), list("abcdef"))
    for run_ids in ([run_id], [same], [run_id, same]):
        assert n_unsettled(place, run_ids) == 2
        assert [row.item_no for row in unsettled(place, run_ids, limit=5)] == [1, 3]
    (row,) = unsettled(place, [run_id], limit=1)
    assert (row.prompt, row.response, row.response_hash) == ("What is 0 + 0?", "a", hash_of(place, run_id, 1))
    assert [(r.annotator, r.verdict, r.note) for r in row.said] == [
        ("Ada", "correct", "look"), ("Bo", "incorrect", None),
    ]  # fmt: skip
    assert [r.item_no for r in unsettled(place, [run_id], limit=1, offset=1)] == [3]
    say(place, run_id, {1: "correct", 3: "incorrect"}, "Chen", kind="resolution")
    assert n_unsettled(place, [run_id]) == 0
    labels.retract(place, annotator="Chen", **target(place, run_id, 1))
    assert n_unsettled(place, [run_id]) == 1
    say(place, run_id, {1: "correct"}, "Bo")
    assert n_unsettled(place, [run_id]) == 0
