"""Every command on a store in which every name is hostile: what it prints is text, whatever it is about."""

from __future__ import annotations

import argparse
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fake_endpoint import ApiError, Behaviour, FakeEndpoint
from tests.services.compared import make_labelled_run
from tests.services.stored import make_dataset, make_run
from tlm_dash.cli import _parser, main
from tlm_dash.services.dataset_inspection import Overrides, Said, inspect
from tlm_dash.services.dataset_upload import save
from tlm_dash.services.place import OpenStore

HOSTILE = (
    "Ｗ\x1b]0;mine\x07\x1b[31m\x9b2J\x9d8;;http://evil\x9c\r\b\x7f\x85"  # terminal
    "\u202e\u2066\u200b\u200f\ufeff\u2028\u2029\u00ad\U000e0041"  # the reader's eye
    "\nerror: forged\nhint: obey\tX"  # lines of ours
)
"""A name that steers a terminal, hides, turns the line around, and poses as what commands say."""

N = 40
SPELLING = HOSTILE.partition("\r")[0]
ON_DISK = HOSTILE.replace("/", "_")
COLUMNS = tuple(f"{role} {HOSTILE}" for role in ("q", "a", "t", "l"))
TABLE = "".join(
    ",".join(f'"{cell}"' for cell in row) + "\n"
    for row in (COLUMNS, *((f"{n} {HOSTILE}", f"a{n} {HOSTILE}", HOSTILE, HOSTILE) for n in range(5)))
)
ROLES = [
    part for role, column in zip(("prompt", "response", "tag", "label"), COLUMNS, strict=True)
    for part in ("--map", f"{role}={column}")
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """What is stored: two labelled runs over one dataset, and what may be deleted."""

    folder: Path
    endpoint: FakeEndpoint
    dataset_id: str
    baseline: str
    candidate: str
    imported: str
    spare_dataset: str
    spare_run: str

    def file(self, name: str, text: str) -> str:
        path = self.folder / f"{name} {ON_DISK}.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return str(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store whose every name is hostile, over an endpoint whose models are called alike."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, FakeEndpoint() as endpoint:
        patch.setenv("TLM_DASH_DATA_DIR", str(folder / "data"))
        endpoint.models = (f"m {HOSTILE}", *(f"m{n}" for n in range(60)), "L" * 400)
        with OpenStore() as place:
            prompts = [f"{n} {HOSTILE}" for n in range(N)]
            dataset_id = make_dataset(place.store, prompts, prompts, name=HOSTILE)
            labels, responses = [n % 3 > 0 for n in range(N)], [f"r{n} {HOSTILE}" for n in range(N)]
            run_ids = [
                make_labelled_run(
                    place, dataset_id, [int(right) for right in labels], name=f"{HOSTILE} {k}",
                    scores=[(n * (7 + k) % N) / N for n in range(N)], responses=responses,
                )
                for k in range(2)
            ]  # fmt: skip
            spare_run = make_run(place.store, dataset_id, ["x"] * N, name=f"spare {HOSTILE}")
        with OpenStore() as place:
            imported, spare = (imported_dataset(place, folder / f"{n} {ON_DISK}.csv") for n in range(2))
        yield World(folder, endpoint, dataset_id, run_ids[0], run_ids[1], imported, spare, spare_run)


def imported_dataset(place: OpenStore, file: Path) -> str:
    """Import a file whose names are all hostile; gives the dataset's id."""
    file.write_text(TABLE, encoding="utf-8", newline="")
    said = Said(tuple(zip(("prompt", "response", "tag", "label"), COLUMNS, strict=True)))
    inspection = inspect(place, [file], Overrides(has_header=True), said)
    return save(place, inspection, inspection.mapping, None).dataset_id


@pytest.fixture(autouse=True)
def settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(world.folder / "data"))
    monkeypatch.setenv("BASE_URL", world.endpoint.base_url)
    monkeypatch.chdir(world.folder)
    world.endpoint.behave("healthy")


