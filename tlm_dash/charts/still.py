"""Charts as plain SVG, for records that must look the same offline, on paper and in twenty years.

No script, no outer file: a figure is one <svg> element whose text is escaped and whose lines take the colour
of the page around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]

WIDTH = 720
MARGINS = (56, 30, 14, 44)
"""Left, right, top and bottom, in pixels."""


@dataclass
class Frame:
    """The inside of a figure with its two linear axes; x and y are `(lowest, highest)`."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: int = 300
    left: int = MARGINS[0]
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Give the place of a value in pixels; values outside the axes are put on their end."""
        right, top, bottom = WIDTH - MARGINS[1], MARGINS[2], self.height - MARGINS[3]
        return (
            self.left + (right - self.left) * _share(x, self.x),
            bottom - (bottom - top) * _share(y, self.y),
        )

    def line(self, points: Sequence[Point], *, color: str = "currentColor", dash: str = "") -> None:
        """Draw a line through values."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<polyline points="{self._path(points)}" fill="none" stroke="{color}" stroke-width="2"{dashed}/>'
        )

    def area(self, points: Sequence[Point], *, color: str, opacity: float) -> None:
        """Fill the shape that values enclose."""
        self.parts.append(
            f'<polygon points="{self._path(points)}" fill="{color}" fill-opacity="{opacity}" stroke="none"/>'
        )

    def dot(self, x: float, y: float, *, color: str) -> None:
        """Mark a value."""
        place = self.at(x, y)
        self.parts.append(f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="5" fill="{color}"/>')

    def text(self, x: float, y: float, said: str, *, anchor: str = "start", up: float = 6) -> None:
        """Write at a value, `up` pixels above it."""
        place = self.at(x, y)
        self.parts.append(_text(place[0], place[1] - up, said, anchor))

    def axes(self, x_title: str, y_title: str | None, *, percent: tuple[bool, bool] = (True, True)) -> None:
        """Draw both axes with their ticks; `percent` tells which hold fractions to be shown as percent.

        Without a `y_title` the rows of the figure name themselves: no ticks on that side.
        """
        bottom, right = self.height - MARGINS[3], WIDTH - MARGINS[1]
        for value in ticks(*self.x):
            place = self.at(value, self.y[0])[0]
            self.parts.append(_text(place, bottom + 18, tick_text(value, percent[0], self.x), "middle"))
        for value in ticks(*self.y) if y_title is not None else ():
            place = self.at(self.x[0], value)[1]
            self.parts.append(_rule(self.left, place, right, place, opacity=0.15))
            self.parts.append(_text(self.left - 8, place + 4, tick_text(value, percent[1], self.y), "end"))
        self.parts.append(_rule(self.left, bottom, right, bottom, opacity=0.6))
        self.parts.append(_text((self.left + right) / 2, self.height - 6, x_title, "middle"))
        if y_title is not None:
            middle = (MARGINS[2] + bottom) / 2
            self.parts.append(
                f'<text transform="translate(14 {middle:.1f}) rotate(-90)" text-anchor="middle">'
                f"{escape(y_title)}</text>"
            )

    def svg(self, told: str) -> str:
        """Give the whole figure; `told` says in words what it shows."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(told, quote=True)}" font-family="system-ui, sans-serif" font-size="13" '
            f'fill="currentColor">{"".join(self.parts)}</svg>'
        )

    def _path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{place[0]:.1f},{place[1]:.1f}" for place in (self.at(x, y) for x, y in points))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Give round numbers between two ends, at most `most` + 1 of them."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next((unit * factor for factor in (1, 2, 2.5, 5) if unit * factor >= rough), unit * 10)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


def tick_text(value: float, is_percent: bool, ends: tuple[float, float]) -> str:
    """Write the number of a tick with as many digits as its neighbours need."""
    scale = 100 if is_percent else 1
    steps = ticks(*ends)
    step = (steps[1] - steps[0]) * scale if len(steps) > 1 else 1.0
    digits = next((n for n in range(9) if abs(step * 10**n - round(step * 10**n)) < 1e-6 * step * 10**n), 9)
    return f"{value * scale:.{digits}f}{'%' if is_percent else ''}"


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5


def _rule(x1: float, y1: float, x2: float, y2: float, *, opacity: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'
