"""What a command prints, as text: names and cells of a file cannot command the terminal it is read on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from tlm_dash.words.visible import visible


class _VisibleStream:
    """A text stream that writes control, bidi and invisible characters as ⟨U+001B⟩."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever stands for standard output
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the stream's own
        return getattr(self._stream, name)


@contextmanager
def visible_output(*, is_json: bool) -> Iterator[None]:
    """Print what is hidden in a text visibly, and what the terminal cannot show as \\uXXXX.

    JSON on standard output stays as it is, since a program reads it: halves of a character are \\udXXX there.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with ExitStack() as stack:
        stack.enter_context(redirect_stderr(_VisibleStream(sys.stderr)))
        if not is_json:
            stack.enter_context(redirect_stdout(_VisibleStream(sys.stdout)))
        yield
