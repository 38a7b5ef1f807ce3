"""How long a playground prompt takes over the embedded endpoint: alone, and beside a run that keeps it busy.

`python -m tests.benchmarks.playground_beside_run DATA_DIR [--prompts 12] [--in-flight 64] [--presets low]`
measures, over the real embedded endpoint with its model in DATA_DIR/models: prompts of one model at one
preset alone; a run alone (rows a minute); the same prompts, one after the other with a pause, beside the
run. Goals: beside a run a prompt takes at most about twice what it takes alone, and none times out; the run
alone is not slower for it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.questions import BREVITY, load_questions
from tests.services.stored import make_dataset
from tlm_dash.services import playground, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import view
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

QUESTIONS = load_questions()
MODEL = "smollm2-135m-instruct"
PAUSE_S = 1.0
SETTLE_S = 5.0


def open_dashboard(data_dir: Path, folder: Path) -> Dashboard:
    """Start a dashboard over the embedded endpoint, with a database of its own."""
    (folder / "models").symlink_to(data_dir.resolve() / "models")
    dashboard = Dashboard(load_settings({"TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "none"))
    dashboard.start()
    while not dashboard.store_settled or dashboard.monitor.current.state != "ready":
        time.sleep(0.05)
    return dashboard


def ask(dashboard: Dashboard, prompt: str) -> tuple[float, float]:
    """Ask one prompt; gives the seconds until its first text and until its score."""
    began, first_s = time.perf_counter(), 0.0
    entry_id = playground.submit(dashboard, PlaygroundRequest(prompt, (MODEL,), ("medium",)))
    while (entry := view(dashboard, entry_id)).is_live:
        if entry.cells[0].text and not first_s:
            first_s = time.perf_counter() - began
        time.sleep(0.02)
    (cell,) = entry.cells
    assert cell.status == "done", cell
    whole_s = time.perf_counter() - began
    return first_s or whole_s, whole_s


def ask_all(dashboard: Dashboard, n: int, told: str) -> None:
    """Ask prompts one after the other and print how long they took."""
    took = []
    for number in range(n):
        took.append(ask(dashboard, QUESTIONS[number].question + BREVITY))
        time.sleep(PAUSE_S)
    for name, values in zip(("first text", "whole"), zip(*took, strict=True), strict=True):
        print(f"{told:<28} {name:<10} median {statistics.median(values):6.2f} s  worst {max(values):6.2f} s")


def run_of(
    dashboard: Dashboard, dataset_id: str, presets: tuple[str, ...], in_flight: int | None
) -> list[str]:
    """Start a run that generates and scores."""
    limits = Limits(max_in_flight=in_flight)
    return runs.start(dashboard, RunRequest(dataset_id, (MODEL,), presets, limits=limits))


def rate(dashboard: Dashboard, run_ids: list[str], seconds: float) -> float:
    """Give how many rows a minute a run does over some seconds."""

    def done() -> int:
        return sum(runs.show(dashboard, run_id).counts.n_done for run_id in run_ids)

    before, began = done(), time.perf_counter()
    time.sleep(seconds)
    return (done() - before) / (time.perf_counter() - began) * 60


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path, metavar="DATA_DIR")
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--presets", nargs="+", default=["low"])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the run alone is watched")
    parser.add_argument("--no-alone", action="store_true")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        dashboard = open_dashboard(options.data_dir, Path(folder))
        try:
            ask(dashboard, "What is the capital of Cuba?")
            if not options.no_alone:
                ask_all(dashboard, options.prompts, "alone")
            prompts = [f"{n}: {QUESTIONS[n % len(QUESTIONS)].question}" for n in range(20_000)]
            dataset_id = make_dataset(dashboard.store, prompts)
            run_ids = run_of(dashboard, dataset_id, tuple(options.presets), options.in_flight)
            time.sleep(SETTLE_S)
            print(f"run alone: {rate(dashboard, run_ids, options.seconds):.0f} rows a minute", flush=True)
            ask_all(dashboard, options.prompts, "beside the run")
            n_failed = sum(runs.show(dashboard, run_id).counts.n_error for run_id in run_ids)
            print(f"rows failed: {n_failed}")
        finally:
            dashboard.stop()
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
