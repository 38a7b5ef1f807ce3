"""Starting with a setting that cannot be used: two plain lines, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.browser.app_server import ROOT


def test_a_setting_that_cannot_be_used_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    environment = {**os.environ, "BASE_URL": "localhost:8080", "TLM_DASH_DATA_DIR": str(tmp_path)}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 1
    assert "error: The setting BASE_URL cannot be used" in run.stderr
    assert "hint: " in run.stderr and "Traceback" not in run.stderr
