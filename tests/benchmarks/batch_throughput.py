"""How close the batch engine comes to a bare loop, and what a row costs.

`python -m tests.benchmarks.batch_throughput [--rows 24000] [--in-flight 500] [--no-tutorial]` runs, against
an endpoint in a process of its own (median 2 s, lognormal, sigma 0.35): a bare aiohttp loop with the same
number in flight that stores nothing, then a run with every row persisted, then the tutorial's batches of 20
on 8 threads with 5 s of sleep between them. `--zero` measures requests/s with no latency at 64 in flight.
Goals: 95% of the bare loop, 1.5 ms of CPU per row, 50 times the tutorial; 600 requests/s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx

from tests.benchmarks.simulated_endpoint import SimulatedEndpoint
from tests.services.running import MODEL
from tests.services.stored import make_dataset
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

ENDED = "SELECT 1 FROM run_event WHERE run_id = ? AND status = 'done'"
PROMPT = "How long may a customer return an opened box? " * 8


@dataclass(frozen=True)
class Measured:
    """One way's figures. CPU is that of this process."""

    name: str
    rows: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Rows a second."""
        return self.rows / self.wall_s

    def __str__(self) -> str:
        cpu_ms = self.cpu_s / self.rows * 1000
        took = f"{self.rows:7} rows {self.wall_s:7.1f} s {self.per_s:8.1f} rows/s"
        return f"{self.name:<20} {took}  {cpu_ms:6.3f} ms CPU/row"


def body(n: int) -> dict[str, object]:
    """Give the request of a row."""
    messages = [{"role": "user", "content": f"{n}: {PROMPT}"}]
    return {"model": MODEL, "messages": messages, "quality_preset": "low"}


def bare(base_url: str, rows: int, in_flight: int) -> Measured:
    """Keep so many requests in flight, and forget every answer."""

    async def run() -> None:
        waiting = iter(range(rows))
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def worker() -> None:
                for n in waiting:
                    async with session.post(f"{base_url}/chat/completions", json=body(n)) as response:
                        await response.json()

            await asyncio.gather(*(worker() for _ in range(in_flight)))

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    return Measured("bare aiohttp loop", rows, time.perf_counter() - wall, time.process_time() - cpu)


def engine(base_url: str, rows: int, in_flight: int | None) -> Measured:
    """Carry out a run over a stored dataset; from its start until its end is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"BASE_URL": base_url, "TLM_DASH_DATA_DIR": folder}
        dashboard = Dashboard(load_settings(environment, env_file=Path(folder) / "none"))
        dashboard.start()
        # As a person finds it: open, and with its first look at the endpoint behind it.
        while not dashboard.store_settled or dashboard.monitor.current.state == "starting":
            time.sleep(0.01)
        try:
            dataset_id = make_dataset(dashboard.store, [f"{n}: {PROMPT}" for n in range(rows)])
            wall, cpu = time.perf_counter(), time.process_time()
            request = RunRequest(dataset_id, (MODEL,), ("low",), limits=Limits(max_in_flight=in_flight))
            (run_id,) = runs.start(dashboard, request)
            # Looking at what is in memory, so that watching costs nothing; the end is on disk by then.
            while dashboard.batches.look(run_id) is not None or not dashboard.store.read(ENDED, [run_id]):
                time.sleep(0.1)
            measured = Measured("tlm_dash run", rows, time.perf_counter() - wall, time.process_time() - cpu)
            view = runs.show(dashboard, run_id)
            ((stored,),) = dashboard.store.read("SELECT count(*) FROM run_item WHERE status = 'done'")
            assert view.status == "done", view
            assert (stored, view.counts.n_done, view.counts.n_sent) == (rows, rows, rows), view.counts
        finally:
            dashboard.stop()
    return measured


def tutorial(base_url: str, batches: int = 4) -> Measured:
    """Do it as the tutorial does: batches of 20 on 8 threads, 5 s of sleep between them."""
    local = threading.local()

    def ask(n: int) -> None:
        if not hasattr(local, "client"):
            local.client = httpx.Client(timeout=60)
        local.client.post(f"{base_url}/chat/completions", json=body(n)).json()

    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(8) as pool:
        for batch in range(batches):
            list(pool.map(ask, range(batch * 20, batch * 20 + 20)))
            time.sleep(5)
    return Measured("tutorial's batches", batches * 20, time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int)
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--zero", action="store_true", help="no latency")
    parser.add_argument("--no-tutorial", action="store_true")
    options = parser.parse_args()
    rows = options.rows or (6000 if options.zero else 24000)
    in_flight = options.in_flight or (64 if options.zero else 500)
    latency = {} if options.zero else {"latency_s": 2.0, "sigma": 0.35}
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with SimulatedEndpoint(**latency) as endpoint:
        baseline = bare(endpoint.base_url, rows, in_flight)
        print(baseline, flush=True)
        ours = engine(endpoint.base_url, rows, in_flight)
        print(ours, flush=True)
        print(f"ratio to the bare loop {ours.per_s / baseline.per_s:.3f}")
        if options.zero:
            print(f"goal of 600 requests/s: {ours.per_s / 600:.2f} times")
        elif not options.no_tutorial:
            slow = tutorial(endpoint.base_url)
            print(slow, f"{ours.per_s / slow.per_s:.0f} times the tutorial", sep="\n")
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
