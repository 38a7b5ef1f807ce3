"""What the web server writes to its log: nothing that somebody outside can make it repeat without end."""

from __future__ import annotations

import logging
import time

# Websockets that were turned away, of which the front door tells by itself, many in one line; the last is
# said of each that got an answer in place of a handshake.
TOLD_ELSEWHERE = frozenset(
    {
        '%s - "WebSocket %s" 403',
        '%s - "WebSocket %s" %d',
        "ASGI callable returned without completing handshake.",
    }
)

# What a caller who does not speak HTTP brings about, or one who asks for another protocol.
REPEATED = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
REPEAT_AFTER_S = 60.0


class OncePerMinute(logging.Filter):
    """Let the web server's lines pass, those about single requests that failed at most once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written."""
        if record.msg in TOLD_ELSEWHERE:
            return False
        if record.msg not in REPEATED:
            return True
        now = time.monotonic()
        if now - self._told_at.get(record.msg, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return False
        self._told_at[record.msg] = now
        return True


def quiet_web_server() -> None:
    """Set the filter, in place of an earlier one."""
    web_server = logging.getLogger("uvicorn.error")
    for earlier in [one for one in web_server.filters if isinstance(one, OncePerMinute)]:
        web_server.removeFilter(earlier)
    web_server.addFilter(OncePerMinute())
