"""What it costs to be watched: pages of the runs open while a run is under way, and the page of a large run.

`python -m tests.benchmarks.watching [--watchers 10] [--seconds 20] [--large ROWS]`. The app runs in a process
of its own, over a simulated endpoint; each watcher is a websocket session that asks for the page and then
looks again as often as the page tells a browser to. The CPU time of the app's process is taken without
watchers, with them, and without them again. Goals: ten watchers cost at most 15% of one core; with `--large`
the page of an imported run of so many rows (1000000) is ready within 0.5 s, also the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.dataset_import import import_it, write_table
from tests.benchmarks.simulated_endpoint import SimulatedEndpoint
from tests.browser.app_server import AppServer
from tests.services.running import MODEL
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import save
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

PAGE = "runs"
GOAL_SHARE, GOAL_READY_S = 0.15, 0.5
IN_FLIGHT, LATENCY_S = 50, 1.0
SETTLE_S = 4.0
READY_WITHIN_S = 60.0


class Watcher:
    """One open page: asks for it, then for its fragments as often as the server tells."""

    def __init__(self, session: aiohttp.ClientSession, url: str, page: str = PAGE) -> None:
        self._session, self._url, self._page = session, url, page
        self._asked: asyncio.Task[None] | None = None
        self._timers: list[asyncio.Task[None]] = []
        self._page_script_hash = ""
        self._is_ready = asyncio.Event()
        self.n_looks = self.n_elements = 0
        self.ready_s = 0.0

    async def __aenter__(self) -> Watcher:
        self._socket = await self._session.ws_connect(
            self._url.replace("http", "ws", 1) + "/_stcore/stream", protocols=("streamlit",), max_msg_size=0
        )
        self._reader = asyncio.create_task(self._read())
        began = time.perf_counter()
        await self._rerun()
        waiting = asyncio.create_task(self._is_ready.wait())
        async with asyncio.timeout(READY_WITHIN_S):
            await asyncio.wait({self._reader, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert self._is_ready.is_set(), "the page did not come"
        self.ready_s = time.perf_counter() - began
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._timers, self._reader):
            task.cancel()
        await asyncio.gather(*self._timers, self._reader, return_exceptions=True)
        await self._socket.close()

    async def _rerun(self, fragment_id: str = "") -> None:
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        asked.rerun_script.page_name = "" if self._page_script_hash else self._page
        asked.rerun_script.page_script_hash = self._page_script_hash
        asked.rerun_script.fragment_id = fragment_id
        asked.rerun_script.is_auto_rerun = bool(fragment_id)
        await self._socket.send_bytes(asked.SerializeToString())

    async def _read(self) -> None:
        async for frame in self._socket:
            message = ForwardMsg()
            message.ParseFromString(frame.data)
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self._page_script_hash = message.new_session.page_script_hash
                for timer in self._timers:
                    timer.cancel()
                self._timers.clear()
            elif kind == "auto_rerun":
                self._timers.append(asyncio.create_task(self._look_again(message.auto_rerun)))
            elif kind == "delta":
                self.n_elements += 1
            elif kind == "script_finished":
                self._is_ready.set()

    async def _look_again(self, told: object) -> None:
        while True:
            await asyncio.sleep(told.interval)  # type: ignore[attr-defined]
            self.n_looks += 1
            await self._rerun(told.fragment_id)  # type: ignore[attr-defined]


def cpu_s(pid: int) -> float:
    """Tell how much CPU time a process has taken, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def share(server: AppServer, seconds: float, n_watchers: int = 0) -> float:
    """Give which share of one core the app's process takes, with so many watchers."""
    async with aiohttp.ClientSession() as session:
        watchers = [Watcher(session, server.url) for _ in range(n_watchers)]
        for watcher in watchers:
            await watcher.__aenter__()
        await asyncio.sleep(SETTLE_S)
        looks_before = sum(watcher.n_looks for watcher in watchers)
        began, before = time.monotonic(), cpu_s(server.process.pid)
        await asyncio.sleep(seconds)
        found = (cpu_s(server.process.pid) - before) / (time.monotonic() - began)
        looks = sum(watcher.n_looks for watcher in watchers) - looks_before
        for watcher in watchers:
            await watcher.__aexit__()
    if n_watchers:
        ready = statistics.median(watcher.ready_s for watcher in watchers)
        print(f"{n_watchers} watchers: {looks} looks in {seconds:.0f} s, page ready after {ready:.2f} s")
        # The list every 2 s and the pill every 4 s, and some room for a busy machine.
        assert looks >= 0.4 * n_watchers * seconds, "the watchers did not watch"
    return found


