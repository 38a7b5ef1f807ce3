"""The `labels` commands, run as a person runs them, on real files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from tlm_dash.cli import main
from tlm_dash.commands import datasets as dataset_commands
from tlm_dash.commands import labels as label_commands
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore

TABLE = """id,question,gold,answer,judged
a,Why?,Because,Because.,right
b,Who?,He; Him,It was him,wrong
c,What?,7,seven,right
d,Which?,,That one,meh
"""
ROLES = ["id=id", "prompt=question", "reference=gold", "response=answer", "label=judged"]


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "mine.csv"
    file.write_text(TABLE)
    run("datasets", "import", file, *(part for role in ROLES for part in ("--map", role)))
    assert "is for a person to say" in capsys.readouterr().err


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    nouns = parser.add_subparsers(required=True)
    dataset_commands.add_commands(nouns)
    label_commands.add_commands(nouns)
    parsed = parser.parse_args([str(part) for part in arguments])
    done: int = parsed.run(parsed)
    return done


def facts(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Run a command with --json; gives the one object that it prints."""
    assert run("labels", *arguments, "--json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def label_list() -> list[float | None]:
    with OpenStore() as place:
        ((run_id,),) = place.store.read("SELECT run_id FROM run")
        found = labelled_run(place, run_id).label.tolist()
    return [None if label != label else label for label in found]


def test_map(capsys: pytest.CaptureFixture[str]) -> None:
    (column,) = facts(capsys, "map", "mine")["columns"]
    assert (column["column"], column["n_undecided"]) == ("judged", 3)
    assert column["spellings"][0] == {
        "spelling": "right", "n": 2, "meaning": None, "decided_by": None, "suggested": None,
    }  # fmt: skip
    with pytest.raises(InvalidInputError, match="Nothing is suggested"):
        run("labels", "map", "mine", "--accept-suggestion")
    told = facts(capsys, "map", "mine", "right=correct", "wrong = incorrect", "meh=ignored")
    assert told["columns"][0]["n_undecided"] == 0 and told["columns"][0]["spellings"][0]["decided_by"]
    assert label_list() == [1, 0, 1, None]
    run("labels", "map", "mine")
    assert "2  'right': correct" in capsys.readouterr().out


def test_map_accepts_what_it_suggests(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "pair.csv"
    file.write_text(TABLE.replace("meh", "unsure"))
    run("datasets", "import", file, *(part for role in ROLES for part in ("--map", role)))
    capsys.readouterr()
    assert run("labels", "map", "pair", "--accept-suggestion", "--json") == 0
    printed = capsys.readouterr()
    assert "'right' is taken as correct" in printed.err
    meanings = {s["spelling"]: s["meaning"] for s in json.loads(printed.out)["columns"][0]["spellings"]}
    assert meanings == {"right": "correct", "wrong": "incorrect", "unsure": "unsure"}


def test_from_reference(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("from-reference", "mine · answer", "--matcher", "aliases")
    told = facts(capsys, *wanted, "--dry-run")
    assert (told["n_hits"], told["n_misses"], told["n_without_reference"]) == (2, 1, 1)
    assert told["applied"] is False and label_list() == [None] * 4
    told = facts(capsys, *wanted)
    assert [e["item_no"] for e in told["examples"]["hits"]] == [1, 2]
    assert told["examples"]["misses"] == [
        {"item_no": 3, "prompt": "What?", "response": "seven", "reference": "7"}
    ]
    assert label_list() == [1, 1, 0, None]
    facts(capsys, "from-reference", "mine · answer", "--matcher", "exact")
    assert label_list() == [0, 0, 0, None]
    assert facts(capsys, "from-reference", "mine · answer", "--take-back")["matcher"] is None
    assert label_list() == [None] * 4
    run("labels", *wanted)
    assert "hits, item 2: 'It was him' for 'He; Him'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "matched_by", "missing"),
    [
        ("item_no,verdict\n1,yes\n2,no\n9,yes\n", "item_no", ["9"]),
        ("id,label,note\na,yes,sure\nb,no,\nz,yes,\n", "id", ["z"]),
        ('response,verdict\n"Because.\r\n",yes\nIt was him,no\nHer,no\n', "response", ["Her"]),
        ("prompt,response,verdict\nWhy?,Because.,yes\nWho?,It was him,no\nWho?,Because.,no\n",
         "prompt and response", ["Because."]),
    ],
)  # fmt: skip
def test_import(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, matched_by: str, missing: list[str]
) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(text, newline="")
    told = facts(capsys, "import", "mine · answer", file)
    assert (told["matched_by"], told["n_rows_in"], told["n_labelled"]) == (matched_by, 3, 2)
    assert (told["n_unmatched"], [u["key"] for u in told["unmatched"]]) == (1, missing)
    assert told["unmatched"][0]["row"] == 3 and told["spellings"] == {"yes": "correct", "no": "incorrect"}
    assert label_list() == [1, 0, None, None]


@pytest.mark.parametrize("key", ["item_no", "id"])
def test_a_verdict_on_another_response_is_not_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: str
) -> None:
    keys = {"item_no": "1234", "id": "abcd"}[key]
    # The same text otherwise spaced, another one, none said, and the mark of a sheet's safe cell.
    responses = ["Because.\r\n", "It was her", "", "'That one"]
    lines = [
        {key: name, "response": text, "verdict": "yes"} for name, text in zip(keys, responses, strict=True)
    ]
    file = tmp_path / "judged.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    told = facts(capsys, "import", "mine · answer", file)
    assert (told["matched_by"], told["n_labelled"], told["n_unmatched"]) == (key, 3, 1)
    assert "another response" in told["unmatched"][0]["reason"] and told["unmatched"][0]["row"] == 2
    assert label_list() == [1, None, 1, 1]


def test_import_lines_of_json_with_names_and_spellings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "judged.jsonl"
    lines = [
        {"item_no": 1, "verdict": "O", "annotator": "Ada", "note": "fine"},
        {"item_no": 2, "verdict": "X", "annotator": "Ada"},
        {"item_no": 2, "verdict": "O", "annotator": "Bo"},
        {"item_no": 3, "verdict": "?", "annotator": None},
        {"item_no": 4, "verdict": "", "annotator": "Ada"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(InvalidInputError, match="Nobody has said") as caught:
        run("labels", "import", "mine · answer", file)
    assert "--map" in caught.value.hint
    spelled = ["--map", "O=correct", "--map", "X=incorrect", "--map", "?=unsure"]
    told = facts(capsys, "import", "mine · answer", file, *spelled, "--annotator", "Chen")
    assert (told["n_labelled"], told["n_unsure"], told["n_ignored"], told["n_unmatched"]) == (3, 1, 1, 0)
    assert label_list() == [1, None, None, None]
    with OpenStore() as place:
        said = place.store.read("SELECT annotator, source, note FROM annotation ORDER BY created_at")
    assert said == [
        ("Ada", "imported", "fine"), ("Ada", "imported", None), ("Bo", "imported", None),
        ("Chen", "imported", None),
    ]  # fmt: skip


def test_a_note_that_is_too_long_is_refused_and_nothing_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(f"item_no,verdict,note\n1,yes,{'n' * 20_000}\n2,no,{'n' * 20_001}\n")
    with pytest.raises(InvalidInputError, match="note in row 2 has 20,001 characters"):
        run("labels", "import", "mine · answer", file)
    assert label_list() == [None] * 4
    file.write_text(f"item_no,verdict,note\n1,yes,{'n' * 20_000}\n")
    run("labels", "import", "mine · answer", file)
    assert label_list()[0] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["import", "nothing", "x.csv"], "no run called"),
        (["from-reference", "mine · answer", "--take-back"], "No matcher was applied"),
        (["map", "mine", "right"], "not SPELLING=MEANING"),
        (["map", "mine", "right=good"], "cannot mean"),
        (["map", "mine", "x=correct"], "nowhere in the column"),
        (["map", "mine", "right=correct", "--column", "y"], "no label column 'y'"),
        (["map", "mine", "--column", "y"], "no label column 'y'"),
        (["map", "mine", "right=correct", "right=incorrect"], "both correct and incorrect"),
    ],
)
def test_refused(arguments: list[str], told: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError), match=told):
        run("labels", *arguments)
    assert label_list() == [None] * 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("item_no,what\n1,yes\n", "called verdict or label"),
        ("who,verdict\nx,yes\n", "which response"),
        ("item_no,verdict\n" + "".join(f"{n},w{n}\n" for n in range(60)), "these are no verdicts"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=told) as caught:
        run("labels", "import", "mine · answer", file)
    assert caught.value.hint and label_list() == [None] * 4


