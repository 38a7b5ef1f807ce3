"""Matchers over runs: looked at, applied, replaced, taken back; and what other runs have of it."""

from __future__ import annotations

import pytest

from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import label_matchers
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.store import matching

REFERENCES = ["Paris", "Rome", "Oslo", None, "Bern", "Kyiv"]
RESPONSES = ["It is Paris.", "Milan", "Oslo", "Riga", None, "Kyiv, I think"]


@pytest.fixture
def dataset_id(place: OpenStore) -> str:
    return make_dataset(place.store, 6, REFERENCES)


@pytest.fixture
def run_id(place: OpenStore, dataset_id: str) -> str:
    return make_run(place.store, dataset_id, RESPONSES)


def labels(place: OpenStore, run_id: str) -> list[float | None]:
    return [None if label != label else label for label in labelled_run(place, run_id).label.tolist()]


def test_a_preview_stores_nothing(place: OpenStore, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "BATCH_ITEMS", 2)
    seen = label_matchers.preview(place, run_id, "contains")
    assert (seen.n_hits, seen.n_misses, seen.n_without_reference) == (3, 1, 1)
    assert [pair.item_no for pair in seen.hits] == [1, 3, 6]
    assert (seen.misses[0].response, seen.misses[0].reference) == ("Milan", "Rome")
    assert label_matchers.applied(place, run_id) is None and labels(place, run_id) == [None] * 6
    few = label_matchers.preview(place, run_id, "contains", examples=1)
    assert len(few.hits) == 1 and few == label_matchers.preview(place, run_id, "contains", examples=1)


def test_applied_replaced_and_taken_back(place: OpenStore, run_id: str) -> None:
    label_matchers.apply(place, run_id, "contains", "Ada")
    assert labels(place, run_id) == [1, 0, 1, None, None, 1]
    applied = label_matchers.applied(place, run_id)
    assert applied is not None and (applied.matcher, applied.applied_by, applied.n_hits) == (
        "contains",
        "Ada",
        3,
    )
    assert labelled_run(place, run_id).basis.kind == "none"
    say(place, run_id, {2: "correct"})
    label_matchers.apply(place, run_id, "exact", "Ada")
    assert labels(place, run_id) == [0, 1, 1, None, None, 0]
    label_matchers.take_back(place, run_id, "Ada")
    assert labels(place, run_id) == [None, 1, None, None, None, None]
    assert label_matchers.applied(place, run_id) is None


def test_other_runs_of_the_same_responses(place: OpenStore, dataset_id: str, run_id: str) -> None:
    label_matchers.apply(place, run_id, "contains", "Ada")
    other = make_run(place.store, dataset_id, ["It is Paris.", "Turin", "Oslo", "Riga", None, None])
    assert labels(place, other) == [1, None, 1, None, None, None]
    label_matchers.apply(place, other, "exact", "Bo")
    assert labels(place, other) == [0, 0, 1, None, None, None]
    label_matchers.take_back(place, other, "Bo")
    assert labels(place, other) == [None] * 6 and labels(place, run_id)[0] == 1


def test_refused(place: OpenStore, run_id: str) -> None:
    with pytest.raises(InvalidInputError, match="no matcher"):
        label_matchers.preview(place, run_id, "fuzzy")
    with pytest.raises(NotFoundError):
        label_matchers.preview(place, "nothing", "exact")
    with pytest.raises(NotFoundError, match="No matcher was applied"):
        label_matchers.take_back(place, run_id, "Ada")
    bare = make_run(place.store, make_dataset(place.store, 1), ["a"])
    with pytest.raises(InvalidInputError, match="reference to be compared"):
        label_matchers.apply(place, bare, "exact", "Ada")


def test_reasoning_in_tags_is_left_out_of_matching(place: OpenStore, dataset_id: str) -> None:
    thought = [f"<think>\nIs it Lyon? Not {reference}.\n</think>\n\nLyon" for reference in REFERENCES[:2]]
    run_id = make_run(
        place.store, dataset_id, [*thought, "<think>hm</think> Oslo", None, None, "<think>Kyiv"]
    )
    seen = label_matchers.preview(place, run_id, "contains")
    assert (seen.n_hits, seen.n_misses) == (1, 3)
    # What is shown, and identified, is the text as it came.
    assert [pair.response for pair in seen.hits] == ["<think>hm</think> Oslo"]
