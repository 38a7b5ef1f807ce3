"""`runs …` as a person calls it: facts on standard output, everything else on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint
from tests.services.running import MODEL
from tests.services.stored import make_dataset
from tlm_dash.cli import main
from tlm_dash.services.place import OpenStore

FACTS = [
    "run_id", "name", "dataset_id", "mode", "answered_by", "model", "resolved_model", "quality_preset",
    "scorer_model", "status", "n_items", "n_done", "n_error", "n_pending", "n_sent", "n_unknown",
    "n_maybe_paid_twice", "input_tokens", "output_tokens", "cost", "started_at", "finished_at", "duration_ms",
    "errors", "reason", "n_not_accepted", "messages",
]  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stored dataset of 12 items, and an endpoint to run it with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASE_URL", fake_endpoint.base_url)
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path))
    with OpenStore() as place:
        return make_dataset(place.store, 12)


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:  # noqa: ANN401
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_start_show_list_and_delete(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = facts(capsys, "runs", "start", dataset[:8], "--model", MODEL, "--preset", "low")["runs"]
    assert list(run) == FACTS
    assert (run["status"], run["n_done"], run["n_sent"], run["mode"]) == ("done", 12, 12, "generate")
    assert facts(capsys, "runs", "list")["runs"] == [run]
    assert facts(capsys, "runs", "show", run["name"])["runs"] == [run]
    assert main(["runs", "delete", run["run_id"]]) == 1
    assert "--yes" in capsys.readouterr().err
    assert facts(capsys, "runs", "delete", run["run_id"][:6], "--yes")["deleted"] is True
    assert facts(capsys, "runs", "list") == {"runs": []}


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        ((), "generate"),
        (("--scorer-model", MODEL), "generate"),
        (("--scorer-model", "gpt-4.1-nano"), "generate-then-score"),
        (("--answered-by", "provider"), "generate-then-score"),
    ],
)
def test_the_mode_that_is_taken_is_the_one_that_the_help_tells(
    capsys: pytest.CaptureFixture[str], fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...], mode: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_BASE_URL", fake_endpoint.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    # Wide enough for no option to be broken at its hyphen.
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        main(["runs", "start", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    default = told.partition("what is done (default: ")[2].partition(")")[0]
    generate, _, otherwise = default.partition(";")
    assert generate.startswith("generate where one model")
    assert all(option in otherwise for option in asked[:1] if mode == "generate-then-score")
    (run,) = facts(
        capsys, "runs", "start", "Questions", "--model", MODEL, "--preset", "low", "--no-wait", *asked
    )["runs"]
    assert run["mode"] == mode


@pytest.mark.usefixtures("dataset")
def test_a_grid_with_limits_caps_and_prices(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(
        capsys, "runs", "start", "Questions", "--model", MODEL, "gpt-4.1-nano", "--preset", "base", "low",
        "--limit", "5", "--max-in-flight", "3", "--requests-per-minute", "6000", "--max-requests", "100",
        "--price", f"{MODEL}=1,2", "--price", "gpt-4.1-nano=0.1,0.4", "--temperature", "0",
    )["runs"]  # fmt: skip
    assert [run["n_done"] for run in found] == [5, 5, 5, 5]
    assert {run["mode"] for run in found} == {"generate-then-score"}
    assert found[0]["cost"] > found[2]["cost"] > 0


def test_more_at_once_than_is_allowed_is_told(
    dataset: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLM_DASH_MAX_IN_FLIGHT", "2")
    assert main(["runs", "start", dataset, "--model", MODEL, "--preset", "low", "--max-in-flight", "64"]) == 0
    told = "TLM_DASH_MAX_IN_FLIGHT allows 2 at once: so many are under way at most, not 64."
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("dataset")
def test_an_option_that_is_given_twice_adds_to_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(
        capsys, "runs", "start", "Questions", "--model", MODEL, "--preset", "base", "--model", "gpt-4.1-nano",
        "--model", MODEL, "--no-wait",
    )["runs"]  # fmt: skip
    assert [(run["model"], run["quality_preset"]) for run in found] == [
        (MODEL, "base"), ("gpt-4.1-nano", "base"),
    ]  # fmt: skip
    (alone,) = facts(capsys, "runs", "start", "Questions", "--model", MODEL, "--no-wait")["runs"]
    assert alone["quality_preset"] == "medium"


def test_forecast_then_start_sends_no_row_twice(
    dataset: str, fake_endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (dataset, "--model", MODEL, "--preset", "low")
    told = facts(capsys, "runs", "forecast", *asked, "--pilot", "4")
    assert told["total"]["n_pilot"] == 4 and told["total"]["requests"]["estimate"] == 12.0
    assert facts(capsys, "runs", "start", *asked)["runs"][0]["n_done"] == 12
    assert len(fake_endpoint.requests_to("chat/completions")) == 12


def test_a_queued_run_is_paused_resumed_and_retried(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    started = facts(capsys, "runs", "start", dataset, "--model", MODEL, "--preset", "low", "--no-wait")
    run_id = started["runs"][0]["run_id"]
    assert started["runs"][0]["status"] == "queued"
    assert facts(capsys, "runs", "pause", run_id)["runs"][0]["status"] == "paused"
    assert facts(capsys, "runs", "resume", run_id, "--no-wait")["runs"][0]["status"] == "queued"
    assert facts(capsys, "runs", "cancel", run_id)["runs"][0]["status"] == "cancelled"
    assert facts(capsys, "runs", "resume", run_id)["runs"][0]["n_done"] == 12
    assert facts(capsys, "runs", "retry", run_id)["runs"][0]["n_sent"] == 12


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "show", "nothing"),
        ("runs", "start", "nothing", "--model", MODEL),
        ("runs", "start", "Questions"),
        ("runs", "start", "Questions", "--model", MODEL, "--preset", "best"),
        ("runs", "start", "Questions", "--model", MODEL, "--price", "cheap"),
        ("runs", "start", "Questions", "--mode", "score"),
    ],
)
@pytest.mark.usefixtures("dataset")
def test_what_cannot_be_done_is_an_error_with_a_hint(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(arguments)) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and "\nhint: " in told.err


@pytest.mark.usefixtures("dataset")
def test_while_a_dashboard_holds_the_file_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with OpenStore():
        assert main(["runs", "list"]) == 1
        assert "process" in capsys.readouterr().err


def test_a_run_that_was_given_up_fails_the_command(
    dataset: str, fake_endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenStore() as place:
        large = make_dataset(place.store, 200, name="Large")
    fake_endpoint.behave("html")
    assert dataset != large
    assert main(["runs", "start", "Large", "--model", MODEL, "--preset", "low"]) == 1
    assert "error: The run was given up" in capsys.readouterr().err


REFUSAL = ApiError(404, "The model `gpt-4.1-mini` does not exist", code="model_not_found")


def test_a_refused_run_fails_the_command_with_the_endpoints_words(
    dataset: str, fake_endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_endpoint.behave(Behaviour(REFUSAL))
    asked = ("runs", "start", dataset, "--model", MODEL, "--preset", "low")
    assert main([*asked, "--json"]) == 1
    told = capsys.readouterr()
    (run,) = json.loads(told.out)["runs"]
    assert (run["status"], run["n_pending"], run["n_error"], run["n_done"]) == ("paused", 12, 0, 0)
    (said,) = run["messages"]
    assert (said["kind"], said["n"]) == ("request_refused", run["n_sent"])
    assert "does not exist" in said["message"] and said["hint"] and said["message"] in run["reason"]
    assert "error: The run is paused, because the endpoint refuses it." in told.err
    assert "Start a new run with other settings, or resume when the endpoint takes these: `runs" in told.err
    assert "does not exist" in told.err and f"`runs resume {run['run_id'][:8]}`" in told.err
    (shown,) = facts(capsys, "runs", "show", run["run_id"])["runs"]
    assert shown == run
    assert main(["runs", "show", run["run_id"]]) == 0
    assert f"message: {said['n']} × request_refused: " in capsys.readouterr().out
    assert main(["runs", "resume", run["run_id"]]) == 1
    assert "because the endpoint refuses it" in capsys.readouterr().err
    fake_endpoint.behave("healthy")
    (mended,) = facts(capsys, "runs", "resume", run["run_id"])["runs"]
    assert (mended["status"], mended["n_done"], mended["messages"], mended["reason"]) == (
        "done",
        12,
        [],
        None,
    )


@pytest.mark.usefixtures("dataset")
def test_a_run_in_which_nothing_succeeded_fails_the_command(
    fake_endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_endpoint.behave(Behaviour(REFUSAL))
    asked = ("runs", "start", "Questions", "--model", MODEL, "--preset", "low", "--limit", "3")
    assert main([*asked, "--json"]) == 1
    told = capsys.readouterr()
    (run,) = json.loads(told.out)["runs"]
    assert (run["status"], run["n_error"]) == ("done", 3)
    assert [(said["kind"], said["n"]) for said in run["messages"]] == [("request_refused", 3)]
    assert "error: Not one row of" in told.err and "does not exist" in told.err and "\nhint: " in told.err
    # One row that succeeds is enough.
    fake_endpoint.script("chat/completions", [Answer()])
    assert main(["runs", "retry", run["run_id"]]) == 0


@pytest.mark.usefixtures("dataset")
def test_a_refused_pilot_forecasts_nothing(
    fake_endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_endpoint.behave("unauthorized")
    asked = ("runs", "forecast", "Questions", "--model", MODEL, "--preset", "low", "--pilot", "6", "--json")
    assert main([*asked]) == 1
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["total"] == {"n_pilot": 0} and found["messages"][0]["kind"] == "access_denied"
    assert "error: The run is paused" in told.err and "Invalid API key" in told.err
