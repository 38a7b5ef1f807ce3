"""Whether a serving process is well: one look at its health call after the other, and what they come to."""

from __future__ import annotations

import http.client
import json
import time

HOST = "127.0.0.1"
HEALTH_TIMEOUT_S = 5.0

# Until it is ready, somebody waits for it; then it is looked at now and then.
LOOK_WHILE_STARTING_S = 0.1
LOOK_WHILE_SERVING_S = 10.0
LOOK_IN_TROUBLE_S = 3.0

# How long it may take to become ready, on a busy laptop; after that it is taken for stuck.
START_LIMIT_S = 120.0

# So many looks in a row without an answer (a minute's worth) and it is taken for stuck, too.
MAX_MISSED_LOOKS = 6

# So many times in a row it says itself that its model makes no token (each time it waits for one), and it
# is taken for stuck as well.
MAX_STUCK_LOOKS = 3


class Pulse:
    """The looks at one process, from its start on. `detail` is what it says that it is doing."""

    def __init__(self, port: int) -> None:
        self.detail = ""
        self._port = port
        self._started = self._last_look = time.monotonic()
        self._ready_at: float | None = None
        self._last_ok = self._started
        self._n_missed = 0
        self._n_stuck = 0

    @property
    def model_is_stuck(self) -> bool:
        """Whether the process answers and its model does not: a request is to blame, not how it started."""
        return self.ready and self._n_stuck >= MAX_STUCK_LOOKS

    @property
    def ready(self) -> bool:
        """Whether it has become ready."""
        return self._ready_at is not None

    @property
    def served_s(self) -> float:
        """For how long it is known to have served, in seconds."""
        return 0.0 if self._ready_at is None else self._last_ok - self._ready_at

    @property
    def trouble(self) -> str:
        """What makes it count as stuck, to follow its name in a sentence; empty while it may be well."""
        if not self.ready and time.monotonic() - self._started > START_LIMIT_S:
            return f"was not ready after {START_LIMIT_S:.0f} s"
        if self.ready and self._n_missed >= MAX_MISSED_LOOKS:
            return f"did not answer for {time.monotonic() - self._last_ok:.0f} s"
        if self.model_is_stuck:
            return f"made no token for {time.monotonic() - self._last_ok:.0f} s"
        return ""

    def look(self) -> bool:
        """Ask it how it is, if it is time to; returns whether there is something to tell."""
        every = LOOK_WHILE_SERVING_S if self.ready else LOOK_WHILE_STARTING_S
        every = min(every, LOOK_IN_TROUBLE_S) if self._n_stuck else every
        now = time.monotonic()
        if now - self._last_look < every:
            return False
        self._last_look = now
        health = health_of(self._port)
        self._n_missed = 0 if health else self._n_missed + 1
        self._n_stuck += health.get("status") == "stuck"
        self.detail = str(health.get("detail") or "")
        if health.get("status") == "ok":
            self._n_stuck = 0
            self._last_ok = now
            self._ready_at = now if self._ready_at is None else self._ready_at
        return bool(health)


def health_of(port: int) -> dict[str, object]:
    """Return the body of the health call, or nothing while there is none. No proxy is ever used."""
    connection = http.client.HTTPConnection(HOST, port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/api/health")
        health = json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return health if isinstance(health, dict) else {}
