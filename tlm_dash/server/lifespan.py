"""Start everything before the first visitor, stop everything on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tlm_dash.connections import PunctualConnection
from tlm_dash.errors import SettingsError
from tlm_dash.services import exports, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.settings import Settings, load_settings
from tlm_dash.terminal.printer import tell_error
from tlm_dash.web_log import quiet_web_server

CLOSING_S = 5
"""How long the end waits for connections; what is committed is safe without them."""

logger = logging.getLogger(__name__)

_current: Dashboard | None = None


def current_dashboard() -> Dashboard:
    """Give this process's running dashboard. Raises RuntimeError before it is started."""
    if _current is None:
        raise RuntimeError("The dashboard is not running: start it with `streamlit run app.py`.")
    return _current


def set_current_dashboard(dashboard: Dashboard | None) -> None:
    """Make a dashboard the one that this process's pages show."""
    global _current
    _current = dashboard


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Run a dashboard for as long as the server lives."""
    logging.getLogger("tlm_dash").setLevel(logging.INFO)
    dashboard = Dashboard(settings_or_exit(), on_open=runs.resume_all)
    try:
        exports.sweep_downloads(dashboard)
        dashboard.start()
        set_current_dashboard(dashboard)
        _freeze_imports()
        _adjust_server()
        yield
    finally:
        set_current_dashboard(None)
        await asyncio.to_thread(dashboard.stop)


def settings_or_exit() -> Settings:
    """Read the settings; one that cannot be used ends the start with its sentence, not with a traceback."""
    try:
        return load_settings()
    except SettingsError as error:
        tell_error(error)
        # Nothing is running yet that would have to be closed, and the web server would print a traceback
        # for any exception.
        os._exit(1)


def _adjust_server() -> None:
    """Set what Streamlit, which starts uvicorn, has no setting for; its signal handler tells the server.

    No connection keeps the server from ending: uvicorn waits without limit for one that reads no more. And
    nobody chooses the address he comes from: uvicorn believes X-Forwarded-For of any program on this machine.
    """
    quiet_web_server()
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if not isinstance(server, uvicorn.Server):
        logger.warning("The web server is not known: a browser that reads no more can hold up its end")
        return
    server.config.timeout_graceful_shutdown = CLOSING_S
    # Connections, of which there are none yet, take what they are and the application from here.
    server.config.http_protocol_class = PunctualConnection
    while isinstance(server.config.loaded_app, ProxyHeadersMiddleware):
        server.config.loaded_app = server.config.loaded_app.app


def _freeze_imports() -> None:
    """Take what is imported so far out of garbage collection.

    Streamlit collects all generations after every script run; walking the objects of pandas and friends each
    time costs most of a polling page's CPU.
    """
    gc.collect()
    gc.freeze()
