"""Labels: who said what, what counts, which source comes first, and what undo brings back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.services.labelled_runs import hash_of, say, target
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import utc_now
from tlm_dash.services import labels
from tlm_dash.services.place import OpenStore
from tlm_dash.store.labels import RUN_LABELS, run_labels

Told = tuple[int | None, str | None, str]


def run_rows(place: OpenStore, run_id: str, text: str = RUN_LABELS) -> list[dict[str, Any]]:
    sql = f"WITH {text} SELECT * FROM run_label ORDER BY item_no"  # noqa: S608 - our own text
    return place.store.read_rows(sql, {"run_ids": [run_id]})


def labels_of(place: OpenStore, run_id: str) -> dict[int, Told]:
    """Give label, source and state of each row, after making sure that both texts of the query agree."""
    rows = run_rows(place, run_id)
    assert rows == run_rows(place, run_id, run_labels(place.store, [run_id]))
    assert len({row["item_no"] for row in rows}) == len(rows)
    return {row["item_no"]: (row["label"], row["label_source"], row["label_state"]) for row in rows}


def spell(place: OpenStore, dataset_id: str, column: str = "label", **meanings: str) -> None:
    rows = [
        {"dataset_id": dataset_id, "label_column": column, "spelling": spelling, "meaning": meaning,
         "created_at": utc_now()}
        for spelling, meaning in meanings.items()
    ]  # fmt: skip
    place.store.append({"label_spelling": rows}).result(30)


def order(place: OpenStore, dataset_id: str, *sources: str) -> None:
    row = {"dataset_id": dataset_id, "sources": list(sources), "created_at": utc_now()}
    place.store.append({"label_precedence": [row]}).result(30)


def test_nothing_said(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 3)
    run_id = make_run(place.store, dataset_id, ["a", None, "c"])
    assert labels_of(place, run_id) == dict.fromkeys((1, 2, 3), (None, None, "none"))


def test_one_person(place: OpenStore) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 5), ["a", "b", "c", "d", "e"])
    say(place, run_id, {1: "correct", 2: "incorrect", 3: "unsure", 4: "skip"})
    say(place, run_id, {5: "correct"})
    say(place, run_id, {5: "incorrect"})
    assert labels_of(place, run_id) == {
        1: (1, "person", "labelled"),
        2: (0, "person", "labelled"),
        3: (None, "person", "unsure"),
        4: (None, None, "skipped"),
        5: (0, "person", "labelled"),
    }


def test_a_skip_opens_a_row_again_and_a_note_does_not(place: OpenStore) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 2), ["a", "b"])
    say(place, run_id, {1: "correct", 2: "correct"})
    say(place, run_id, {1: "skip"})
    labels.annotate(
        place, annotator="Ada", kind="note", verdict=None, note="odd", score_visible=True,
        **target(place, run_id, 2),
    )  # fmt: skip
    assert labels_of(place, run_id) == {1: (None, None, "skipped"), 2: (1, "person", "labelled")}


def test_several_people(place: OpenStore) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 5), ["a", "b", "c", "d", "e"])
    say(place, run_id, {1: "correct", 2: "correct", 3: "correct", 4: "correct", 5: "correct"})
    say(place, run_id, {1: "correct", 2: "incorrect", 3: "unsure", 4: "skip", 5: "incorrect"}, "Bo")
    say(place, run_id, {2: "incorrect"}, "Chen", kind="resolution")
    say(place, run_id, {5: "unsure"}, "Chen", kind="resolution")
    assert labels_of(place, run_id) == {
        1: (1, "person", "labelled"),
        2: (0, "person", "labelled"),
        3: (None, "person", "unsure"),
        4: (1, "person", "labelled"),
        5: (None, "person", "unsure"),
    }
    second = run_rows(place, run_id)[1]
    assert (second["annotators"], second["n_annotators"]) == (["Ada", "Bo"], 2)
    labels.retract(place, annotator="Chen", **target(place, run_id, 2))
    assert labels_of(place, run_id)[2] == (None, "person", "unsure")


def test_every_run_with_the_same_response_has_the_label(place: OpenStore) -> None:
    here, there = make_dataset(place.store, ["Why?", "Who?"]), make_dataset(place.store, [" Why?\n", "Who?"])
    first = make_run(place.store, here, ["a", "b"])
    second, third = make_run(place.store, here, ["a", "other"]), make_run(place.store, there, ["a", "b"])
    say(place, first, {1: "correct", 2: "incorrect"})
    assert labels_of(place, second) == {1: (1, "person", "labelled"), 2: (None, None, "none")}
    assert labels_of(place, third) == labels_of(place, first)


def test_undo_restores_exactly_what_was_before(place: OpenStore) -> None:
    """Any presses of two people in any order: each undo brings back the state before its press."""
    run_id = make_run(place.store, make_dataset(place.store, 1), ["a"])
    chance = random.Random(7)
    at = target(place, run_id, 1)
    states: dict[str, list[list[labels.Annotation]]] = {"Ada": [], "Bo": []}
    for _ in range(40):
        name = chance.choice(("Ada", "Bo"))
        now = [a for a in labels.standing(place, at["response_hash"]) if a.annotator == name]
        if states[name] and chance.random() < 0.4:
            labels.retract(place, annotator=name, **at)
            back = [a for a in labels.standing(place, at["response_hash"]) if a.annotator == name]
            assert back == states[name].pop()
        else:
            states[name].append(now)
            say(place, run_id, {1: chance.choice((*labels.VERDICTS, "skip"))}, name)


def test_undo_of_everything_and_once_more(place: OpenStore) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 1), ["a"])
    at = target(place, run_id, 1)
    say(place, run_id, {1: "correct"})
    say(place, run_id, {1: "incorrect"})
    states = []
    for _ in range(2):
        labels.retract(place, annotator="Ada", **at)
        states.append(labels_of(place, run_id)[1])
    assert states == [(1, "person", "labelled"), (None, None, "none")]
    with pytest.raises(NotFoundError, match="nothing of yours"):
        labels.retract(place, annotator="Ada", **at)
    say(place, run_id, {1: "correct"})
    assert labels_of(place, run_id)[1] == (1, "person", "labelled")
    told = labels.annotations_of(place, at["response_hash"])
    assert [a.kind for a in told] == ["verdict", "verdict", "retraction", "retraction", "verdict"]


def test_a_retraction_too_many_takes_nothing_else(place: OpenStore) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 1), ["a"])
    row = {
        "annotation_id": "r", "kind": "retraction", "annotator": "Ada", "source": "person",
        "score_visible": False, "created_at": utc_now(), **target(place, run_id, 1),
    }  # fmt: skip
    place.store.append({"annotation": [row]}).result(30)
    say(place, run_id, {1: "correct"})
    assert labels_of(place, run_id)[1] == (1, "person", "labelled")


def test_a_column_counts_once_its_spellings_are_decided(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 6)
    cells = ["yes", " no\n", "maybe", "n/a", "yes", None]
    run_id = make_run(place.store, dataset_id, ["a", "b", "c", "d", None, "f"], labels=cells)
    assert {told[2] for told in labels_of(place, run_id).values()} == {"none"}
    spell(place, dataset_id, yes="incorrect")
    spell(place, dataset_id, **{"yes": "correct", "no": "incorrect", "maybe": "unsure", "n/a": "ignored"})
    assert labels_of(place, run_id) == {
        1: (1, "column", "labelled"),
        2: (0, "column", "labelled"),
        3: (None, "column", "unsure"),
        4: (None, None, "none"),
        5: (None, None, "none"),
        6: (None, None, "none"),
    }


def test_a_column_speaks_for_other_runs_of_the_same_responses(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 4)
    make_run(place.store, dataset_id, ["a", "b", "c", "d"], labels=["1", "1", "0", "1"], name="one")
    make_run(place.store, dataset_id, ["x", "b", "c", "d"], labels=["1", "1", "1", None], name="two")
    spell(place, dataset_id, **{"1": "correct", "0": "incorrect"})
    scored = make_run(place.store, dataset_id, ["a", "b", "c", "other"], name="scored again")
    assert labels_of(place, scored) == {
        1: (1, "column", "labelled"),
        2: (1, "column", "labelled"),
        3: (None, "column", "unsure"),
        4: (None, None, "none"),
    }


def test_precedence(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 4)
    run_id = make_run(place.store, dataset_id, ["a", "b", "c", "d"], labels=["0", "0", "0", "0"])
    spell(place, dataset_id, **{"0": "incorrect"})
    say(place, run_id, {1: "correct", 2: "unsure", 3: "skip"})
    assert labels_of(place, run_id) == {
        1: (1, "person", "labelled"),
        2: (None, "person", "unsure"),
        3: (0, "column", "labelled"),
        4: (0, "column", "labelled"),
    }
    order(place, dataset_id, "column", "person")
    assert {told[:2] for told in labels_of(place, run_id).values()} == {(0, "column")}
    order(place, dataset_id, "person")
    assert labels_of(place, run_id)[4] == (None, None, "none")
    order(place, dataset_id, "column")
    assert labels_of(place, run_id)[1] == (0, "column", "labelled")


def test_the_latest_row_of_a_retried_item_is_labelled(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 2)
    run_id = make_run(place.store, dataset_id, [None, None])
    other = make_run(place.store, dataset_id, ["a", "b"])
    at = {"run_id": run_id, "attempt_no": 2, "written_at": utc_now()}
    rows = [
        {**at, "item_no": 1, "status": "done", "response_hash": hash_of(place, other, 1)},
        {**at, "item_no": 2, "status": "error", "error_kind": "timeout"},
    ]
    place.store.append({"run_item": rows}).result(30)
    say(place, other, {1: "correct"})
    assert labels_of(place, run_id) == {1: (1, "person", "labelled"), 2: (None, None, "none")}
    rows = run_rows(place, run_id)
    assert [(r["status"], r["error_kind"]) for r in rows] == [("done", None), ("error", "timeout")]


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": "right"},
        {"verdict": None},
        {"verdict": "correct", "kind": "skip"},
        {"verdict": None, "kind": "retraction"},
        {"verdict": None, "kind": "note"},
        {"verdict": "correct", "annotator": " \n"},
        {"verdict": "correct", "annotator": "a" * 81},
        {"verdict": "correct", "inclusion_probability": 0.0},
        {"verdict": "correct", "note": "x" * 20_001},
    ],
)
def test_refused(place: OpenStore, said: dict[str, object]) -> None:
    run_id = make_run(place.store, make_dataset(place.store, 1), ["a"])
    with pytest.raises(InvalidInputError) as caught:
        labels.annotate(
            place, **{"annotator": "Ada", "score_visible": False, **target(place, run_id, 1), **said}
        )  # type: ignore[arg-type]
    assert caught.value.hint
    assert labels.annotations_of(place, hash_of(place, run_id, 1)) == ()


@pytest.mark.parametrize(
    "name", ["", " \t", "\u200d", "x" * 81, "Ada\u202e", "A\x00da", "Ada\u200b", "\ufeffAda", "Ada\ud800"]
)
def test_a_name_that_is_none_or_hides_something_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="name"):
        labels.checked_annotator(name)


@pytest.mark.parametrize(
    "name", ["Ada Byron", "Łukasz", "مریم\u200cالسادات", "李", "x" * 80, "o’Neil, Jr. 🙂"]
)
def test_a_name_as_people_have_them_is_kept(name: str) -> None:
    assert labels.checked_annotator(f"  {name}\n") == name
