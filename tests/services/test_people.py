"""Who counts as one: nobody is counted twice, two people are never made one in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.labelled_runs import hash_of, say, target
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError
from tlm_dash.services import label_plans, label_queue, labels, people
from tlm_dash.services.label_agreement import agreements, n_unsettled
from tlm_dash.services.label_import import import_labels
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.place import OpenStore
from tlm_dash.store.labels import RUN_LABELS, run_labels
from tlm_dash.store.person_rule import name_key, person_id


@pytest.fixture
def run_id(place: OpenStore) -> str:
    return make_run(place.store, make_dataset(place.store, 6), list("abcdef"))


def from_file(place: OpenStore, run_id: str, folder: Path, rows: dict[int, str], name: str = "Ada") -> None:
    """Import verdicts on items by their numbers under a name."""
    file = folder / "labels.csv"
    lines = [f"{item_no},{verdict},{name}" for item_no, verdict in rows.items()]
    file.write_text("\n".join(["item_no,verdict,annotator", *lines]), encoding="utf-8")
    import_labels(place, run_id, file)


def counted(place: OpenStore, run_id: str) -> dict[int, int]:
    """Count the people of each row, the same by both texts of the label query."""
    found = []
    for text in (RUN_LABELS, run_labels(place.store, [run_id])):
        rows = place.store.read(
            f"WITH {text} SELECT item_no, n_annotators FROM run_label ORDER BY item_no",  # noqa: S608
            {"run_ids": [run_id]},
        )
        found.append(dict(rows))
    assert found[0] == found[1]
    return found[0]


def pairs(place: OpenStore, run_id: str) -> list[tuple[str, str, int, int]]:
    return [(p.first, p.second, p.agreement.n, p.agreement.n_agreed) for p in agreements(place, [run_id])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ada"),
        ("Ada Byron", " ADA  byron"),
        ("Ａda", "Ada"),
        ("Stra\u00dfe", "STRASSE"),
        ("Zo\u00eb", "Zoe\u0308"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)
    assert person_id("person", one) == person_id("person", other) != person_id("imported", one)


def test_names_that_differ_are_two() -> None:
    names = ["Ada", "Ada B", "Äda", "Ida", "A da", "李"]
    assert len({person_id("person", name) for name in names}) == len(names)


def test_one_name_by_file_and_by_browser_is_one_voice(place: OpenStore, run_id: str, tmp_path: Path) -> None:
    from_file(place, run_id, tmp_path, {1: "correct", 2: "correct", 3: "incorrect"})
    say(place, run_id, {1: "correct", 2: "incorrect", 4: "correct"})
    say(place, run_id, {1: "correct", 2: "incorrect", 3: "incorrect"}, "Bo")
    assert counted(place, run_id) == {1: 2, 2: 2, 3: 2, 4: 1, 5: 0, 6: 0}
    # Of Ada's two words on row 2, the later counts: she agrees with Bo everywhere.
    assert pairs(place, run_id) == [("Ada", "Bo", 3, 3)]
    (ada, bo) = people.voices(place, [run_id])
    assert [(p.name, p.known_by) for p in ada.people] == [("Ada", "browser"), ("Ada", "file")]
    assert bo.name == "Bo"


def test_the_last_row_of_a_person_counts_in_a_file_however_the_name_is_spelled(
    place: OpenStore, run_id: str, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("item_no,verdict,annotator\n1,correct,Ada\n1,incorrect,ADA\n", encoding="utf-8")
    found = import_labels(place, run_id, file)
    assert (found.n_labelled, found.n_replaced) == (1, 1)
    assert counted(place, run_id)[1] == 1


def test_two_of_one_name_are_told_apart_and_made_one_again(
    place: OpenStore, run_id: str, tmp_path: Path
) -> None:
    from_file(place, run_id, tmp_path, {1: "correct", 2: "correct", 3: "incorrect"})
    say(place, run_id, {1: "correct", 2: "incorrect", 3: "incorrect"})
    assert pairs(place, run_id) == []
    people.set_apart(place, [run_id], person_id("imported", "Ada"), "Bo")
    assert pairs(place, run_id) == [("Ada (from a file)", "Ada (here)", 3, 2)]
    assert counted(place, run_id) == {1: 2, 2: 2, 3: 2, 4: 0, 5: 0, 6: 0}
    there = [voice.voice for voice in people.voices(place, [run_id])]
    people.unite(place, [run_id], there[0], there[1], "Bo")
    assert pairs(place, run_id) == [] and counted(place, run_id)[1] == 1
    with pytest.raises(InvalidInputError):
        people.unite(place, [run_id], there[0], "nobody", "Bo")
    with pytest.raises(InvalidInputError):
        people.set_apart(place, [run_id], "nobody", "Bo")


def test_two_names_of_one_person(place: OpenStore, run_id: str, tmp_path: Path) -> None:
    say(place, run_id, {1: "correct", 2: "correct"})
    say(place, run_id, {1: "incorrect", 2: "correct"}, "A. Byron")
    assert n_unsettled(place, [run_id]) == 1 and counted(place, run_id)[1] == 2
    byron, ada = people.voices(place, [run_id])
    people.unite(place, [run_id], ada.voice, byron.voice, "Bo")
    assert pairs(place, run_id) == []
    assert counted(place, run_id)[1] == 1
    assert n_unsettled(place, [run_id]) == 0, (
        "a person who changed their mind does not disagree with themselves"
    )
    # Who has that name and comes by another way later is the same one.
    from_file(place, run_id, tmp_path, {3: "correct"}, "a. byron")
    assert len(people.voices(place, [run_id])) == 1


def test_what_was_taken_back_stays_taken_back(place: OpenStore, run_id: str) -> None:
    say(place, run_id, {1: "correct"})
    say(place, run_id, {1: "incorrect"}, "A. Byron")
    labels.retract(place, annotator="Ada", **target(place, run_id, 1))
    byron, ada = people.voices(place, [run_id])
    people.unite(place, [run_id], ada.voice, byron.voice, "Bo")
    standing = labels.standing(place, hash_of(place, run_id, 1))
    assert [(one.annotator, one.verdict) for one in standing] == [("A. Byron", "incorrect")]


def test_a_spelling_takes_back_what_another_one_said(place: OpenStore, run_id: str) -> None:
    say(place, run_id, {1: "correct"})
    labels.retract(place, annotator="ada", **target(place, run_id, 1))
    assert labels.standing(place, hash_of(place, run_id, 1)) == ()


def test_a_row_for_two_people_waits_for_a_second_one(place: OpenStore, run_id: str) -> None:
    request = PlanRequest("uniform", 6, "Ada", double_share=1.0, seed=1)
    plan_id = label_plans.create(place, run_id, request).plan_id
    for name in ("Ada", "ADA "):
        turn = label_queue.take(place, plan_id, name)
        assert turn.item is not None
        label_queue.press(
            place, plan_id, name, position=turn.item.position, said="correct", n_said=turn.n_said
        )
    done = label_plans.progress(place, plan_id)
    assert (done.n_visited, done.n_waiting, done.by_annotator) == (2, 2, {"Ada": 2})
    # Undo takes back what was said in the other spelling too.
    turn = label_queue.take(place, plan_id, "ada")
    assert turn.last is not None
    assert label_queue.undo(place, plan_id, "ada", turn.last[1].annotation_id) == 1
    assert label_plans.progress(place, plan_id).n_visited == 1
    bo = label_queue.take(place, plan_id, "Bo")
    assert bo.item is not None and bo.item.position == 0, "open to a second person"
