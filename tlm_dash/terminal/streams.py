"""Standard output and standard error of a process that prints: text, whoever writes to them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from tlm_dash.terminal.logs import records_as_text
from tlm_dash.terminal.printer import tell
from tlm_dash.words.visible import visible


class _VisibleStream:
    """A text stream that writes control, bidi and invisible characters as ⟨U+001B⟩."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever stands for standard output
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Any) -> None:  # noqa: ANN401 - as the stream has it
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the stream's own
        return getattr(self._stream, name)


@contextmanager
def printing() -> Iterator[None]:
    """Let nothing reach the terminal but text: the printer's lines, log lines, and what libraries write.

    What the terminal cannot show is written as \\uXXXX.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with ExitStack() as stack:
        stack.enter_context(records_as_text())
        if sys.stderr is not None:
            stack.enter_context(redirect_stderr(_VisibleStream(sys.stderr)))
        if sys.stdout is not None:
            stack.enter_context(redirect_stdout(_VisibleStream(sys.stdout)))
        yield


def make_errors_text() -> None:
    """Let nothing but text reach standard error from now on: warnings, and tracebacks of threads.

    Standard output is left to the web server, which colours its greeting there.
    """
    if sys.stderr is not None and not isinstance(sys.stderr, _VisibleStream):
        sys.stderr = cast("TextIO", _VisibleStream(sys.stderr))


def flush() -> None:
    """Let everything that was written reach the terminal, before a process that ends by force."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def tell_bug(error: BaseException) -> None:
    """Print the traceback of what nobody expected. Lines that its message brings along stand further in."""
    for part in traceback.format_exception(error):
        for line in part.rstrip("\n").split("\n"):
            is_head = line.startswith("Traceback ") and part.startswith("Traceback ")
            tell(line if is_head else f"  {line}")
