"""A run whose process is killed again and again: nothing lost, nothing sent twice without being told.

`python -m tests.benchmarks.crash [--kills 30] [--rows 2000] [--in-flight 100] [--latency 1.0] [--seed 1]`.
Each time a process goes on with the run, and is killed (SIGKILL) a random moment later; the last one may
finish. The endpoint, in a process of its own, counts what it got, by prompt: that is the baseline.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.simulated_endpoint import SimulatedEndpoint
from tests.services.running import MODEL
from tests.services.stored import make_dataset
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.place import OpenStore
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.services.run_view import RunView
from tlm_dash.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
START_S, FINISH_S = 240.0, 600.0


def settings_of(folder: Path, base_url: str) -> Settings:
    """Give the settings of every process that takes part."""
    environment = {"BASE_URL": base_url, "TLM_DASH_DATA_DIR": str(folder)}
    return load_settings(environment, env_file=folder / "none")


@dataclass
class Crashes:
    """One run over its crashes, and what was seen after each."""

    folder: Path
    endpoint: SimulatedEndpoint
    rows: int
    in_flight: int
    stored: dict[int, int] = field(default_factory=dict)
    unknown_after: list[int] = field(default_factory=list)

    def prepare(self) -> None:
        """Store the dataset and queue the run."""
        dashboard = Dashboard(settings_of(self.folder, self.endpoint.base_url))
        dashboard.start()
        try:
            while not dashboard.store_settled:
                time.sleep(0.01)
            dataset_id = make_dataset(dashboard.store, [f"prompt {n}" for n in range(1, self.rows + 1)])
            limits = Limits(max_in_flight=self.in_flight)
            runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), limits=limits), begin=False)
        finally:
            dashboard.stop()

    def go_on(self, kill_after_s: float | None) -> None:
        """Let a process go on with the run; kill it so long after its first request, or wait for its end."""
        command = [sys.executable, "-m", "tests.benchmarks.crash", "--child", str(self.folder)]
        command += ["--base-url", self.endpoint.base_url]
        sent_before = self.endpoint.stats()["n"]
        with subprocess.Popen(command, cwd=ROOT) as process:
            if kill_after_s is None:
                assert process.wait(FINISH_S) == 0, "the last process did not finish"
                return
            self._until(lambda: self.endpoint.stats()["n"] > sent_before or process.poll() is not None)
            time.sleep(kill_after_s)
            process.kill()

    def look(self) -> RunView:
        """Look at what is stored: nothing of it may be lost, or have been sent again since it was stored."""
        counts = self.endpoint.stats()["by_key"]
        with OpenStore(settings_of(self.folder, self.endpoint.base_url)) as place:
            (view,) = runs.list_runs(place)
            done = [n for (n,) in place.store.read("SELECT item_no FROM run_item WHERE status = 'done'")]
        assert len(done) == len(set(done)), "a row was finished twice"
        assert set(self.stored) <= set(done), "a finished row is lost"
        again = [n for n, sent in self.stored.items() if counts[_key(n)] != sent]
        assert not again, f"rows were sent again after they had been stored: {again[:5]}"
        self.stored = {n: counts[_key(n)] for n in done}
        self.unknown_after.append(view.counts.n_unknown)
        return view

    def check(self) -> str:
        """Compare the ledger with what the endpoint counted; gives the figures in a line."""
        view, stats = self.look(), self.endpoint.stats()
        counts = view.counts
        twice = sum(sent - 1 for sent in stats["by_key"].values())
        new = [
            after - before
            for before, after in zip([0, *self.unknown_after], self.unknown_after, strict=False)
        ]
        told = (
            f"{view.status}, {counts.n_done} done, sent {counts.n_sent}, unknown {counts.n_unknown}, "
            f"endpoint counted {stats['n']}, paid twice {twice}, maybe {counts.n_maybe_paid_twice}, "
            f"most unknown after one kill {max(new)} of {self.in_flight} in flight"
        )
        assert (view.status, counts.n_done, counts.n_error) == ("done", self.rows, 0), told
        assert counts.n_sent - counts.n_unknown <= stats["n"] <= counts.n_sent, told
        assert twice <= counts.n_maybe_paid_twice <= counts.n_unknown, told
        assert max(new) <= self.in_flight, told
        return told

    @staticmethod
    def _until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not condition():
            assert time.monotonic() < deadline, "the process did not begin to send"
            time.sleep(0.02)


def _key(item_no: int) -> str:
    return f"generate/low/prompt {item_no}"


def crash(*, kills: int, rows: int, in_flight: int, latency_s: float, longest_s: float, seed: int) -> str:
    """Kill a run so many times at random moments, then let it finish; gives the figures in a line."""
    chance = random.Random(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        SimulatedEndpoint(latency_s=latency_s, sigma=0.35, counts_prompts=True) as endpoint,
    ):
        crashes = Crashes(Path(folder), endpoint, rows, in_flight)
        crashes.prepare()
        for _ in range(kills):
            crashes.go_on(chance.uniform(0.0, longest_s))
            crashes.look()
        crashes.go_on(None)
        return crashes.check()


def child(folder: Path, base_url: str) -> None:
    """Go on with what is queued, as a dashboard does at its start, until it is done."""
    dashboard = Dashboard(settings_of(folder, base_url), on_open=runs.resume_all)
    dashboard.start()
    try:
        while not dashboard.store_settled:
            time.sleep(0.02)
        while any(view.status in ("queued", "running") for view in runs.list_runs(dashboard)):
            time.sleep(0.1)
    finally:
        dashboard.stop()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child, options.base_url)
        return
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    # Long enough for the longest-lived process to do its share and no more.
    longest_s = 2 * options.rows * options.latency / options.in_flight / max(1, options.kills)
    print(crash(
        kills=options.kills, rows=options.rows, in_flight=options.in_flight, latency_s=options.latency,
        longest_s=longest_s, seed=options.seed,
    ))  # fmt: skip
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
