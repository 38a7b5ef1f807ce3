"""The embedded endpoint, real model and all, under a run and a person at the same time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.services.running import wait_for
from tests.services.stored import make_dataset
from tlm_dash.batch.tally import LiveRun
from tlm_dash.local_endpoint.capacity import SERVED_AT_ONCE
from tlm_dash.services import playground, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import view
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

MODEL = "smollm2-135m-instruct"
ALIASES = ("gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o-mini")
PROMPT = "What is the capital of Australia? Answer in one word."
WITHIN_S = 240.0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process is killed by its signal")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Iterator[Dashboard]:
    """A dashboard over the embedded endpoint, which is still being loaded."""
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "models").symlink_to(model_file.parent)
    made = Dashboard(load_settings({"TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "none"))
    made.start()
    try:
        wait_until(lambda: made.store_problem is None, what="opening the store")
        yield made
    finally:
        made.stop()


def start(dashboard: Dashboard, n: int, models: tuple[str, ...], presets: tuple[str, ...]) -> list[str]:
    dataset_id = make_dataset(dashboard.store, [f"What is {n} plus 5? Answer in one word." for n in range(n)])
    # As a person asks for it who does not know the endpoint.
    return runs.start(dashboard, RunRequest(dataset_id, models, presets, limits=Limits(max_in_flight=64)))


def live(dashboard: Dashboard, run_id: str) -> LiveRun:
    found = dashboard.batches.look(run_id)
    assert found is not None, runs.show(dashboard, run_id)
    return found


def ask(dashboard: Dashboard, prompt: str, models: tuple[str, ...], presets: tuple[str, ...]) -> str:
    return playground.submit(dashboard, PlaygroundRequest(prompt, models, presets))


def test_a_run_leaves_the_embedded_endpoint_to_a_person_and_outlives_its_end(dashboard: Dashboard) -> None:
    (run_id,) = start(dashboard, 3000, (MODEL,), ("base",))
    wait_until(lambda: runs.show(dashboard, run_id).counts.n_done > 8, within_s=WITHIN_S, what="rows")
    seen = []
    for _ in range(100):
        seen.append(live(dashboard, run_id).in_flight)
        time.sleep(0.01)
    assert max(seen) == SERVED_AT_ONCE

    entry_id = ask(dashboard, PROMPT, (MODEL,), ("base", "low"))
    wait_until(
        lambda: view(dashboard, entry_id).cells[0].status != "waiting", within_s=WITHIN_S, what="its turn"
    )
    before = live(dashboard, run_id).counts.n_sent
    wait_until(lambda: not view(dashboard, entry_id).is_live, within_s=WITHIN_S, what="the person's answer")
    # Not one row more was begun from the prompt's first request to its last: one may have come in since.
    assert live(dashboard, run_id).counts.n_sent <= before + SERVED_AT_ONCE
    assert [cell.status for cell in view(dashboard, entry_id).cells] == ["done", "done"]

    assert dashboard.local_endpoint is not None
    status = dashboard.local_endpoint.status()
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    wait_until(
        lambda: "restarted" in live(dashboard, run_id).note, within_s=30, what="saying what it waits for"
    )
    during = ask(dashboard, "What is 2 plus 3? Answer in one word.", (MODEL,), ("base",))
    done = live(dashboard, run_id).counts.n_done
    wait_until(
        lambda: live(dashboard, run_id).counts.n_done > done + 8, within_s=WITHIN_S, what="going on by itself"
    )
    wait_until(lambda: not view(dashboard, during).is_live, within_s=WITHIN_S, what="the second answer")
    assert view(dashboard, during).cells[0].status == "done"
    wait_until(
        lambda: live(dashboard, run_id).in_flight == SERVED_AT_ONCE, within_s=30, what="all places again"
    )
    assert live(dashboard, run_id).counts.errors == {}
    runs.cancel(dashboard, [run_id])
    wait_for(dashboard, [run_id])


def test_two_prompts_of_three_models_beside_a_grid_all_end_well(dashboard: Dashboard) -> None:
    grid = start(dashboard, 4, ALIASES[:2], ("base", "low"))
    # Both are answered in a few words: the model goes on to the longest answer after some others.
    prompts = (PROMPT, PROMPT.replace("Australia", "France"))
    entries = [ask(dashboard, prompt, ALIASES, ("base",)) for prompt in prompts]
    for entry_id in entries:
        wait_until(lambda entry_id=entry_id: not view(dashboard, entry_id).is_live, within_s=WITHIN_S)  # type: ignore[misc]
        assert [cell.status for cell in view(dashboard, entry_id).cells] == ["done"] * 3
    for found in wait_for(dashboard, grid, within_s=WITHIN_S):
        assert (found.status, found.counts.n_done, found.counts.errors) == ("done", 4, {})
