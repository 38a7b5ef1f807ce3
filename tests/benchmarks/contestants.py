"""Who carries rows to an endpoint: a run of ours, a bare loop with retries, Inspect, promptfoo.

The two peers are commands of their own, run as their users run them: the number in flight is told, all else
is as it comes, retries above all.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.services.running import MODEL, SETTLED
from tests.services.stored import make_dataset
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

MOST_TRIES = 100
FIRST_BACKOFF_S, LONGEST_BACKOFF_S, LONGEST_ASKED_S = 0.5, 8.0, 60.0
"""As the openai client does it: longer wishes are taken for a mistake."""


@dataclass(frozen=True)
class Work:
    """So many rows, so many requests at a time, and when to stop waiting for the end."""

    rows: int
    in_flight: int
    within_s: float


@dataclass(frozen=True)
class Done:
    """From the start to the end, and how many rows were answered; not ended: stopped when time was up."""

    wall_s: float
    n_answered: int
    ended: bool = True


Way = Callable[[str, Work], Done]


def prompt(n: int) -> str:
    """Give the prompt of a row."""
    return f"{n}: How long may a customer return an opened box?"


def bare_loop(base_url: str, work: Work) -> Done:
    """Keep so many rows in flight, try each until it is answered, store nothing."""
    chance = random.Random(0)

    async def run() -> int:
        waiting, answered = iter(range(work.rows)), 0
        connector = aiohttp.TCPConnector(limit=work.in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def worker() -> None:
                nonlocal answered
                for n in waiting:
                    was_answered = await _answered(session, f"{base_url}/chat/completions", n, chance)
                    answered += was_answered

            workers = asyncio.gather(*(worker() for _ in range(work.in_flight)), return_exceptions=True)
            await asyncio.wait([workers], timeout=work.within_s)
            workers.cancel()
        return answered

    began = time.perf_counter()
    answered = asyncio.run(run())
    wall_s = time.perf_counter() - began
    return Done(wall_s, answered, wall_s < work.within_s)


async def _answered(session: aiohttp.ClientSession, url: str, n: int, chance: random.Random) -> bool:
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt(n)}]}
    for n_tries in range(MOST_TRIES):
        async with session.post(url, json=body) as response:
            if response.status == 200:
                await response.json()
                return True
            asked_s = float(response.headers.get("Retry-After", 0))
        backoff_s = min(FIRST_BACKOFF_S * 2.0**n_tries, LONGEST_BACKOFF_S) * chance.uniform(0.75, 1.0)
        await asyncio.sleep(asked_s if 0 < asked_s <= LONGEST_ASKED_S else backoff_s)
    return False


def our_run(base_url: str, work: Work) -> Done:
    """Carry out a run over a stored dataset; from its start until its end is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"BASE_URL": base_url, "TLM_DASH_DATA_DIR": folder}
        dashboard = Dashboard(load_settings(environment, env_file=Path(folder) / "none"))
        dashboard.start()
        # As a person finds it: open, and with its first look at the endpoint behind it.
        while not dashboard.store_settled or dashboard.monitor.current.state == "starting":
            time.sleep(0.01)
        try:
            dataset_id = make_dataset(dashboard.store, [prompt(n) for n in range(work.rows)])
            limits = Limits(max_in_flight=work.in_flight)
            began = time.perf_counter()
            (run_id,) = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("low",), limits=limits))
            while ended := not _is_over(dashboard, run_id):
                if time.perf_counter() - began > work.within_s:
                    runs.pause(dashboard, [run_id])
                    break
                time.sleep(0.05)
            wall_s = time.perf_counter() - began
            counts = runs.show(dashboard, run_id).counts
        finally:
            dashboard.stop()
    return Done(wall_s, counts.n_done, not ended)


def _is_over(dashboard: Dashboard, run_id: str) -> bool:
    """Tell whether nothing is under way; looks at what is in memory first, so that watching costs nothing."""
    if dashboard.batches.look(run_id) is not None:
        return False
    return runs.show(dashboard, run_id).status in SETTLED


INSPECT_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.solver import generate

@task
def rows():
    return Task(dataset=json_dataset("rows.jsonl"), solver=generate())
"""


def inspect(command: str) -> Way:
    """Give the way of Inspect: `inspect eval` of a task without a scorer."""

    def run(base_url: str, work: Work) -> Done:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "task.py").write_text(INSPECT_TASK)
            (folder / "rows.jsonl").write_text(
                "".join(f"{json.dumps({'input': prompt(n)})}\n" for n in range(work.rows))
            )
            arguments = [
                command, "eval", "task.py", "--model", "openai-api/simulated/simulated-2026",
                "--max-connections", str(work.in_flight), "--log-dir", "logs", "--log-format", "json",
                "--display", "plain",
            ]  # fmt: skip
            told = {"SIMULATED_BASE_URL": base_url, "SIMULATED_API_KEY": "none"}
            wall_s, ended = _run(arguments, folder, told, work.within_s)
            logs = sorted((folder / "logs").glob("*.json"))
            return Done(wall_s, inspect_answered(json.loads(logs[0].read_text())) if logs else 0, ended)

    return run


def inspect_answered(log: Mapping[str, object]) -> int:
    """Count the samples of an Inspect log that have an output and no error."""
    samples = log.get("samples") or []
    assert isinstance(samples, list), "a log of Inspect has a list of samples"
    return sum(not sample.get("error") and bool(sample["output"]["choices"]) for sample in samples)


def promptfoo(command: str) -> Way:
    """Give the way of promptfoo: `promptfoo eval` of a prompt and tests without assertions."""

    def run(base_url: str, work: Work) -> Done:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            api = {"apiBaseUrl": base_url, "apiKey": "none"}
            config = {
                "prompts": ["{{row}}"],
                "providers": [{"id": "openai:chat:simulated-2026", "config": api}],
                "tests": [{"vars": {"row": prompt(n)}} for n in range(work.rows)],
            }
            (folder / "config.json").write_text(json.dumps(config))
            arguments = [
                command, "eval", "-c", "config.json", "-j", str(work.in_flight), "--no-cache", "--no-table",
                "--no-progress-bar", "-o", "out.json",
            ]  # fmt: skip
            told = {
                "PROMPTFOO_CONFIG_DIR": str(folder / "home"), "PROMPTFOO_DISABLE_TELEMETRY": "1",
                "PROMPTFOO_DISABLE_UPDATE": "1",
            }  # fmt: skip
            wall_s, ended = _run(arguments, folder, told, work.within_s)
            out = folder / "out.json"
            return Done(wall_s, promptfoo_answered(json.loads(out.read_text())) if out.exists() else 0, ended)

    return run


def promptfoo_answered(out: Mapping[str, Mapping[str, Mapping[str, int]]]) -> int:
    """Count the tests of promptfoo's results that were answered."""
    return out["results"]["stats"]["successes"] + out["results"]["stats"]["failures"]


def _run(
    arguments: Sequence[str], folder: Path, told: Mapping[str, str], within_s: float
) -> tuple[float, bool]:
    """Run a peer's command with a home of its own; gives its seconds, and whether it came to its end."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), **told}
    began = time.perf_counter()
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            return time.perf_counter() - began, False
        finally:
            # Also where somebody pressed Ctrl-C here: its session of its own does not hear of that.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return time.perf_counter() - began, True
