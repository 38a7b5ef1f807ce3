"""What holds for the whole process of a dashboard, from its first moment on."""

from __future__ import annotations

import os

from tlm_dash.terminal.logs import make_records_text
from tlm_dash.terminal.streams import make_errors_text


def begin_process() -> None:
    """Let what is made be its owner's only, by DuckDB and child processes too, and the log be text."""
    os.umask(0o077)
    make_records_text()
    make_errors_text()
