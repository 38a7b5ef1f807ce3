"""The dashboard: start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from tlm_dash.server.downloads import DOWNLOADS
from tlm_dash.server.lifespan import lifespan
from tlm_dash.server.process import begin_process
from tlm_dash.server.security import guarded

begin_process()

app = st.App(
    Path(__file__).parent / "tlm_dash" / "ui" / "main.py",
    lifespan=lifespan,
    routes=[DOWNLOADS],
    middleware=[
        # Outermost: what is not for this server is turned away before anything else sees it.
        Middleware(
            guarded,
            bound=st.get_option("server.address"),
            prefix=st.get_option("server.baseUrlPath") or "",
            user_headers=st.get_option("server.trustedUserHeaders") or (),
        ),
        # Level 1: the first visit loads 7 MB of scripts, and at the default level squeezing them takes
        # longer than everything else together.
        Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1),
    ],
)