@pytest.mark.parametrize(
    ("maps", "told"),
    [
        (["yes=correct", "yes=incorrect"], "both correct and incorrect"),
        (["yes=incorrect"], "Nobody has said what these verdicts mean: 'no'"),
        (["Yes=incorrect"], "'Yes' is no verdict of this file"),
    ],
)
def test_meanings_that_do_not_fit(tmp_path: Path, maps: list[str], told: str) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("item_no,verdict\n1,yes\n2,no\n")
    with pytest.raises(InvalidInputError, match=told):
        run("labels", "import", "mine · answer", file, *(part for one in maps for part in ("--map", one)))
    assert label_list() == [None] * 4


def test_rows_that_say_something_of_the_same_response(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("item_no,verdict\n1,yes\n1,no\n2,no\n1,no\n")
    told = facts(capsys, "import", "mine · answer", file)
    assert (told["n_rows_in"], told["n_labelled"], told["n_replaced"]) == (4, 2, 2)
    assert label_list() == [0, 0, None, None]


@pytest.mark.parametrize(("name", "told"), [("x" * 500, "500 characters"), ("\u200b", "needs the name")])
def test_names_that_cannot_be_kept(tmp_path: Path, name: str, told: str) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("item_no,verdict\n1,yes\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=told):
        run("labels", "import", "mine · answer", file, "--annotator", name)


def test_an_option_may_stand_between_the_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["right=correct", "--column", "judged", "wrong=incorrect", "--", "meh=unsure"]
    assert main(["labels", "map", "mine", *words]) == 0
    assert label_list() == [1.0, 0.0, 1.0, None]
    with pytest.raises(SystemExit) as wrong_usage:
        main(["labels", "map", "mine", "right=correct", "--colour", "judged"])
    assert wrong_usage.value.code == 2
    assert "unrecognized arguments: --colour" in capsys.readouterr().err