def queue_run(folder: Path, base_url: str, rows: int) -> None:
    """Import a dataset and queue a run over it; the app goes on with it."""
    settings = load_settings({"BASE_URL": base_url, "TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "no")
    dashboard = Dashboard(settings)
    dashboard.start()
    try:
        while not dashboard.store_settled:
            time.sleep(0.01)
        write_table(folder / "table.csv", rows)
        dataset_id = save(dashboard, inspect(dashboard, [folder / "table.csv"])).dataset_id
        limits = Limits(max_in_flight=IN_FLIGHT)
        runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), limits=limits), begin=False)
    finally:
        dashboard.stop()


def watched(n_watchers: int, seconds: float) -> None:
    """Measure what watchers of a run cost."""
    rows = int((4 * seconds + 60) * IN_FLIGHT / LATENCY_S)
    with (
        tempfile.TemporaryDirectory() as name,
        SimulatedEndpoint(latency_s=LATENCY_S, sigma=0.35) as endpoint,
    ):
        folder = Path(name)
        queue_run(folder, endpoint.base_url, rows)
        server = AppServer(folder, {"BASE_URL": endpoint.base_url})
        try:
            server.wait_until_up()
            while endpoint.stats()["n"] < 2 * IN_FLIGHT:
                time.sleep(0.1)
            alone = asyncio.run(share(server, seconds))
            with_them = asyncio.run(share(server, seconds, n_watchers))
            alone_again = asyncio.run(share(server, seconds))
            assert endpoint.stats()["n"] < rows, "the run ended before the measurement"
        finally:
            server.stop()
    cost = with_them - (alone + alone_again) / 2
    print(f"the run alone {alone:.1%} and {alone_again:.1%} of a core, watched {with_them:.1%}")
    print(f"{n_watchers} watchers cost {cost:.1%} of a core (goal {GOAL_SHARE:.0%})")


def large(rows: int) -> None:
    """Measure how long the page of a large imported run takes, the first time and then."""

    async def ready(server: AppServer) -> list[float]:
        found = []
        async with aiohttp.ClientSession() as session:
            # What the first page of all loads is not counted: another benchmark (startup) does.
            async with Watcher(session, server.url, "settings"):
                pass
            for _ in range(5):
                async with Watcher(session, server.url) as watcher:
                    found.append(watcher.ready_s)
                    assert watcher.n_elements > 10, "the page is empty"
        return found

    with tempfile.TemporaryDirectory() as name, SimulatedEndpoint() as endpoint:
        folder = Path(name)
        write_table(folder / "table.csv", rows)
        import_it(folder / "table.csv", folder)
        (folder / "table.csv").unlink()
        server = AppServer(folder, {"BASE_URL": endpoint.base_url})
        try:
            server.wait_until_up()
            time.sleep(SETTLE_S)
            first, *others = asyncio.run(ready(server))
        finally:
            server.stop()
    print(
        f"the page of a run of {rows:,} rows is ready after {first:.2f} s, then {min(others):.2f} to ", end=""
    )
    print(f"{max(others):.2f} s (goal {GOAL_READY_S} s)")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--watchers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--large", type=int, metavar="ROWS")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with suppress(KeyboardInterrupt):
        large(options.large) if options.large else watched(options.watchers, options.seconds)
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
