"""The `datasets` commands, run as a person runs them, on real files."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from pathlib import Path

import pytest

from tlm_dash.commands.datasets import add_commands
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import exports, runs
from tlm_dash.services.place import OpenStore

TABLE = """id,question,answer_a,score_a,answer_b,topic
1,Why?,So.,0.5,No.,x
2,,So.,0.5,No.,x
3,Who?,He.,,Him.,y
"""
ROLES = ["prompt=question", "response=answer_a", "score=score_a", "response=answer_b", "id=id", "tag=topic"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["datasets", *(str(part) for part in arguments)])
    done: int = parsed.run(parsed)
    return done


def facts(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """Run a command with --json; gives the one object that it prints."""
    assert run(*arguments, "--json") == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TABLE)
    return path


def roles(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--map", pair)]


def test_import(capsys: pytest.CaptureFixture[str], file: Path, data_dir: Path) -> None:
    told = facts(capsys, "import", file, "--name", "Mine", *roles(*ROLES))
    assert (told["name"], told["format"], told["encoding"]) == ("Mine", "csv", "utf-8")
    assert (told["n_rows_in"], told["n_items"], told["n_rejected"]) == (3, 2, 1)
    assert told["rejected"] == [{"row": 2, "reason": "The prompt is empty."}]
    assert told["mapping"] == {
        "id": "id", "prompt": "question", "response": ["answer_a", "answer_b"], "score": "score_a",
        "tag": "topic",
    }  # fmt: skip
    rejected_file = Path(str(told["rejected_file"]))
    assert rejected_file.is_relative_to(data_dir)
    assert rejected_file.read_text().splitlines()[0] == "row,reason,content"
    assert isinstance(told["runs"], list) and isinstance(told["hygiene"], dict)
    assert [(run["name"], run["response_column"]) for run in told["runs"]] == [
        ("Mine · answer_a", "answer_a"), ("Mine · answer_b", "answer_b"),
    ]  # fmt: skip
    assert {"duplicate_prompts", "empty_prompts", "empty_responses"} <= told["hygiene"].keys()


def test_scores_that_are_none_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "percent.csv"
    file.write_text("prompt,response,score\na,x,87%\nb,y,0.5\n")
    assert run("import", file) == 0
    assert "'score' is called like a score, but '87%' is no number from 0 to 1" in capsys.readouterr().err
    assert run("import", file, *roles("prompt=prompt", "response=response", "score=score")) == 0
    assert "note: 1 score is no number from 0 to 1" in capsys.readouterr().err


TWO_GOLD = "prompt,my response,expected,reference\nWhy?,So.,x,y\nWho?,He.,z,\n"


def test_a_file_with_two_readings_is_asked_about(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    file.write_text(TWO_GOLD)
    with pytest.raises(InvalidInputError, match="Which column is the reference answer") as caught:
        run("import", file, "--json")
    assert "'x', 'z'" in caught.value.message
    (asked,) = json.loads(capsys.readouterr().out)["questions"]
    assert (asked["column"], asked["samples"]) == ("expected", ["x", "z"])
    typed = asked["answers"][1]["map"]
    assert typed in caught.value.hint
    told = facts(capsys, "import", file, *shlex.split(typed))
    assert told["mapping"] == {"prompt": "prompt", "response": "my response", "reference": "reference"}


def test_a_column_can_be_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    file.write_text(TWO_GOLD)
    left_out = ["--leave-out", "expected", "--leave-out", "my response"]
    told = facts(capsys, "import", file, *left_out)
    assert told["mapping"] == {"prompt": "prompt", "reference": "reference"}
    with pytest.raises(InvalidInputError, match="no column 'nothing'"):
        run("import", file, "--leave-out", "nothing")


def test_the_row_that_names_the_columns_can_be_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "lists.json"
    file.write_text('[["left", "right"], ["up", "down"], ["in", "out"]]')
    with pytest.raises(InvalidInputError, match="Does the first row name the columns") as caught:
        run("import", file, "--json")
    (asked,) = json.loads(capsys.readouterr().out)["questions"]
    assert [answer["map"] for answer in asked["answers"]] == ["--header-row 1", "--header-row none"]
    assert "'left', 'right'" in caught.value.message
    told = facts(capsys, "import", file, "--header-row", "none", "--map", "prompt=column_1")
    assert told["n_items"] == 3
    told = facts(capsys, "import", file, "--header-row", "1", "--map", "prompt=left")
    assert told["n_items"] == 2
    with pytest.raises(SystemExit):
        run("import", file, "--header-row", "0")


def test_runs_keep_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    columns = [f"response_{letter}" for letter in "hgfedcba"]
    file = tmp_path / "wide.csv"
    file.write_text(f"prompt,{','.join(columns)}\nwhy?{',so' * len(columns)}\n")
    run("import", file)
    names = [f"wide · {column}" for column in columns]
    with OpenStore() as place:
        made = runs.list_runs(place)
        assert [found.record.name for found in made] == names
        exports.export(place, [found.record.run_id for found in made], tmp_path / "again.jsonl")
    run("delete", "wide", "--yes")
    run("import", tmp_path / "again.jsonl")
    with OpenStore() as place:
        assert [found.record.name for found in runs.list_runs(place)] == names


def test_list_show_and_delete(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    told = facts(capsys, "import", file, *roles(*ROLES))
    listed = facts(capsys, "list")["datasets"]
    assert isinstance(listed, list)
    assert [(d["dataset_id"], d["name"], d["n_items"], d["has_scores"]) for d in listed] == [
        (told["dataset_id"], "mine", 2, True)
    ]
    shown = facts(capsys, "show", str(told["dataset_id"])[:6])
    assert shown["n_rows_in"] == 3 and isinstance(shown["runs"], list) and len(shown["runs"]) == 2
    with pytest.raises(InvalidInputError, match="would be gone"):
        run("delete", "mine")
    assert facts(capsys, "delete", "mine", "--yes")["deleted"] is True
    with pytest.raises(NotFoundError):
        run("show", "mine")
    assert facts(capsys, "list") == {"datasets": []}


def test_words_for_people(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    assert run("import", file, *roles(*ROLES)) == 0
    printed = capsys.readouterr()
    assert "n_items: 2" in printed.out and "The prompt is empty." in printed.out
    assert run("list") == run("show", "mine") == run("delete", "mine", "--yes") == 0
    assert "mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--map", "prompt"], "not ROLE=COLUMN"),
        (["--map", "prompt=nothing"], "no column 'nothing'"),
        (["--encoding", "klingon"], "no text encoding"),
        (["--format", "parquet"], "cannot be read"),
        (["--encoding", "utf-16"], "cannot be read as utf-16"),
        (["--encoding", "utf-16", "--format", "text"], "cannot be read as utf-16"),
    ],
)
def test_refused(file: Path, data_dir: Path, arguments: list[str], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        run("import", file, *arguments)
    assert not list((data_dir / "tmp").glob("upload-*"))


@pytest.mark.parametrize("kind", ["zero", "pipe"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "endless.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InvalidInputError, match=r"endless\.csv is a device or a pipe"):
        run("import", path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        run("import", tmp_path / "nothing.csv")
