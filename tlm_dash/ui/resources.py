"""How a page reaches the running dashboard."""

from __future__ import annotations

from tlm_dash.server.lifespan import current_dashboard
from tlm_dash.services.dashboard import Dashboard


def dashboard() -> Dashboard:
    """Give the dashboard that this server process runs."""
    return current_dashboard()
