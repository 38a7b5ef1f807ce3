"""The real server as a person starts it, with a place that notices when it calls somebody outside."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.app_server import AppServer
from tests.fake_endpoint import FakeEndpoint


class Outside:
    """What every call to elsewhere is led to; it answers nobody, and remembers that it was called."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def calls(self) -> int:
        """How often it was called."""
        return len(self._open)

    def environment(self) -> dict[str, str]:
        """Give the environment of a process whose calls to elsewhere come here."""
        return dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), self.url)

    def close(self) -> None:
        """Stop listening."""
        for one in (self._listener, *self._open):
            one.close()

    def _listen(self) -> None:
        while True:
            try:
                self._open.append(self._listener.accept()[0])
            except OSError:
                return


@dataclass(frozen=True)
class Guarded:
    """A running dashboard, and what it would call."""

    server: AppServer
    outside: Outside

    @property
    def port(self) -> int:
        """The port of the dashboard."""
        return self.server.port


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The dashboard as it is started by default."""
    outside = Outside()
    with FakeEndpoint() as endpoint:
        environment = {"BASE_URL": endpoint.base_url, **outside.environment()}
        server = AppServer(Path(tmp_path_factory.mktemp("guarded")), environment)
        server.wait_until_up()
        yield Guarded(server, outside)
        server.stop()
    outside.close()
