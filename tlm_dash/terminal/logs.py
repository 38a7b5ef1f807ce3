"""Log lines as text: a name in one cannot command the terminal or the reader of the log, nor begin a line."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tlm_dash.words.visible import visible

_FURTHER_IN = "\n  "


class _TextRecord(logging.LogRecord):
    """A log record whose message and traceback are text, whichever handler and format writes them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as logging calls it
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[1] is not None:
            # A formatter takes this where it is set, instead of making its own.
            told = "".join(traceback.format_exception(self.exc_info[1]))
            self.exc_text = _in_lines(told.rstrip("\n"))

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return _in_lines(super().getMessage())


def make_records_text() -> None:
    """Make every log record of this process text, from now on."""
    logging.setLogRecordFactory(_TextRecord)


@contextmanager
def records_as_text() -> Iterator[None]:
    """Do so for a while."""
    before = logging.getLogRecordFactory()
    make_records_text()
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)


def _in_lines(text: str) -> str:
    """Give text with nothing hidden; lines after its first stand further in, to look like no record."""
    return visible(text).replace("\n", _FURTHER_IN)
