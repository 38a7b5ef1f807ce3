"""Connections to the endpoint: how many there may be at once, and who makes room where there are more.

A connection that says something now and then costs its caller nothing; a thousand must cost others nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import cast

from tlm_dash.connections import PunctualConnection
from tlm_dash.local_endpoint.api_error import ApiError

MAX_CONNECTIONS = 500

# How often each connection is looked at. One that is being closed and whose caller takes no more is cut off
# at the second look.
LOOK_EVERY_S = 5.0


class GuardedConnection(PunctualConnection):
    """A connection that has to be punctual, with a limit on the number of its like."""

    _look_timer: asyncio.TimerHandle | None = None
    _waiting_since: float | None = None
    _asked_at = 0.0
    _was_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection; who has been asking for longest makes room, or it is turned away."""
        super().connection_made(transport)
        self._waiting_since = time.monotonic()
        self._look_timer = self.loop.call_later(LOOK_EVERY_S, self._look)
        if len(self.connections) > MAX_CONNECTIONS and not self._make_room():
            self._turn_away()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that is gone."""
        if self._look_timer is not None:
            self._look_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and note whether a whole head has come by now."""
        super().data_received(data)
        if self.answers:
            self._asked_at = time.monotonic() if self._waiting_since is not None else self._asked_at
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()

    @property
    def answers(self) -> bool:
        """Whether a request is being answered here."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _asking_since(self) -> float | None:
        """When this connection began to ask; None for one whose request is complete."""
        if self.answers and not self.cycle.more_body:
            return None
        return self._asked_at if self._waiting_since is None else self._waiting_since

    def _make_room(self) -> bool:
        others = [cast(GuardedConnection, one) for one in self.connections if one is not self]
        asking = [(since, one) for one in others if (since := one._asking_since) is not None]
        if asking:
            min(asking, key=lambda pair: pair[0])[1].transport.abort()
        return bool(asking)

    def _turn_away(self) -> None:
        error = ApiError(503, "The endpoint has too many connections. Send this request again.", code="busy")
        body = json.dumps(error.body()).encode()
        head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _look(self) -> None:
        if self._was_closing:
            self.transport.abort()
            return
        self._was_closing = self.transport.is_closing()
        self._look_timer = self.loop.call_later(LOOK_EVERY_S, self._look)
