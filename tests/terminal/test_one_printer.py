"""Everything that reaches a terminal passes the one printer: no other part of the project prints by itself.

How to fix a failure: `say` a fact, `tell` what happens, `say_json` for --json, `TextParser` for options,
a logger for the log (tlm_dash/terminal/).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, part_of

FORBIDDEN = {
    "print", "input", "breakpoint", "pprint.pprint", "pprint.pp",
    "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__",
    "os.write", "click.echo", "faulthandler.enable", "logging.StreamHandler",
    "traceback.print_exc", "traceback.print_exception", "traceback.print_stack", "traceback.print_last",
}  # fmt: skip
"""Ways to a terminal past the printer."""

NOT_MADE = {"argparse.ArgumentParser"}
"""What may be named, as a type, and neither called nor inherited from: it prints by itself."""

ENDS_WITH_WORDS = {"sys.exit", "SystemExit", "exit", "quit"}
"""What prints its argument where that is no number."""

BEFORE_THE_PRINTER = ROOT / "tlm_dash" / "install.py"
"""Runs where nothing is installed, by a Python that need not understand the printer: prints its own words."""


ALONE = {"terminal", "install"}
"""The printer itself, and what runs before there is an environment, on any Python."""


def printing_files() -> list[Path]:
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "tlm_dash").rglob("*.py")]
    files.remove(BEFORE_THE_PRINTER)
    return [file for file in files if file.name == "__main__.py" or part_of(file) not in ALONE]


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def ways_past(source: str) -> Iterator[str]:
    """Yield what a source does to print past the printer."""
    tree = ast.parse(source)
    known: dict[str, str] = {}  # what an import calls otherwise
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}

    def name_of(node: ast.AST) -> str:
        first, dot, rest = dotted(node).partition(".")
        return known.get(first, first) + dot + rest

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and name_of(node) in FORBIDDEN:
            yield name_of(node)
        made = (
            [node.func]
            if isinstance(node, ast.Call)
            else node.bases
            if isinstance(node, ast.ClassDef)
            else []
        )
        yield from (name_of(one) for one in made if name_of(one) in NOT_MADE)
        if isinstance(node, ast.Call) and name_of(node.func) in ENDS_WITH_WORDS and node.args:
            given = node.args[0]
            if isinstance(given, ast.JoinedStr) or (
                isinstance(given, ast.Constant) and isinstance(given.value, str)
            ):
                yield f"{name_of(node.func)} with words"


def test_nothing_prints_past_the_printer() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {way}"
        for file in printing_files()
        for way in ways_past(file.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join([*found, __doc__ or ""])


def test_json_of_a_command_is_made_by_the_printer_alone() -> None:
    files = [ROOT / "tlm_dash" / "cli.py", *(ROOT / "tlm_dash" / "commands").glob("*.py")]
    assert not [file.name for file in files if "json.dump" in file.read_text(encoding="utf-8")]


def test_the_walk_really_sees_the_files() -> None:
    seen = {str(file.relative_to(ROOT)) for file in printing_files()}
    assert {"app.py", "tlm_dash/cli.py", "tlm_dash/__main__.py", "tlm_dash/commands/runs.py"} <= seen
    assert {"tlm_dash/local_endpoint/__main__.py", "tlm_dash/server/lifespan.py"} <= seen
    assert not [name for name in seen if name.startswith("tlm_dash/terminal/")]


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("print('a')", 1),
        ("announce = print", 1),
        ("import sys\nsys.stdout.write('a')", 1),
        ("import sys as s\ns.stderr.flush()", 1),
        ("from sys import stderr\nstderr.write('a')", 1),
        ("from sys import stderr as err\nerr.write('a')", 1),
        ("import argparse\nargparse.ArgumentParser()", 1),
        ("from argparse import ArgumentParser\nclass P(ArgumentParser): ...", 1),
        ("import logging\nlogging.StreamHandler()", 1),
        ("import traceback\ntraceback.print_exc()", 1),
        ("import sys\nsys.exit(f'no {1}')", 1),
        ("raise SystemExit('no')", 1),
        ("import os\nos.write(1, b'a')", 1),
        ("import argparse\ndef f(parser: argparse.ArgumentParser) -> None: ...", 0),
        ("import sys\nsys.exit(main())", 0),
        ("import sys\nsys.stdin.fileno()", 0),
        ("text = 'print(1)'  # print(2)", 0),
        ("from tlm_dash.terminal.printer import say\nsay('a')", 0),
    ],
)  # fmt: skip
def test_the_detector_finds_offenders_and_only_them(source: str, ways: int) -> None:
    assert len(list(ways_past(source))) == ways
