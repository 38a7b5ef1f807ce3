"""`runs export`, run as a person runs it, and its file imported again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tlm_dash.cli import main

TABLE = """question,answer_a,score_a,answer_b,topic
Why?,=1+1,0.1234567890123456,No.,x
Who?,He.,,Him.,y
"""
ROLES = ["prompt=question", "response=answer_a", "score=score_a", "response=answer_b", "tag=topic"]


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "mine.csv"
    file.write_text(TABLE)
    assert main(["datasets", "import", str(file), *[part for role in ROLES for part in ("--map", role)]]) == 0
    capsys.readouterr()


def facts(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert main([*(str(part) for part in arguments), "--json"]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_export_and_import(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    runs = ("mine · answer_a", "mine · answer_b")
    told = facts(capsys, "runs", "export", *runs, "--output", tmp_path / "out.csv", "--spreadsheet-safe")
    output = tmp_path / "out.spreadsheet-safe.csv"
    assert told == {
        "output": str(output), "format": "csv", "n_rows": 4, "n_shortened_cells": 0, "spreadsheet_safe": True,
    }  # fmt: skip
    assert '"\'=1+1"' in output.read_text()
    back = facts(capsys, "datasets", "import", output)
    assert (back["n_rows_in"], back["n_items"], back["n_rejected"]) == (4, 2, 0)
    assert isinstance(back["runs"], list) and [run["name"] for run in back["runs"]] == list(runs)
    assert facts(capsys, "runs", "export", back["runs"][0]["run_id"], "--output", tmp_path / "b.jsonl")
    first = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])
    assert (first["response"], first["trustworthiness_score"], first["tags"]) == (
        "=1+1", 0.1234567890123456, {"topic": "x"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--output", "x.doc"], "names no format"),
        (["--output", "x.parquet", "--spreadsheet-safe"], "an option of CSV"),
        (["--output", "/nowhere/x.csv"], "cannot be written"),
    ],
)
def test_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["runs", "export", "mine · answer_a", *arguments]) == 1
    assert told in capsys.readouterr().err
