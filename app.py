"""The dashboard: start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from tlm_dash.server.lifespan import lifespan
from tlm_dash.server.security import SecurityHeaders

app = st.App(
    Path(__file__).parent / "tlm_dash" / "ui" / "main.py",
    lifespan=lifespan,
    middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=1024)],
)
