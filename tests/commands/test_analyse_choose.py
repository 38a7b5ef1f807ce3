"""`analyse choose` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.services.choosing import make_settings
from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.cli import main
from tlm_dash.services.place import OpenStore

NAMES = ("setting 0", "setting 1", "setting 2")
CHOICE = {
    "chosen", "sentence", "n_settings_tried", "n_certified", "max_risk", "review_budget", "daily_volume",
    "review_share", "confidence", "minutes_per_row", "price_per_hour", "first_target", "is_first",
    "label_sources", "settings", "best_set", "notes",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three settings over one dataset, and a run over another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path))
    with OpenStore() as place:
        make_settings(place)
        make_decidable_run(place, *ranked_rows(100), name="elsewhere")


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["analyse", *arguments, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_choose_then_each_run_knows_its_share(capsys: pytest.CaptureFixture[str]) -> None:
    look = facts(capsys, "choose", *NAMES, "--max-risk", "0.05", "--look")
    assert look["first_target"] is None and not look["is_first"]
    told = facts(capsys, "choose", *NAMES, "--max-risk", "0.05", "--minutes-per-row", "3")
    assert set(told) == CHOICE
    assert told["is_first"] and told["first_target"]["max_risk"] == 0.05
    assert (told["n_settings_tried"], told["minutes_per_row"], told["best_set"]) == (3, 3, None)
    assert told["chosen"] in told["settings"]
    alone = facts(capsys, "threshold", "setting 1", "--max-risk", "0.05")
    assert alone["threshold"] == told["settings"][1]["threshold"] and alone["n_settings_tried"] == 3
    assert any("Allowing for three settings tried" in note for note in alone["notes"])
    assert facts(capsys, "choose", "setting 1", "--max-risk", "0.05")["n_settings_tried"] == 3


def test_choose_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", "choose", *NAMES, "--review-budget", "200", "--daily-volume", "600"]) == 0
    said = capsys.readouterr()
    assert "(95% confidence, allowing for three settings tried: setting 0, setting 1, setting 2)" in said.out
    assert said.out.count("\n  setting ") == 3 and "best_set" not in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["setting 0", "setting 0", "--max-risk", "0.05"], 1, "named twice"),
        (["setting 0", "elsewhere", "--max-risk", "0.05"], 1, "another dataset"),
        (["setting 0", "nowhere", "--max-risk", "0.05"], 1, "runs list"),
        (["setting 0", "--max-risk", "5"], 1, "0.05 means 5%"),
        (["setting 0", "--max-risk", "0.05", "--daily-volume", "9"], 1, "--review-budget"),
        (["setting 0", "--max-risk", "0.05", "--minutes-per-row", "nan"], 1, "cannot be nan"),
        (["setting 0", "--max-risk", "0.05", "--basis", "no-plan"], 1, "none of the samples"),
        (["setting 0"], 2, "--max-risk"),
        (["--max-risk", "0.05"], 2, "RUN"),
        (["setting 0", "--max-risk", "0.1", "--review-share", "0.1"], 2, "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if code == 2:
        with pytest.raises(SystemExit) as left:
            main(["analyse", "choose", *arguments])
        assert left.value.code == 2
    else:
        assert main(["analyse", "choose", *arguments]) == code
    assert told in capsys.readouterr().err
