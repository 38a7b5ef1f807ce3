"""The rows of a run as pages and commands ask for them: figures, pages, and what may be remembered."""

from __future__ import annotations

import numpy as np
import pytest

from tests.services.stored import make_scored_run
from tlm_dash.errors import NotFoundError
from tlm_dash.services import labels, review
from tlm_dash.services.distribution import facts
from tlm_dash.services.place import OpenStore
from tlm_dash.services.review import RowFilter

SCORES = [0.5, 0.5, None, 0.15, 0.9, 0.9999, 1.0, 0.0, 0.7, 0.35]


# Each test makes a run of its own.
@pytest.fixture(scope="module")
def place(shared_place: OpenStore) -> OpenStore:
    return shared_place


def test_the_facts_equal_numpy_and_have_the_names_of_the_contract(place: OpenStore) -> None:
    run_id = make_scored_run(place.store, SCORES, name="a run")
    found = facts(place, run_id[:12])
    scores = np.array([score for score in SCORES if score is not None])
    assert (found["n"], found["n_unscored"]) == (10, 1)
    assert found["mean"] == pytest.approx(scores.mean(), abs=1e-12)
    assert found["sd"] == pytest.approx(scores.std(ddof=1), abs=1e-12)
    assert (found["min"], found["max"]) == (0.0, 1.0)
    for level, value in found["quantiles"].items():
        assert value == pytest.approx(np.quantile(scores, float(level)), abs=1e-12)
    assert list(found["quantiles"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    assert (found["n_ties_at_half"], found["n_above_0_999"]) == (2, 2)
    counts, edges = np.histogram(scores, bins=[number / 20 for number in range(21)])
    assert found["histogram"] == {"edges": list(edges), "counts": list(counts)}
    assert found["notes"] == []


@pytest.mark.parametrize(
    ("scores", "note"), [([None, None], "No row has a score"), ([0.4], "no standard deviation")]
)
def test_a_figure_that_cannot_be_computed_is_none_with_its_reason(
    place: OpenStore, scores: list[float | None], note: str
) -> None:
    found = facts(place, make_scored_run(place.store, scores))
    assert found["sd"] is None
    assert note in found["notes"][0]
    with pytest.raises(NotFoundError):
        facts(place, "no such run")


def test_labels_are_seen_at_once_although_rows_are_remembered(place: OpenStore) -> None:
    run_id = make_scored_run(place.store, [0.1, 0.2, 0.3])
    view = review.find(place, run_id)
    wanted = RowFilter(labels=("incorrect",))
    assert review.found(place, view, wanted).n_rows == 0
    row = review.detail(place, view, 2)
    assert row.response_hash is not None
    said = {"dataset_id": view.record.dataset_id, "item_no": 2, "response_hash": row.response_hash}
    labels.annotate(place, **said, verdict="incorrect", annotator="Kim", score_visible=True)
    assert review.found(place, view, wanted).item_nos == (2,)
    assert [one.label for one in review.page(place, view, [1, 2])] == [None, 0]
    assert review.choices(place, view).annotators == ("Kim",)
    labels.retract(place, **said, annotator="Kim")
    assert review.found(place, view, wanted).n_rows == 0


def test_responses_that_another_run_adds_do_not_mislead_what_is_remembered(place: OpenStore) -> None:
    run_id = make_scored_run(place.store, [0.1, 0.2], responses=["alpha", "beta"])
    view = review.find(place, run_id)
    wanted = RowFilter(text="gamma", text_in="response")
    assert review.found(place, view, wanted).n_rows == 0
    other = make_scored_run(
        place.store, [0.6, 0.7], dataset_id=view.record.dataset_id, name="other", responses=["gamma", "beta"]
    )
    again = RowFilter(text="gamma", text_in="response", statuses=("done",))
    assert review.found(place, view, again).n_rows == 0
    assert review.found(place, review.find(place, other), again).item_nos == (1,)
    # The same prompt stands in the datasets of the other tests too.
    beside = review.detail(place, view, 1).others
    assert ("other", "gamma", 0.6) in [(one.name, one.response, one.trustworthiness_score) for one in beside]
    assert run_id not in [one.run_id for one in beside]


def test_neighbours_cross_the_pages(place: OpenStore) -> None:
    n = review.ROWS_A_PAGE + 2
    view = review.find(place, make_scored_run(place.store, [number / n for number in range(n)]))

    def beside(item_no: int, page: int) -> object:
        return review.neighbours(place, view, RowFilter(), item_no, sort="score", page=page, axis="linear")

    last = review.ROWS_A_PAGE
    assert beside(1, 1) == (None, (1, 2))
    assert beside(last, 1) == ((1, last - 1), (2, last + 1))
    assert beside(last + 1, 2) == ((1, last), (2, last + 2))
    assert beside(n, 2) == ((2, n - 1), None)
    assert beside(1, 2) == (None, None), "a row that is not on the page has no place in it"


def test_what_is_not_there_is_said(place: OpenStore) -> None:
    view = review.find(place, make_scored_run(place.store, [0.3]))
    with pytest.raises(NotFoundError, match="no row 99"):
        review.detail(place, view, 99)
    there, missing = review.chosen(place, ["gone", view.record.run_id])
    assert [one.record.run_id for one in there] == [view.record.run_id]
    assert missing == ["gone"]
