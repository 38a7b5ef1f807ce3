"""Cut a byte stream into server-sent events, whatever the chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `whole` is False where the stream ended before the blank line that closes it."""

    data: str
    name: str = ""
    whole: bool = True


class SseDecoder:
    """Decode incrementally; comments (keep-alives) and events without data are dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._name = ""
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Take some bytes and give the events that they complete."""
        buffer = self._rest + chunk
        if self._at_start:
            # Wait for three bytes: a byte-order mark may come in pieces.
            if len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
                self._rest = buffer
                return
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        start = 0
        for match in _LINE_END.finditer(buffer):
            if match.group() == b"\r" and match.end() == len(buffer):
                break  # It may be the first half of \r\n.
            yield from self._line(buffer[start : match.start()])
            start = match.end()
        self._rest = buffer[start:]

    def end(self) -> Iterator[Event]:
        """Give what is left when the stream has ended."""
        rest, self._rest = self._rest, b""
        if rest.endswith(b"\r"):
            yield from self._line(rest[:-1])
            rest = b""
        if rest:
            yield from self._line(rest)
        yield from self._dispatch(whole=False)

    def _line(self, raw: bytes) -> Iterator[Event]:
        if not raw:
            yield from self._dispatch(whole=True)
            return
        name, _, value = raw.decode("utf-8", errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value

    def _dispatch(self, *, whole: bool) -> Iterator[Event]:
        data, name = "\n".join(self._data), self._name
        self._data, self._name = [], ""
        if data.strip():
            yield Event(data, name, whole)
