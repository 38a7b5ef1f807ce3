"""Log lines are text: messages, what is put into them, tracebacks, the endpoint's own log."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest
from uvicorn.logging import AccessFormatter, DefaultFormatter

from tests.terminal.test_hostile_names import HOSTILE, assert_text, hidden
from tlm_dash.local_endpoint.child_log import ChildLog
from tlm_dash.terminal.logs import records_as_text


def logged(formatter: logging.Formatter, *args: object, message: str = "said %s", fails: bool = False) -> str:
    """Give what a logger of its own writes with a format."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger = logging.Logger("alone")
    logger.addHandler(handler)
    with records_as_text():
        try:
            raise RuntimeError(HOSTILE)
        except RuntimeError:
            logger.error(message, *args, exc_info=fails)
    return written.getvalue()


@pytest.mark.parametrize(
    "formatter", [logging.Formatter("%(levelname)s %(message)s"), DefaultFormatter("%(message)s")]
)
def test_messages_and_tracebacks_are_text(formatter: logging.Formatter) -> None:
    for fails in (False, True):
        for args in ((HOSTILE,), (ValueError(HOSTILE),), (Path(HOSTILE),)):
            said = logged(formatter, *args, fails=fails)
            assert not hidden(said.replace("\t", " ")) and "⟨U+001B⟩" in said
            assert [
                line for line in said.rstrip("\n").split("\n")[1:] if not line.startswith(("  ", "Trace"))
            ] == []
    assert_text(logged(formatter, message=f"100% {HOSTILE}").replace("\n  ", " ").replace("\t", " "))


def test_formats_that_read_the_arguments_still_can() -> None:
    formatter = AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False)
    said = logged(formatter, "1.2.3.4:5", "GET", "/x", "1.1", 200, message='%s - "%s %s HTTP/%s" %d')
    assert said == '1.2.3.4:5 "GET /x HTTP/1.1" 200 OK\n'


def test_other_records_come_back_after_a_command() -> None:
    before = logging.getLogRecordFactory()
    with records_as_text():
        assert logging.getLogRecordFactory() is not before
    assert logging.getLogRecordFactory() is before


def test_what_the_endpoint_says_is_text_in_its_log(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "logs" / "endpoint.log")
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as child:
        child.write(
            f"name = {HOSTILE}\n".encode() + b"\x9b31m\xff\n" + b"error: bad \x1b[2J\nhint: see \x07\n"
        )
    log.follow(os.fdopen(reading, "rb"))
    log.wait(10)
    log.note(f"gone {HOSTILE}\udcff")
    written = log.path.read_text(encoding="utf-8")
    assert not hidden(written.replace("\t", " "))
    assert "⟨U+001B⟩[2J" in written and "[supervisor] gone" in written
    assert log.failure() == ("bad ⟨U+001B⟩[2J", "see ⟨U+0007⟩")


def test_the_end_of_a_traceback_is_found_where_it_stands_further_in(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "endpoint.log")
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as child:
        child.write(
            b'Traceback (most recent call last):\n    File "x.py"\n      raise Y\n  ValueError: no model\n'
        )
    log.follow(os.fdopen(reading, "rb"))
    log.wait(10)
    assert log.failure() == ("ValueError: no model", "")
