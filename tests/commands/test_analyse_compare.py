"""`analyse compare`, run as a person runs it, on a real file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from tests.services.compared import two_models
from tlm_dash.commands.analyse_compare import add_command
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services.place import OpenStore


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path / "data"))
    with OpenStore() as place:
        return two_models(place, (60, 5, 20, 15))


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["compare", *arguments])
    done: int = parsed.run(parsed)
    return done


def test_json_is_one_object_and_words_say_the_same(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("first", runs[1][:10], "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    pair = facts["pairs"][0]
    assert (pair["a"], pair["b"]) == runs
    assert (pair["both"], pair["only_a"], pair["only_b"], pair["neither"]) == (60, 5, 20, 15)
    assert (pair["verdict"], pair["verdict_metric"]) == ("b_better", "accuracy")
    assert run("first", "second") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(pair["verdict_text"])
    assert "both 60, only the baseline 5, only this one 20, neither 15" in printed.out
    assert "note: " in printed.err and "note: " not in printed.out


@pytest.mark.usefixtures("runs")
def test_the_margin_and_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("second", "first", "--margin", "0.3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["verdict"] == "b_not_inferior"
    with pytest.raises(NotFoundError):
        run("first", "third")
    with pytest.raises(InvalidInputError):
        run("first", "first")
    with pytest.raises(InvalidInputError):
        run("first", "second", "--confidence", "95")
