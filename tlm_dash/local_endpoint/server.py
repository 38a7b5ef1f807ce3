"""The endpoint's HTTP server: starts answering at once, and ends quickly however it is told to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn

from tlm_dash.errors import TlmDashError
from tlm_dash.local_endpoint.app import API_PREFIX, Serving, create_app
from tlm_dash.local_endpoint.command import report
from tlm_dash.local_endpoint.connections import MAX_CONNECTIONS, GuardedConnection
from tlm_dash.local_endpoint.lifeline import on_parent_exit
from tlm_dash.local_endpoint.startup import Startup
from tlm_dash.sites import Names
from tlm_dash.terminal.streams import flush
from tlm_dash.web_log import quiet_web_server

# Requests that are stopped get this long to send their error; the process leaves by force soon after.
GRACE_S = 1
LAST_MOMENT_S = 2.0

INTERRUPTED = 130

OPEN_FILES = 4 * MAX_CONNECTIONS + 200


def base_url(listener: socket.socket) -> str:
    """Return the base URL of the wire API behind a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{API_PREFIX}"


class EndpointServer(uvicorn.Server):
    """The HTTP server with our way of ending: signals, the parent's end, or a start-up that failed."""

    def __init__(
        self, startup: Startup, listener: socket.socket, names: Names, *, with_parent: bool = False
    ) -> None:
        self._startup = startup
        self._listener = listener
        self._with_parent = with_parent
        self._serving = Serving()
        self._exit_code = 0
        self._failure: TlmDashError | None = None
        app = create_app(self._serving, self._start, names)
        _allow_open_files()
        super().__init__(
            uvicorn.Config(
                app,
                http=GuardedConnection,
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=GRACE_S,
                # Nobody says who he is on his own word.
                proxy_headers=False,
            )
        )

    def serve_until_told(self) -> NoReturn:
        """Serve, then end the process."""
        quiet_web_server()
        if self._with_parent:
            on_parent_exit(self.leave)
        asyncio.run(self.serve(sockets=[self._listener]))
        if self._failure is not None:
            self._exit_code = report(self._failure)
        _leave_process(self._exit_code)

    def leave(self) -> None:
        """Stop serving, and leave the process by force if that takes too long. Any thread may call this."""
        self.should_exit = True
        self._startup.stop.set()
        timer = threading.Timer(LAST_MOMENT_S, lambda: _leave_process(self._exit_code))
        timer.daemon = True
        timer.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the requests that are running, then do as the framework does."""
        self._serving.stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End with exit code 0 on SIGTERM and 130 on Ctrl-C, in place of the framework's own way."""

        def on_signal(number: int, _frame: FrameType | None) -> None:
            self._exit_code = INTERRUPTED if number == signal.SIGINT else 0
            self.leave()

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _start(self, serving: Serving) -> None:
        try:
            await self._startup(serving)
        except TlmDashError as error:
            self._failure = None if self.should_exit else error
            self.leave()
        except Exception:
            logging.getLogger(__name__).exception("The endpoint cannot start because of a bug")
            self._exit_code = 1
            self.leave()
        else:
            serving.readiness.now("Ready.")


def _allow_open_files() -> None:
    """Allow this process the files that its connections need; each request has three (caller, us, model)."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _leave_process(exit_code: int) -> NoReturn:
    """End the process at once: llama.cpp's own way out waits for its requests to be finished."""
    flush()
    os._exit(exit_code)
