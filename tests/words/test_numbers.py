"""How numbers are written, and that nothing writes a share in another way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_architecture import ROOT, project_files
from tlm_dash.words.numbers import (
    at_most,
    bounds,
    decimal,
    p_value,
    p_values,
    percent,
    percent_range,
    threshold_text,
)

BY_HAND = re.compile(r":,?\.\d+%\}|\.\d[fg]\}%")
"""A format of a share, or one of a number with the sign behind it."""


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.1234, "12.3%"), (0.08, "8%"), (1 / 12, "8.33%"), (0.0125, "1.25%"), (0.62, "62%"), (1.0, "100%"),
        (0.0, "0%"), (0.9996, "99.96%"), (0.99951, "99.951%"), (1 - 1e-15, "100%"), (0.95, "95%"),
        (1 - 0.05 / 11, "99.55%"), (0.00001234, "0.00123%"), (1.5, "150%"), (None, "—"),
    ],
)  # fmt: skip
def test_a_share_has_three_digits(share: float | None, text: str) -> None:
    assert percent(share) == text


@given(st.floats(1e-9, 1 - 1e-9))
def test_what_is_not_all_or_nothing_is_not_written_so(share: float) -> None:
    text = percent(share)
    written = float(text.removesuffix("%")) / 100
    assert text not in ("0%", "100%") and "e" not in text
    # Three digits: within half of the last one, of the share or of what is missing from all.
    assert abs(written - share) <= 0.0051 * share + 1e-15


@given(st.floats(1e-6, 1.0))
def test_an_upper_bound_is_never_written_below_what_was_proved(bound: float) -> None:
    written = float(at_most(bound).removesuffix("%")) / 100
    assert -1e-10 <= written - bound <= 0.0101 * bound + 1e-10


def test_an_upper_bound_is_rounded_up() -> None:
    assert [at_most(b) for b in (0.05454, 0.07, 0.05, 1 / 3, 0.9991234, 1.0, 0.0, None)] == [
        "5.46%", "7%", "5%", "33.4%", "99.913%", "100%", "0%", "—",
    ]  # fmt: skip
    assert bounds(0.0123, 0.05454) == "1.23% to 5.46%"


def test_p_and_its_level_never_read_the_same_where_they_differ() -> None:
    assert p_values(0.0125409, 0.0125) == ("0.01254", "0.0125")
    assert p_values(0.0625, 0.05) == ("0.0625", "0.05")
    assert p_values(0.05, 0.05) == ("0.05", "0.05")
    assert p_values(1e-9, 0.05) == ("under 0.0001", "0.05")


def test_other_numbers() -> None:
    assert percent_range(0.05, None) == "5% to —"
    assert [decimal(v) for v in (0.85349, 1.0, 0.99997, -0.25, 0.0, None)] == [
        "0.853", "1.000", "0.99997", "−0.250", "0.000", "—",
    ]  # fmt: skip
    assert [p_value(p) for p in (0.0625, 0.05, 0.004077, 1.0, 0.00002)] == [
        "0.0625", "0.05", "0.00408", "1", "under 0.0001",
    ]  # fmt: skip
    assert [threshold_text(t) for t in (0.7134567891234, 1.0, 5e-5)] == ["0.7134567891234", "1", "5e-05"]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('f"{share:.1%}"', True), ('f"{100 * share:.0f}%"', True), ('f"{value * 100:.4g}%"', True),
        ('f"{100 * n / total:.3f}%;min-width"', True), ('f"{value:.3f}"', False), ('f"{percent(x)}"', False),
    ],
)  # fmt: skip
def test_the_search_finds_shares_that_are_written_by_hand(text: str, is_found: bool) -> None:
    assert bool(BY_HAND.search(text)) is is_found


def test_shares_are_written_in_one_place() -> None:
    """A width in a style sheet is no share that a person reads; the embedded endpoint is another program."""
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in project_files()
        if not {"words", "local_endpoint"} & set(file.relative_to(ROOT).parts)
        for line in file.read_text(encoding="utf-8").splitlines()
        if BY_HAND.search(line) and "width:" not in line
    ]
    assert not found, "\n".join(found)
