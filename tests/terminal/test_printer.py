"""The printer by itself: what is cut and how that is said, and JSON as programs read it."""

from __future__ import annotations

import json
import math

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import entries, listed, say, say_json, shown, tell, tell_error


def test_values_are_cut_where_they_are_long_and_it_is_said() -> None:
    assert shown("x" * 300) == "x" * 300
    assert shown("x" * 1_301) == "x" * 300 + "… (1,001 more characters)"
    assert (shown(None), shown(0), shown("a\nb\tc\r")) == ("", "0", "a⟨U+000A⟩b⟨U+0009⟩c⟨U+000D⟩")
    assert len(shown("\x1b" * 10**6)) < 3_000


def test_lists_are_cut_where_they_are_long_and_it_is_said() -> None:
    assert listed(map(str, range(50))) == ", ".join(map(str, range(50)))
    assert list(entries(map(str, range(51))))[-2:] == ["49", "… and 1 more"]
    assert listed((str(n) for n in range(3_000)), "; ").endswith("; 49; … and 2,950 more")
    assert listed([]) == ""


def test_a_line_is_one_line_of_bounded_length(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nerror: b")
    tell(f"progress {'y' * 5_000}")
    tell_error(InvalidInputError("No \x1b[2J.\nhint: forged", hint="Do\x07."))
    said = capsys.readouterr()
    assert said.out == "a⟨U+000A⟩error: b\n"
    progress, *error = said.err.splitlines()
    assert len(progress) < 2_100 and progress.endswith("… (3,009 more characters)")
    assert error == ["error: No ⟨U+001B⟩[2J.⟨U+000A⟩hint: forged", "hint: Do⟨U+0007⟩."]


def test_json_is_ascii_and_says_everything(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {
        "name": "Ｗ\x1b\x7f\x9b\u202e\n\udcff😀" + "x" * 5_000, "list": [str(n) for n in range(200)],
        "none": None, "share": 0.1, "n": 3,
    }  # fmt: skip
    say_json(facts)
    said = capsys.readouterr().out
    assert said.isascii() and "\x7f" not in said and "\x1b" not in said
    assert json.loads(said) == facts
    assert said.startswith('{\n  "name": "\\uff37\\u001b\\u007f\\u009b\\u202e\\n\\udcff\\ud83d\\ude00x')


def test_json_has_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": math.nan, "b": {"c": [1.5, math.inf, (-math.inf,)]}})
    said = capsys.readouterr().out
    assert json.loads(said) == {"a": None, "b": {"c": [1.5, None, [None]]}} and "NaN" not in said
