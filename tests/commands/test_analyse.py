"""`analyse …` as a person calls it: figures on standard output, everything else on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.cli import main
from tlm_dash.services.place import OpenStore

THRESHOLD = {
    "feasible", "threshold", "coverage", "n_labelled", "n_accepted_labelled", "n_wrong_accepted", "risk",
    "risk_upper_bound", "confidence", "method", "n_to_review", "labels_still_needed", "reason", "notes",
    "n_rows", "n_prompts", "heavy_prompts", "p_row", "p_prompt", "starts", "level_used", "method_version",
    "label_sources",
    "first_target", "is_first", "n_settings_tried",
}  # fmt: skip
QUALITY = {
    "n_labelled", "n_excluded", "label_sources", "accuracy", "accuracy_ci", "auroc", "auroc_ci",
    "average_precision_incorrect", "average_precision_incorrect_ci", "prr", "prr_ci", "brier", "ece",
    "n_scored_labelled",
    "accuracy_at_review_share", "accuracy_at_review_share_ci", "notes",
}  # fmt: skip


@pytest.fixture
def run_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stored run of 300 labelled rows, and one of three."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path))
    scores, labels = ranked_rows(300)
    with OpenStore() as place:
        make_decidable_run(place, [0.2, 0.4, 0.9], ["0", "1", "1"], name="small")
        return make_decidable_run(place, scores, labels, name="large")


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["analyse", *arguments, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_threshold(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = facts(capsys, "threshold", run_id[:8], "--max-risk", "0.05")
    assert set(target) >= THRESHOLD
    assert (target["feasible"], target["risk_upper_bound"], target["confidence"]) == (True, 0.05, 0.95)
    assert target["coverage"] == pytest.approx(1 - target["n_to_review"] / 300)
    assert target["risk"] == target["n_wrong_accepted"] / target["n_accepted_labelled"]
    assert target["method"].endswith("exact binomial test of rows")
    assert (target["n_rows"], target["n_prompts"], target["p_prompt"]) == (300, 300, None)
    assert target["p_row"] <= target["level_used"]
    assert [round(start["share"], 9) for start in target["starts"]] == [0.45, 0.15, 0.25]
    requests = facts(capsys, "threshold", run_id[:8], "--max-risk", "0.05", "--rows-are-requests")
    assert (requests["rows_are_requests"], requests["threshold"]) == (False, target["threshold"])
    assert any("not declared separate requests" in note for note in requests["notes"])
    assert facts(capsys, "threshold", "large", "--max-risk", "0.05", "--basis", "census") == target
    share = facts(capsys, "threshold", "large", "--review-share", "0.1")
    assert (share["n_to_review"], share["p_row"], share["starts"]) == (30, None, [])
    budget = facts(capsys, "threshold", "large", "--review-budget", "200", "--daily-volume", "2000")
    assert budget == share
    small = facts(capsys, "threshold", "small", "--max-risk", "0.05")
    assert (small["feasible"], small["threshold"], small["coverage"], small["n_to_review"]) == (
        False, None, 0.0, 3,
    )  # fmt: skip
    assert small["labels_still_needed"] is None
    assert small["reason"] == "3 labels are too few: a sample without a single error needs 62"
    assert main(["analyse", "threshold", "large", "--max-risk", "0.05", "--basis", "imported"]) == 1
    assert "error: This run has no sample called 'imported'." in capsys.readouterr().err


@pytest.mark.usefixtures("run_id")
def test_the_first_target_is_known_to_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    seen = facts(capsys, "threshold", "large", "--max-risk", "0.08", "--look")
    assert (seen["first_target"], seen["is_first"]) == (None, False) and "band" in seen["method"]
    first = facts(capsys, "threshold", "large", "--max-risk", "0.05")
    assert first["is_first"] and first["first_target"]["max_risk"] == 0.05 and "band" not in first["method"]
    second = facts(capsys, "threshold", "large", "--max-risk", "0.08")
    assert not second["is_first"] and second["first_target"] == first["first_target"]
    assert {**second, "notes": []} == {
        **facts(capsys, "threshold", "large", "--max-risk", "0.08", "--look"), "notes": [],
    }  # fmt: skip
    assert facts(capsys, "threshold", "large", "--max-risk", "0.05") == first
    assert main(["analyse", "threshold", "large", "--max-risk", "0.08"]) == 0
    said = capsys.readouterr()
    assert "first_target:\n  max_risk: 0.05\n" in said.out
    assert "was asked of these labels first, on" in said.err


@pytest.mark.usefixtures("run_id")
def test_threshold_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", "threshold", "large", "--max-risk", "0.05"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if ": " in line)
    assert lines["starts"].count("share") == 3 and lines["starts"].count("; ") == 2
    assert main(["analyse", "threshold", "small", "--max-risk", "0.05"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if ": " in line)
    assert lines["chance_of_fresh_labels"].startswith("n 100 chance 0")


@pytest.mark.usefixtures("run_id")
def test_quality_in_json_and_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, "quality", "large")
    assert set(found) == QUALITY
    assert found["auroc_ci"][0] < found["auroc"] < found["auroc_ci"][1]
    assert main(["analyse", "quality", "large"]) == 0
    said = capsys.readouterr()
    assert "n_labelled: 300\n" in said.out
    assert "label_sources:\n  file: 300\n" in said.out
    assert " to " in next(line for line in said.out.splitlines() if line.startswith("auroc_ci"))
    assert "note: ece stands on 300 rows" in said.err


@pytest.mark.usefixtures("run_id")
def test_distribution_and_compare_are_commands_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, "distribution", "large")
    assert (found["n"], found["n_unscored"], sum(found["histogram"]["counts"])) == (300, 0, 300)
    assert main(["analyse", "distribution", "large"]) == 0
    assert "quantiles:\n  0.05: " in capsys.readouterr().out
    assert len(facts(capsys, "compare", "large", "small")["runs"]) == 2


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["threshold", "large", "--max-risk", "5"], 1, "0.05 means 5%"),
        (["threshold", "large", "--max-risk", "0.05", "--confidence", "95"], 1, "0.95 means 95%"),
        (["threshold", "large", "--max-risk", "0.05", "--daily-volume", "9"], 1, "--review-budget"),
        (["quality", "large", "--confidence", "0"], 1, "0.95 means 95%"),
        (["quality", "large", "--confidence", "0.9999999999999999"], 1, "0.95 means 95%"),
        (["compare", "large", "small", "--confidence", "0.9999999999999999"], 1, "0.95 means 95%"),
        (["compare", "large", "small", "--margin", "1e-320"], 1, "0.03 means 3 points"),
        (["compare", "large", "small", "--seed", "-1"], 1, "cannot be negative"),
        (["threshold", "large", "--max-risk", "1e-320"], 1, "0.05 means 5%"),
        (["threshold", "large", "--max-risk", "0.05", "--seed", "-1"], 1, "cannot be negative"),
        (["threshold", "large", "--review-budget", "nan"], 1, "cannot be nan"),
        (["threshold", "large", "--review-budget", "9", "--daily-volume", "inf"], 1, "cannot be inf"),
        (["quality", "nowhere"], 1, "runs list"),
        (["threshold", "large"], 2, "--max-risk"),
        (["threshold", "large", "--max-risk", "0.1", "--review-share", "0.1"], 2, "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if code == 2:
        with pytest.raises(SystemExit) as left:
            main(["analyse", *arguments])
        assert left.value.code == 2
    else:
        assert main(["analyse", *arguments]) == code
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize("output", ["file.txt/report.html", "n" * 300 + ".html", "nowhere/report.html"])
def test_a_report_that_cannot_be_written(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.txt").write_text("kept")
    assert main(["report", "large", "--output", str(tmp_path / output)]) == 1
    assert "could not be written" in capsys.readouterr().err
    assert (tmp_path / "file.txt").read_text() == "kept" and not list(tmp_path.glob("**/*.partial"))
