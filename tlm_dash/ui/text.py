"""Showing untrusted text as text: nothing hidden, nothing reordered, nothing interpreted.

Labels, `help=`, captions, titles, badges, metrics, options of radios, pills and segmented controls, toasts
and `st.markdown` are Markdown: with links, images that are fetched, LaTeX, icons and coloured text. What
stands in them is a literal, a figure of ours, or `plain(…)`; a test walks all calls. `st.text`, options of
select boxes, cells of tables, placeholders and `alt=` are not Markdown, and would show a backslash: they take
`visible(…)` or `one_line(…)`. Labels of inputs are read out as they are written, so no name stands in one.
"""

from __future__ import annotations

import re
from datetime import datetime

from tlm_dash.words.visible import visible as visible

SHOWN_AT_ONCE = 200_000
"""Characters of one text that a page draws before a person asks for more."""

_SPLIT = ":small{}"
"""An empty element. When the Markdown was read, Streamlit goes through its text, where no escape is left, and
makes links of addresses, icons of :names: and arrows of ->. What lies in two pieces it does not find."""

_SPECIAL = re.compile(
    r"""
      (?P<start>\A[-+=>])                           # a list, an underlined heading, a quote
    | (?P<number>\A\d{1,9}(?=[.)]))                 # a numbered list
    | (?P<bracket>[\[\]])                           # links, images, footnotes, labels of directives
    | (?P<inline>[\\`*<&$~|\#]                      # code, HTML, entities, LaTeX, strikethrough, headings
        | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9]))     # emphasis: never inside a word
    | (?P<icon>:(?=[\w+/-]+:))                      # :emoji:, :material/icon:, :streamlit:
    | (?P<directive>:(?=[^\W\d]|[:@]))              # :red[text], ::name, :::name; and before _SPLIT
    | (?P<address>(?<=:/)(?=/) | (?<=[Ww]{3})(?=\.) | (?=@))
    | (?P<arrow>(?<=[-<>=~])(?=[->=]))              # -> <- <-> -- >= <= ~=
    """,
    re.VERBOSE,
)


def plain(text: str) -> str:
    """Give a text for a place that is drawn as Markdown, so that a person reads it exactly as it is.

    Hidden characters become visible; line breaks and runs of spaces one space, as a browser draws them.
    """
    return _SPECIAL.sub(_escaped, " ".join(visible(text).split()))


def _escaped(match: re.Match[str]) -> str:
    found = match.group()
    match match.lastgroup:
        case "bracket":
            # st.badge puts a backslash of its own before brackets, which would take away the effect of ours.
            return f"&#{ord(found)};"
        case "number":
            return f"{found}\\"
        case "icon":
            return f"\\:{_SPLIT}"
        case "address" | "arrow":
            return _SPLIT
        case _:
            return f"\\{found}"


def one_line(text: str, most: int) -> str:
    """Give the start of a text on one line, of at most `most` characters, with … where it was cut."""
    flat = " ".join(visible(text[: 4 * most]).split())
    if len(flat) <= most and not text[4 * most :].strip():
        return flat
    return flat[: most - 1].rstrip().removesuffix("…") + "…"


def beginning(text: str, most: int) -> str:
    """Give the start of a text as a cell of a table shows it; one that was cut says how much is missing."""
    if len(text) <= most:
        return visible(text)
    return f"{visible(text[:most])}… ({len(text) - most:,} more characters)"


def duration(milliseconds: float | None) -> str:
    """Write a duration as a person would: 480 ms, 3.1 s, 2 min 5 s; — where it is not known."""
    if milliseconds is None:
        return "—"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def roughly(seconds: float) -> str:
    """Write a time that is only guessed, in one unit: 50 s, 34 min, 5 h, 3 days."""
    for size, unit, enough in ((86_400, " days", 2), (3_600, " h", 1.5), (60, " min", 1.5)):
        if seconds >= enough * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(1.0, seconds):.0f} s"


def ago(moment: datetime, now: datetime) -> str:
    """Write how long ago a moment is, in words."""
    seconds = max(0.0, (now - moment).total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def score_text(score: float) -> str:
    """Write a score with three decimals, more only where it would otherwise read as exactly 0 or 1."""
    for decimals in range(3, 10):
        text = f"{score:.{decimals}f}"
        if float(text) not in (0.0, 1.0) or score in (0.0, 1.0):
            return text
    return f"{score:.10g}"


def amount(value: float) -> str:
    """Write an amount of money: two decimals, more only where they would say nothing."""
    if value >= 1 or value == 0:
        return f"{value:,.2f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}" if value >= 0.0001 else "under 0.0001"


def about_amount(value: float, *, costs_score: bool) -> str:
    """Write an estimated cost; where scoring has no price, the amount is said to leave it out."""
    about = "" if 0 < value < 0.0001 else "about "
    return f"cost {about}{amount(value)}" + ("" if costs_score else " without scoring")


def file_size(size_bytes: int) -> str:
    """Write a size in the unit that keeps it under 1,000."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")
