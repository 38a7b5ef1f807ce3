"""What all charts share: colours that stay with their model, margins, and no chart junk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tlm_dash.words.visible import visible

# Told apart with the common kinds of colour blindness, and at least 3 : 1 against the light and the dark
# background. Given to every trace by hand: Streamlit fills a short colour list with "undefined", and plotly
# then drops all of it.
COLORS = (
    "#0072b2", "#d55e00", "#009e73", "#c76ba0", "#8a6d00",
    "#7c5cd6", "#3a92cf", "#b8780a", "#d1386b", "#64748b",
)  # fmt: skip

NEUTRAL = "#7a8699"
"""For what has no colour of its own: reference lines, diagonals, whatever is only context."""

BAND_OPACITY = 0.18
CHART_HEIGHT = 280


def model_color(name: str) -> str:
    """Give the colour of a model: always the same one for a name, on every page."""
    return COLORS[_place(name)]


def model_colors(names: Sequence[str]) -> dict[str, str]:
    """Give each of some models its colour; two that share one are told apart while colours are left."""
    colors: dict[str, str] = {}
    for name in sorted(set(names)):
        first = _place(name)
        order = [COLORS[(first + step) % len(COLORS)] for step in range(len(COLORS))]
        free = [color for color in order if color not in colors.values()]
        colors[name] = (free or order)[0]
    return colors


def base_layout(height: int = CHART_HEIGHT) -> dict[str, Any]:
    """Give the layout that figures begin with, `height` in pixels; those side by side take the same one.

    Fonts, text colours and backgrounds are left to the page, which knows whether it is light or dark.
    """
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "showlegend": False,
        "hovermode": "closest",
        "bargap": 0.06,
        "uirevision": "kept",
    }


def escaped(text: str) -> str:
    """Give a text for any place inside a figure: plotly would make links, line breaks and letters of another
    kind of the tags and entities in it. Hidden characters become visible; a line break is a space.

    What stands between two dollar signs stays as it is, since no formulas are loaded.
    """
    shown = " ".join(visible(text).split())
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4]) % len(COLORS)
