"""What reviewing a run of a million rows costs: filters and searches, whole pages, and clicks in Chromium.

`python -m tests.benchmarks.review_rows [--rows 1000000] [--short] [--folder FOLDER]`. The run is made once
and kept in the folder (800 MB, a minute). Server times are medians of first answers to a question: what the
service remembers is forgotten before each. `CPU` is the time on all cores together.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.testing.v1 import AppTest

from tests.benchmarks.review_table import NEEDLE, make_run, open_place
from tests.browser.app_server import ROOT, AppServer
from tests.browser.conftest import CHROMIUM_FLAGS, settled
from tests.fake_endpoint import FakeEndpoint
from tlm_dash.server.lifespan import set_current_dashboard
from tlm_dash.services import review
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import Place
from tlm_dash.services.review import RowFilter, TextIn
from tlm_dash.settings import load_settings

ANY_FILTER_MS, CONTAINS_MS, CONTAINS_ALL_MS, REGEX_MS = 150, 600, 1500, 1500
PAGE_MS, CLICK_MS, SESSION_MB, WIRE_KB = 500, 500, 50, 60
FURTHER_SESSIONS = 5

FILTERS: dict[str, RowFilter] = {
    "no filter": RowFilter(),
    "score interval": RowFilter(score_from=0.3, score_below=0.6),
    "unscored": RowFilter(unscored="only"),
    "status": RowFilter(statuses=("done",)),
    "finish reason": RowFilter(finish_reasons=("length",)),
    "tag": RowFilter(tags=(("topic", "topic 3"),)),
    "label": RowFilter(labels=("correct", "incorrect")),
    "no label": RowFilter(labels=("none",)),
    "latency": RowFilter(latency_min=3500.0),
    "length of the response": RowFilter(length_min=900),
}

_REPAINTED = """
async ([selector, before]) => {
    const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
    const words = () => document.querySelector(".st-key-rows-head")?.textContent ?? "";
    const began = performance.now();
    document.querySelector(selector).click();
    while (words() === before) await frame();
    await frame();
    await frame();
    return performance.now() - began;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--short", action="store_true", help="50,000 rows and fewer repetitions")
    parser.add_argument("--folder", type=Path, help="where the run is kept")
    parsed = parser.parse_args()
    n_rows = 50_000 if parsed.short else parsed.rows
    folder = (parsed.folder or Path(tempfile.gettempdir()) / "tlm_dash_review_rows") / str(n_rows)
    run_id = make_run(folder, n_rows)
    print(f"{n_rows:,} rows; {psutil.getloadavg()[0]:.1f} processes were running before")
    with open_place(folder) as place:
        _server_times(place, run_id, 3 if parsed.short else 7)
    _page_times(folder, run_id)
    _in_browser(folder, run_id)


def _server_times(place: Place, run_id: str, n: int) -> None:
    view = review.find(place, run_id)

    def look(wanted: RowFilter) -> None:
        review.forget()
        found = review.found(place, view, wanted)
        review.page(place, view, found.item_nos)

    for name, wanted in FILTERS.items():
        _told(f"{name}: histogram, count and page", lambda wanted=wanted: look(wanted), n, ANY_FILTER_MS)  # type: ignore[misc]
    places: tuple[TextIn, ...] = ("prompt", "response", "explanation", "any")
    for is_regex in (False, True):
        for text_in in places:
            text = NEEDLE.replace("z", "[yz]") if is_regex else NEEDLE.upper()
            wanted = RowFilter(text=text, text_in=text_in, is_regex=is_regex)
            goal = CONTAINS_ALL_MS if text_in == "any" else CONTAINS_MS
            if is_regex:
                goal = None if text_in == "any" else REGEX_MS
            name = f"{'regex' if is_regex else 'contains'} in {'all three' if text_in == 'any' else text_in}"
            _told(name, lambda wanted=wanted: look(wanted), n, goal)  # type: ignore[misc]
    found = review.found(place, view, RowFilter())
    _told("one row in whole", lambda: review.detail(place, view, found.item_nos[50]), n, ANY_FILTER_MS)


def _told(name: str, work: Callable[[], object], n: int, goal_ms: float | None) -> None:
    wall, cpu = [], []
    for _ in range(n):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - began_cpu))
    told = f"{statistics.median(wall):7.0f} ms {statistics.median(cpu):7.0f} ms CPU"
    print(f"{name:<46} {told}{'' if goal_ms is None else f'  (goal {goal_ms} ms)'}", flush=True)


def _page_times(folder: Path, run_id: str) -> None:
    """Draw the whole script, first with nothing remembered, then once more."""
    with FakeEndpoint() as endpoint:
        environment = {"BASE_URL": endpoint.base_url, "TLM_DASH_DATA_DIR": str(folder)}
        running = Dashboard(load_settings(environment, env_file=folder / "no.env"), None)
        running.start()
        try:
            while running.store_problem is not None:
                time.sleep(0.05)
            set_current_dashboard(running)
            app = AppTest.from_file(ROOT / "tlm_dash" / "ui" / "main.py", default_timeout=60).run()
            for page in ("runs", "review"):
                app.query_params["run"] = run_id
                app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
                review.forget()
                _told(f"the {page} page, first", app.run, 1, PAGE_MS)
                _told(f"the {page} page, again", app.run, 5, PAGE_MS)
                assert not app.exception
        finally:
            set_current_dashboard(None)
            running.stop()


@contextmanager
def _chromium() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "no Chromium found"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))


def _in_browser(folder: Path, run_id: str) -> None:
    with FakeEndpoint() as endpoint:
        server = AppServer(folder, {"BASE_URL": endpoint.base_url})
        try:
            server.wait_until_up()
            with _chromium() as browser:
                address = f"{server.url}/review?run={run_id}"
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                sizes: list[int] = []
                page.on(
                    "websocket",
                    lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))),
                )
                _open(page, address)
                _interactions(page, address, sizes)
                _sessions(browser, address, psutil.Process(server.process.pid))
        finally:
            server.stop()


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".st-key-rows-head").wait_for()
    page.locator(".js-plotly-plot .nsewdrag").first.wait_for()
    settled(page)
    page.wait_for_timeout(1000)


def _interactions(page: Page, address: str, sizes: list[int]) -> None:
    for name, begin, selector in (
        (
            "all scores after an interval",
            f"{address}&score_from=0.6&score_below=0.8",
            ".st-key-all-scores button",
        ),
        ("filters cleared after an interval", f"{address}&score_below=0.7", ".st-key-clear-filters button"),
    ):
        waits, bytes_of = [], []
        for _ in range(5):
            _open(page, begin)
            sizes.clear()
            before = page.locator(".st-key-rows-head").text_content()
            waits.append(page.evaluate(_REPAINTED, [selector, before]))
            settled(page)
            page.wait_for_timeout(600)
            bytes_of.append(sum(sizes))
        print(
            f"click to repaint, {name:<34} {statistics.median(waits):5.0f} ms (goal {CLICK_MS} ms), "
            f"{statistics.median(bytes_of) / 1000:.0f} kB received (goal {WIRE_KB} kB)"
        )


def _sessions(browser: Browser, address: str, server: psutil.Process) -> None:
    before = server.memory_info().rss
    contexts = []
    for number in range(FURTHER_SESSIONS):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        _open(contexts[-1].new_page(), f"{address}&score_from=0.{number + 1}")
    growth = (server.memory_info().rss - before) / FURTHER_SESSIONS / 1e6
    print(f"memory per further open session                {growth:7.1f} MB (goal {SESSION_MB} MB)")


if __name__ == "__main__":
    main()
