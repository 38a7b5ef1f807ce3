"""The colours of the theme against each other, as WCAG 2.2 reckons contrast."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
THEMES = tomllib.loads(CONFIG.read_text())["theme"]
TEXT, DRAWN = 4.5, 3.0
"""What it asks of text, and of borders and marks."""

CAPTION_SHARE = 0.6


def luminance(colour: str) -> float:
    linear = []
    for at in (1, 3, 5):
        value = int(colour[at : at + 2], 16) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(front: str, back: str, share: float) -> str:
    parts = ((int(front[at : at + 2], 16), int(back[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_and_drawn_can_be_told_from_what_is_behind_it(scheme: str) -> None:
    theme = THEMES[scheme]
    accent, text, back = theme["primaryColor"], theme["textColor"], theme["backgroundColor"]
    assert contrast("#ffffff", accent) >= TEXT, "a primary button is written in white"
    assert contrast(accent, back) >= DRAWN, "the border of what is chosen"
    for behind in (back, theme["secondaryBackgroundColor"]):
        assert contrast(mixed(text, behind, CAPTION_SHARE), behind) >= TEXT, "captions are text at 60%"
