"""The command line: exit codes, what goes to which stream, and that the README tells the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, MakeDashboard
from tests.fake_endpoint import FakeEndpoint


def tlm_dash(
    *arguments: str, data_dir: Path, timeout_s: float = 300, **environ: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TLM_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "tlm_dash", *arguments],
        cwd=ROOT,
        env={**kept, "TLM_DASH_DATA_DIR": str(data_dir), **environ},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_check_says_that_everything_works(tmp_path: Path, fake_endpoint: FakeEndpoint) -> None:
    run = tlm_dash(
        "check", "--json", data_dir=tmp_path, BASE_URL=fake_endpoint.base_url, TLM_DASH_API_KEY="sk-secret"
    )
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["works"] is True
    assert (facts["endpoint"], facts["database"], facts["embedded"]) == ("ready", "open", False)
    assert facts["models"] == list(fake_endpoint.models)
    assert "sk-secret" not in run.stdout + run.stderr
    assert {"name": "TLM_DASH_API_KEY", "value": "set", "source": "environment"} in facts["settings"]


def test_check_says_why_an_endpoint_does_not_work(tmp_path: Path) -> None:
    run = tlm_dash("check", data_dir=tmp_path, BASE_URL="http://127.0.0.1:9/api")
    assert run.returncode == 1
    assert "endpoint: unreachable" in run.stdout and "Traceback" not in run.stderr


def test_check_names_who_holds_the_database(
    tmp_path: Path, fake_endpoint: FakeEndpoint, make_dashboard: MakeDashboard
) -> None:
    make_dashboard(fake_endpoint.base_url, data_dir=tmp_path)
    run = tlm_dash("check", data_dir=tmp_path, BASE_URL=fake_endpoint.base_url)
    assert run.returncode == 0
    assert "database: in use" in run.stdout
    assert f"process {os.getpid()}" in run.stdout
    assert "running dashboard" in run.stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["check", "--what"], ["endpoint", "--port", "x"]])
def test_wrong_usage_exits_2(tmp_path: Path, arguments: list[str]) -> None:
    run = tlm_dash(*arguments, data_dir=tmp_path)
    assert run.returncode == 2
    assert "usage:" in run.stderr


def test_a_setting_that_cannot_be_used_is_an_error_with_a_hint(tmp_path: Path) -> None:
    run = tlm_dash("check", data_dir=tmp_path, BASE_URL="example.com")
    assert run.returncode == 1
    assert run.stderr.startswith("error: The setting BASE_URL cannot be used")
    assert "\nhint: " in run.stderr


def test_every_command_and_option_is_in_the_readme(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    usage = tlm_dash("--help", data_dir=tmp_path).stdout
    commands = [line.split()[0] for line in usage.splitlines() if line.startswith("    ") and line[4] != " "]
    assert {"endpoint", "check"} <= set(commands)
    for command in commands:
        assert f"python -m tlm_dash {command}" in readme
        told = tlm_dash(command, "--help", data_dir=tmp_path)
        assert told.returncode == 0 and told.stdout.startswith("usage: python -m tlm_dash")


def test_names_of_a_file_cannot_command_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("prompt,response\nWhy?,So.\n")
    name = "\x1b[2Jnice\u202e<b>"
    told = tlm_dash("datasets", "import", str(file), "--name", name, data_dir=tmp_path)
    listed = tlm_dash("runs", "list", data_dir=tmp_path)
    refused = tlm_dash("runs", "show", name, data_dir=tmp_path)
    for text in (told.stdout, listed.stdout, refused.stderr):
        assert "⟨U+001B⟩[2Jnice⟨U+202E⟩<b>" in text
        assert not {"\x1b", "\u202e"} & set(text)
    as_json = tlm_dash("runs", "list", "--json", data_dir=tmp_path)
    assert json.loads(as_json.stdout)["runs"][0]["name"] == f"{name} · response", "for programs as it is"


def test_what_an_output_cannot_encode_is_written_in_letters(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"prompt": "Why?", "res\\ud800ponse": "So.", "score": 0.5}\n')
    asked = tlm_dash("datasets", "import", str(file), "--json", data_dir=tmp_path)
    assert (asked.returncode, "Traceback" in asked.stderr) == (1, False)
    assert "res\ud800ponse" in json.loads(asked.stdout)["hint"]
    plain = tmp_path / "mine.csv"
    plain.write_text("prompt\nWhy?\n")
    told = tlm_dash(
        "datasets", "import", str(plain), "--name", "é → é", data_dir=tmp_path, PYTHONIOENCODING="ascii"
    )
    assert told.returncode == 0, told.stderr
    assert "\\u2192" in told.stdout
