"""How soon the next row of the label queue shows after a key press, in Chromium, and that no press is lost.

`python -m tests.benchmarks.review_queue [--rows 200] [--population 5000] [--json FILE]`. A script presses a
key as soon as the next row shows, for every row of a plan; then once more on another plan with three presses
before the browser can draw. Every row must have one annotation at the end; a missed goal is only shown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser.app_server import AppServer
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.fake_endpoint import FakeEndpoint
from tests.services.stored import make_scored_run
from tlm_dash.services import label_plans
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

GOAL_MS = 300.0
KEYS = "cxucs"

# Before every other listener: the queue's own keeps the keys that it uses to itself.
NOTE_PRESSES = """
window.addEventListener("keydown", () => { window.queuePressedAt ??= performance.now(); }, true);
"""

# From the key going down until the frame after the next row's texts and buttons are in the page.
WATCH = """
() => {
  const shown = () => {
    const all = document.querySelectorAll('[class*="st-key-queue-item-"]');
    const last = all[all.length - 1];
    if (!last || !/What is/.test(last.textContent) || !/It is/.test(last.textContent)) return null;
    const row = /st-key-queue-item-(\\S+)/.exec(last.className)[1];
    return document.querySelector(`.st-key-queue-skip-${row} button`) ? row : null;
  };
  window.queueTimes = [];
  window.queuePressedAt = null;
  let before = shown();
  window.queueObserver?.disconnect();
  window.queueObserver = new MutationObserver(() => {
    const row = shown(), since = window.queuePressedAt;
    const isOver = document.querySelector(".st-key-queue-decide") !== null;
    if ((row === null && !isOver) || row === before || since === null) return;
    before = row;
    window.queuePressedAt = null;
    requestAnimationFrame(() => window.queueTimes.push(performance.now() - since));
  });
  const all = { childList: true, subtree: true, attributes: true, characterData: true };
  window.queueObserver.observe(document.body, all);
}
"""


# All in one task of the browser, so that neither a picture nor a timer comes between them.
BURST = """
keys => {
  for (const key of keys) {
    const press = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(press);
  }
}
"""


def open_queue(page: Page, server: AppServer, run_id: str, plan_id: str, name: str) -> None:
    """Open a plan in a browser that has kept this name, and wait for its row."""
    page.add_init_script(NOTE_PRESSES)
    page.add_init_script(f"localStorage.setItem('tlm-dash-name', {json.dumps(name)})")
    page.goto(f"{server.url}/review?run={run_id}&view=queue&plan={plan_id}")
    keys_work(page)


def keys_work(page: Page) -> None:
    """Wait until a row is there and its keys are listened to."""
    page.wait_for_selector("[class*=st-key-queue-skip-] button")
    page.wait_for_function("() => window.tlmDashQueueKeys !== undefined")


def label_rows(page: Page, n: int, *, presses: int = 1) -> list[float]:
    """Press a key for each of n rows as soon as it shows; gives the milliseconds until the next one."""
    page.evaluate(WATCH)
    for number in range(n):
        key = KEYS[number % len(KEYS)]
        if presses == 1:
            page.keyboard.press(key)
        else:
            page.evaluate(BURST, [key] * presses)
        page.wait_for_function("n => window.queueTimes.length > n", arg=number, polling=5)
    times: list[float] = page.evaluate("window.queueTimes")
    return times


def make_plans(
    data_dir: Path, n_population: int, n: int, count: int, *, response: str | None = None
) -> tuple[str, list[str]]:
    """Store a run and some uniform plans of n rows for it; gives their ids."""
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(data_dir)})) as place:
        scores = [number / n_population for number in range(n_population)]
        responses = None if response is None else [f"It is {n}. {response}" for n in range(n_population)]
        run_id = make_scored_run(place.store, scores, references=True, responses=responses)
        request = PlanRequest("uniform", n, "Ada", double_share=0.0)
        return run_id, [label_plans.create(place, run_id, request).plan_id for _ in range(count)]


def annotations_by_row(data_dir: Path, plan_id: str) -> list[int]:
    """Count the annotations of each row of a plan that has any. The dashboard must be stopped."""
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(data_dir)})) as place:
        rows = place.store.read(
            "SELECT item_no, count(*) FROM annotation WHERE plan_id = ? GROUP BY item_no", [plan_id]
        )
    return [count for _, count in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="key press to next row in the label queue")
    parser.add_argument("--rows", type=int, default=200, help="rows of each plan")
    parser.add_argument("--population", type=int, default=5000, help="rows of the run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    load = psutil.getloadavg()[0]
    figures: dict[str, object] = {"load_average": load, "rows": options.rows}
    with tempfile.TemporaryDirectory() as folder, FakeEndpoint() as endpoint, sync_playwright() as playwright:
        run_id, plans = make_plans(Path(folder), options.population, options.rows, 2)
        server = AppServer(Path(folder), {"BASE_URL": endpoint.base_url})
        try:
            server.wait_until_up()
            browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
            print(f"rows {options.rows} of {options.population}, load average {load:.1f}")
            for plan_id, presses in zip(plans, (1, 3), strict=True):
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                open_queue(page, server, run_id, plan_id, "Ada")
                times = label_rows(page, options.rows, presses=presses)
                p95 = statistics.quantiles(times, n=20)[-1]
                median = statistics.median(times)
                print(f"presses {presses}: median {median:.0f} ms, p95 {p95:.0f} ms, goal {GOAL_MS:.0f} ms")
                figures[f"presses_{presses}"] = {"median_ms": median, "p95_ms": p95}
                page.close()
        finally:
            server.stop()
        for plan_id in plans:
            counts = annotations_by_row(Path(folder), plan_id)
            print(f"annotations {sum(counts)} on {len(counts)} rows, most on one row {max(counts)}")
            assert counts == [1] * options.rows, "a press was lost or doubled"
    if options.json:
        options.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
