"""The web server's connections: one that does not finish asking is closed, and one that asks for a websocket
at such length that the library for these would never answer is refused."""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_LIMIT_S = 10.0
"""How long a request may take to say what it wants, with all its headers; a body may take longer."""

# What the library for websockets takes: beyond these it neither answers nor closes.
MAX_LINE_BYTES = 8_000
MAX_HEADERS = 120


class PunctualConnection(H11Protocol):
    """uvicorn's connection, with limits on what comes before there is anything to answer."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take what came, and see whether a request is still wanting."""
        super().data_received(data)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._forget_deadline()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Go on as a websocket, unless it asks at too great length."""
        longest = max(len(event.target), *(len(name) + len(value) for name, value in self.headers))
        if longest > MAX_LINE_BYTES or len(self.headers) > MAX_HEADERS:
            self.send_400_response("The request for a websocket is too long.")
            return
        super().handle_websocket_upgrade(event)

    def _expect_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_LIMIT_S, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        # Between two requests the server has a limit of its own.
        if self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            self.transport.close()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
