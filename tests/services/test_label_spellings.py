"""Spellings of label columns: read at once where a person said so and all is clear, else asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError
from tlm_dash.services import label_sources, label_spellings
from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import ImportResult, mapping_from_pairs, save
from tlm_dash.services.exports import export
from tlm_dash.services.label_spellings import suggestion, unmistakable
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings


@pytest.mark.parametrize(
    ("spellings", "read"),
    [
        (["True", "False"], {"True": "correct", "False": "incorrect"}),
        (["0", "1.0", "1", "0.0"], {"0": "incorrect", "1.0": "correct", "1": "correct", "0.0": "incorrect"}),
        (["YES"], {"YES": "correct"}),
        (["Correct", "incorrect"], {"Correct": "correct", "incorrect": "incorrect"}),
        (["1", "yes"], {}),
        (["true", "false", "unsure"], {}),
        (["True: fact", "FALSE"], {}),
        (["O", "X"], {}),
        (["A", "B", "C"], {}),
        (["Correct Answer", "Refusal"], {}),
        (["right", "wrong"], {}),
        (["2", "1", "0"], {}),
        ([], {}),
    ],
)
def test_what_cannot_be_mistaken(spellings: list[str], read: dict[str, str]) -> None:
    assert unmistakable(spellings) == read


@pytest.mark.parametrize(
    ("spellings", "suggested"),
    [
        (["right", "Wrong"], {"right": "correct", "Wrong": "incorrect"}),
        (["yes", "no", "unsure"], {"yes": "correct", "no": "incorrect", "unsure": "unsure"}),
        (["O", "X"], {}),
        (["A", "B"], {}),
        (["True: fact", "FALSE"], {}),
    ],
)
def test_what_is_suggested(spellings: list[str], suggested: dict[str, str]) -> None:
    assert suggestion(spellings) == suggested


def imported(place: OpenStore, tmp_path: Path, cells: list[str], *, stated: bool = True) -> ImportResult:
    path = tmp_path / "judged.csv"
    rows = [f"Question {n}?,Answer {n},{cell}" for n, cell in enumerate(cells)]
    path.write_text("\n".join(["prompt,response,is_correct", *rows]))
    found = inspect(place, [path])
    roles = [("prompt", "prompt"), ("response", "response"), ("label", "is_correct")]
    mapping = mapping_from_pairs(roles, found.names)
    return save(place, found, mapping, stated_labels=["is_correct"] if stated else [])


def n_labelled(place: OpenStore, result: ImportResult) -> int:
    return label_sources.source_counts(place, result.runs[0].run_id).n_labelled


def test_a_stated_column_is_read_at_once_and_says_how(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, tmp_path, ["True", "False ", "", "True"])
    assert result.warnings[-1] == (
        "'True' was read as correct, 'False' as incorrect, because the column 'is_correct' was given the "
        "role label."
    )
    counts = label_sources.source_counts(place, result.runs[0].run_id)
    assert (counts.n_rows, counts.n_labelled, counts.n_correct) == (4, 3, 2)
    (column,) = label_spellings.label_columns(place, result.dataset_id)
    assert [(s.spelling, s.n, s.meaning, s.decided_by) for s in column.spellings] == [
        ("True", 2, "correct", None), ("False", 1, "incorrect", None),
    ]  # fmt: skip


def test_a_guessed_column_waits(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, tmp_path, ["1", "0"], stated=False)
    assert "nobody said so" in result.warnings[-1] and n_labelled(place, result) == 0
    (column,) = label_spellings.label_columns(place, result.dataset_id)
    assert column.n_undecided == 2 and column.suggested == {"1": "correct", "0": "incorrect"}


def test_other_spellings_wait_for_a_person(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, tmp_path, ["True: fact", "FALSE ", "O", "O"])
    assert "is for a person to say" in result.warnings[-1] and n_labelled(place, result) == 0
    decide = {"True: fact": "correct", " FALSE": "incorrect", "O": "ignored"}
    column = label_spellings.decide(place, result.dataset_id, "is_correct", decide, "Ada")
    assert column.n_undecided == 0 and column.spellings[0].decided_by == "Ada"
    assert n_labelled(place, result) == 2
    label_spellings.decide(place, result.dataset_id, "is_correct", {"O": "correct"}, "Bo")
    run = labelled_run(place, result.runs[0].run_id)
    assert run.label.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("column", "meanings", "told"),
    [
        ("other", {"1": "correct"}, "no label column"),
        ("is_correct", {"2": "correct"}, "nowhere in the column"),
        ("is_correct", {"1": "right"}, "cannot mean"),
    ],
)
def test_refused(place: OpenStore, tmp_path: Path, column: str, meanings: dict[str, str], told: str) -> None:
    result = imported(place, tmp_path, ["1", "0"], stated=False)
    with pytest.raises(InvalidInputError, match=told):
        label_spellings.decide(place, result.dataset_id, column, meanings, "Ada")
    assert n_labelled(place, result) == 0


def test_the_order_of_sources_and_who_vouched(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 2)
    run_id = make_run(place.store, dataset_id, ["a", "b"], labels=["1", "1"])
    label_spellings.decide(place, dataset_id, "label", {"1": "correct"}, "Ada")
    say(place, run_id, {1: "incorrect"})
    assert label_sources.order(place, dataset_id).sources == label_sources.SOURCES
    counts = label_sources.source_counts(place, run_id)
    assert (counts.n_labelled, counts.n_correct) == (2, 1)
    assert dict(counts.by_source) == {"person": 1, "imported": 0, "column": 1, "matcher": 0}
    assert dict(counts.speaks) == {"person": 1, "imported": 0, "column": 2, "matcher": 0}
    label_sources.set_order(place, dataset_id, ["column"], "Ada")
    assert label_sources.source_counts(place, run_id).n_correct == 2
    assert label_sources.order(place, dataset_id).decided_by == "Ada"
    for wrong in ([], ["column", "column"], ["judge"]):
        with pytest.raises(InvalidInputError):
            label_sources.set_order(place, dataset_id, wrong, "Ada")
    label_sources.state_uniform(place, run_id, "column", is_uniform=True, decided_by="Ada", note=" by lot ")
    (statement,) = label_sources.statements_of(place, run_id).values()
    assert (statement.source, statement.is_uniform, statement.note) == ("column", True, "by lot")
    with pytest.raises(InvalidInputError):
        label_sources.state_uniform(place, run_id, "person", is_uniform=True, decided_by="Ada")


def test_an_export_whose_spellings_are_decided_asks_nobody(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("prompt,response,label\nWhy?,So.,yes\nWho?,He.,no\n")
    pairs = [("prompt", "prompt"), ("response", "response"), ("label", "label")]
    with OpenStore(
        load_settings({"TLM_DASH_DATA_DIR": str(tmp_path)}, env_file=tmp_path / "no.env")
    ) as place:
        inspection = inspect(place, [file])
        mapping = mapping_from_pairs(pairs, inspection.names)
        (run,) = save(place, inspection, mapping, stated_labels=["label"]).runs
        export(place, [run.run_id], tmp_path / "out.parquet")
        again = save(place, inspect(place, [tmp_path / "out.parquet"]))
    assert again.runs and not any("nobody said" in warning for warning in again.warnings)
