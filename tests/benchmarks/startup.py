"""How soon the app can be used, and how much memory it takes, started as a person starts it.

`python -m tests.benchmarks.startup [--quick] [--install] [--json FILE]`. Each round is a new process, a new
data folder with the model file in it, and a new browser context; `--quick` does one, `--install` also times
the install into a fresh virtual environment. Missed goals are shown, not raised.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from tests.browser.app_server import ROOT, AppServer
from tests.browser.conftest import CHROMIUM_FLAGS, settled
from tlm_dash.local_endpoint.model_file import ensure_model_file, model_path

ROUNDS = 5
READY_LIMIT_S = 120.0
INSTALL_LIMIT_S = 1800

# Compiled parts of llama.cpp's binding, of LiteLLM and of what LiteLLM always loads: mapped where imported.
HEAVY_PARTS = ("xllamacpp", "llama", "litellm", "tiktoken", "tokenizers", "fastuuid")


@dataclass
class Figure:
    """One measured thing: its values by round, and the goal that the median should not exceed."""

    name: str
    unit: str
    goal: float | None = None
    values: list[float] = field(default_factory=list)

    @property
    def met(self) -> str:
        """Whether the median meets the goal."""
        return "" if self.goal is None else "yes" if statistics.median(self.values) <= self.goal else "NO"

    def row(self) -> str:
        """Give the figure as a line of the table."""
        shown = "".join(f"{of(self.values):9.2f}" for of in (statistics.median, min, max))
        return f"{self.name:<50}{self.unit:>4}{shown}{'' if self.goal is None else self.goal:>7}{self.met:>6}"


FIGURES = (
    Figure("process start to the server's health", "s", 2),
    Figure("process start to the first page", "s", 3),
    Figure("navigation to the first page", "s", 3),
    Figure("dashboard's memory with the first page open", "MB", 250),
    Figure("parts of LiteLLM or llama.cpp in the dashboard", "", 0),
    Figure("process start to the embedded endpoint's health", "s", 20),
)


def measure_round(browser: Browser, model_file: Path) -> tuple[float, ...]:
    """Start the app, open it, stop it; gives one value for each of FIGURES."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as beside:
        link = model_path(Path(folder))
        link.parent.mkdir(parents=True)
        link.symlink_to(model_file)
        page = browser.new_page()  # in a new context, so with an empty cache
        began = time.monotonic()
        server = AppServer(Path(folder), {})
        try:
            endpoint_ready = beside.submit(wait_for_endpoint, server.process.pid)
            server.wait_until_up()
            up = time.monotonic()
            page.goto(server.url)
            page.get_by_role("textbox", name="Prompt", exact=True).wait_for()
            visible = time.monotonic()
            settled(page)
            dashboard = psutil.Process(server.process.pid)
            memory_mb = dashboard.memory_info().rss / 2**20
            mapped = " ".join(file.path for file in dashboard.memory_maps())
            heavy = [part for part in HEAVY_PARTS if part in mapped]
            page.close()
            ready = endpoint_ready.result()
        finally:
            server.stop()
    return up - began, visible - began, visible - up, memory_mb, len(heavy), ready - began


def wait_for_endpoint(app_pid: int) -> float:
    """Wait until the app's embedded endpoint answers that it is ready; gives the time."""
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        for child in psutil.Process(app_pid).children():
            # Other children have no port; the right one may not listen yet.
            with suppress(OSError, ValueError, psutil.Error):
                command = child.cmdline()
                port = command[command.index("--port") + 1]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
                    if json.load(answer) == {"status": "ok"}:
                        return time.monotonic()
        time.sleep(0.1)
    raise TimeoutError(f"the embedded endpoint was not ready within {READY_LIMIT_S:.0f} s")


def measure_install() -> float:
    """Install the requirements into a fresh virtual environment; gives the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        venv.create(folder, with_pip=True)
        pip = [sys.executable, "-m", "pip", "--python", folder, "install", "-q", "-r", "requirements.txt"]
        subprocess.run(pip, cwd=ROOT, check=True, timeout=INSTALL_LIMIT_S)
        return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="how soon the app can be used, and its memory")
    parser.add_argument("--quick", action="store_true", help="one round only")
    parser.add_argument("--install", action="store_true", help="also time the install")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    options = parser.parse_args()
    figures, load = list(FIGURES), psutil.getloadavg()[0]
    model_file = ensure_model_file(ROOT / "data")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        for _ in range(1 if options.quick else ROUNDS):
            for figure, value in zip(FIGURES, measure_round(browser, model_file), strict=True):
                figure.values.append(value)
    if options.install:
        figures.append(Figure("install into a fresh virtual environment", "s", values=[measure_install()]))
    print(f"rounds {len(FIGURES[0].values)}, load average {load:.1f}, cores {psutil.cpu_count()}")
    print(f"{'':<54}{'median':>9}{'min':>9}{'max':>9}{'goal':>7}{'met':>6}")
    print(*(figure.row() for figure in figures), sep="\n")
    if options.json:
        rows = [{**asdict(figure), "met": figure.met} for figure in figures]
        options.json.write_text(json.dumps({"load_average": load, "figures": rows}))


if __name__ == "__main__":
    main()