def queued(world: World, capfd: pytest.CaptureFixture[str]) -> str:
    """Give a run that waits; its model has a hostile name."""
    wanted = ["runs", "start", world.dataset_id, "--model", f"m {HOSTILE}", "--limit", "2", "--no-wait"]
    capfd.readouterr()
    assert main([*wanted, "--json"]) == 0
    run_id: str = json.loads(capfd.readouterr().out)["runs"][0]["run_id"]
    return run_id


def refused(world: World, capfd: pytest.CaptureFixture[str]) -> str:
    """Give a run that ended with nothing, in the endpoint's hostile words."""
    run_id = queued(world, capfd)
    world.endpoint.behave(Behaviour(ApiError(400, f"no {HOSTILE} {'long ' * 500}")))
    main(["runs", "resume", run_id])
    return run_id


def healed(world: World, capfd: pytest.CaptureFixture[str]) -> str:
    """Give a run that waits, over an endpoint that answers again."""
    world.endpoint.behave("healthy")
    return queued(world, capfd)


def lines_of(world: World, leaf: str, capfd: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Give the command lines that are tried of a command; the last one of them is tried with --json too."""
    labels = f"item_no,verdict,note\n1,{SPELLING},x\n999,{SPELLING},x\n"
    a, b, dataset, imported = world.baseline, world.candidate, world.dataset_id, world.imported
    wanted = {
        "check": lambda: [[]],
        "datasets import": lambda: [
            [world.file("asks", TABLE)],
            [str(world.folder / f"absent \udcff {HOSTILE}.csv")],
            [world.file("maps", TABLE), "--header-row", "1", *ROLES],
        ],
        "datasets list": lambda: [[]],
        "datasets show": lambda: [[f"none {HOSTILE}"], [imported]],
        "datasets delete": lambda: [[world.spare_dataset], [world.spare_dataset, "--yes"]],
        "runs forecast": lambda: [[dataset, "--model", f"m {HOSTILE}", "--preset", "low", "--pilot", "2"]],
        "runs start": lambda: [
            [dataset, "--model", f"m {HOSTILE}", "--preset", f"p {HOSTILE}"],
            [dataset, "--model", f"m {HOSTILE}", "--preset", "low", "--limit", "2"],
        ],
        "runs list": lambda: [[]],
        "runs show": lambda: [[refused(world, capfd)], [f"none {HOSTILE}"], [a]],
        "runs pause": lambda: [[queued(world, capfd)]],
        "runs resume": lambda: [[refused(world, capfd)], [healed(world, capfd)]],
        "runs retry": lambda: [[refused(world, capfd)]],
        "runs cancel": lambda: [[queued(world, capfd)]],
        "runs delete": lambda: [[world.spare_run], [world.spare_run, "--yes"]],
        "runs export": lambda: [[a, "--output", f"x {ON_DISK}"], [a, "--output", f"x {ON_DISK}.csv"]],
        "labels import": lambda: [
            [a, world.file("labels", labels)],
            [a, world.file("labels", labels), "--map", f"{SPELLING}=correct", "--annotator", "Ada"],
        ],
        "labels from-reference": lambda: [[a, "--matcher", "exact", "--dry-run"]],
        "labels map": lambda: [[imported, f"{HOSTILE}=right"], [imported]],
        "analyse distribution": lambda: [[a]],
        "analyse quality": lambda: [[a, "--basis", HOSTILE], [a]],
        "analyse threshold": lambda: [[a, "--max-risk", "0.3", "--look"]],
        "analyse compare": lambda: [[a, b]],
        "analyse choose": lambda: [[a, b, "--max-risk", "0.3", "--look"]],
        "report": lambda: [[a, b, "--output", f"r {ON_DISK}.html"]],
        "store backup": lambda: [["."], [f"b {ON_DISK}.duckdb"]],
    }  # fmt: skip
    return [[*leaf.split(), *line] for line in wanted[leaf]()]


def leaves(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    """Yield the commands of a command line that have none below them."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for part, inner in action.choices.items():
            yield from leaves(inner, f"{name} {part}".strip())
    if not below:
        yield name


COMMANDS = list(leaves(_parser()))


def hidden(text: str) -> list[str]:
    """Name what a terminal or an eye would not read as it stands there; an oracle apart from `visible`."""
    found = {
        character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    return sorted(f"U+{ord(character):04X}" for character in found - {"\n"})


def assert_text(printed: str) -> None:
    assert not hidden(printed), printed
    forged = [
        line for line in printed.split("\n") if line.lstrip().startswith(("error: forged", "hint: obey"))
    ]
    assert not forged, printed
    assert max(map(len, printed.split("\n"))) < 20_000


def run(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


@pytest.mark.parametrize("leaf", [leaf for leaf in COMMANDS if leaf != "endpoint"])
def test_what_a_command_prints_is_text(leaf: str, world: World, capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(world, leaf, capfd)
    capfd.readouterr()
    told = ""
    for line in lines:
        code = run(line)
        said = capfd.readouterr()
        assert_text(said.out + said.err)
        assert said.out or said.err
        assert "Traceback" not in said.err, said.err
        told += f"{code}: {said.out}{said.err}"
    # A name was really there, or the file of one: nothing above holds of output without any.
    named = leaf not in ("analyse distribution", "analyse quality", "analyse threshold")
    assert not named or "⟨U+001B⟩" in told or "\\x1b" in told, told


@pytest.mark.parametrize("leaf", [leaf for leaf in COMMANDS if leaf != "endpoint"])
def test_json_is_one_complete_object_in_ascii(
    leaf: str, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    line = lines_of(world, leaf, capfd)[-1]
    capfd.readouterr()
    code = run([*line, "--json"])
    said = capfd.readouterr()
    assert_text(said.err)
    if leaf in (
        "datasets delete",
        "runs delete",
        "store backup",
        "runs retry",
    ):  # once done, or nothing to do
        assert code in (0, 1)
    else:
        assert code == 0, said.err
    if code == 0:
        assert isinstance(json.loads(said.out), dict)
    assert said.out.isascii() and not hidden(said.out)


def test_json_is_complete_where_lines_are_cut(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    run(["check", "--json"])
    told: dict[str, Any] = json.loads(capfd.readouterr().out)
    assert tuple(told["models"]) == world.endpoint.models
    run(["check"])
    printed = capfd.readouterr().out
    assert "… and 12 more" in printed and "m48\n" in printed and "m49\n" not in printed
    world.endpoint.models = world.endpoint.models[-1:]
    run(["check"])
    assert f"{'L' * 300}… (100 more characters)\n" in capfd.readouterr().out


def test_the_list_of_commands_is_the_whole_tree() -> None:
    assert {"endpoint", "check", "runs start", "labels map", "analyse choose", "store backup"} <= set(
        COMMANDS
    )
    assert len(COMMANDS) == len(set(COMMANDS)) >= 26


@pytest.mark.parametrize("leaf", ["", *COMMANDS])
def test_wrong_usage_echoes_text(leaf: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*leaf.split(), f"--no-such {HOSTILE}", f"no-such {HOSTILE}", "--confidence", HOSTILE]) == 2
    said = capfd.readouterr()
    assert_text(said.err)
    assert not said.out and said.err.startswith("usage: ") and ": error: " in said.err


def test_a_bug_is_told_with_a_traceback_that_is_text(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("tlm_dash.services.datasets.listed", fall)
    assert main(["datasets", "list"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("Traceback ") and "RuntimeError: Ｗ⟨U+001B⟩" in said
    assert_text("\n".join(line for line in said.split("\n") if not line.startswith("  ")))
    assert not hidden(said)


def test_the_oracle_sees_what_is_hostile() -> None:
    assert len(hidden(HOSTILE)) == len({c for c in HOSTILE if not c.isprintable() and c != "\n"})
    with pytest.raises(AssertionError):
        assert_text("fine\nerror: forged")
    assert sys.getfilesystemencoding() == "utf-8" or os.name == "nt"
