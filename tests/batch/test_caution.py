"""The careful beginning of a run, over hundreds of schedules: real job, real database, a scripted client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.stored import make_dataset
from tlm_dash.batch.caution import EQUAL_REFUSALS, MOST_AT_FIRST, same_words
from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.gate import Gate
from tlm_dash.batch.grid import Grid, GridRun, Limits
from tlm_dash.batch.job import Job, Parts
from tlm_dash.batch.recorder import Recorder
from tlm_dash.errors import (
    AccessDeniedError,
    AccountExhaustedError,
    EndpointError,
    RequestRefusedError,
    TokenLimitError,
)
from tlm_dash.models import Completion, Generated, GenerateRequest, Score, new_id, utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.run_counts import count_runs
from tlm_dash.store.run_models import Selection
from tlm_dash.store.runs import add_events, records

REPLIES: Mapping[str, EndpointError | None] = {
    "answer": None,
    "refused": RequestRefusedError("Refused (400): “no such option 12”.", status=400),
    "otherwise": RequestRefusedError("Refused (400): “empty content”.", status=400),
    "quota": AccountExhaustedError("Nothing left.", status=429),
    "key": AccessDeniedError("Not this key.", status=401),
    "too long": TokenLimitError("Too long.", status=400),
}
ADDRESS = EndpointAddress("http://127.0.0.1:9/api", ".")
COMMON = ("answer", "answer", "answer", "refused", "refused", "otherwise", "too long")


@dataclass
class ScriptedClient:
    """Answers each prompt as scripted, after a wait; in the order of prompts, not of arrival."""

    script: list[str]
    waits_s: list[float]
    n_under_way: int = 0
    has_answered: bool = False
    most_at_first: int = 0
    answered: list[str] = field(default_factory=list)

    async def generate(self, request: GenerateRequest) -> Generated:
        prompt = str(request.messages[-1]["content"])
        n = int(prompt.split()[2])
        self.n_under_way += 1
        if not self.has_answered:
            self.most_at_first = max(self.most_at_first, self.n_under_way)
        try:
            await asyncio.sleep(self.waits_s[n])
        finally:
            self.n_under_way -= 1
        error = REPLIES[self.script[n]]
        if error is not None:
            raise type(error)(error.message, status=error.status)
        self.has_answered = True
        self.answered.append(prompt)
        return Generated(Completion(f"The answer to {prompt}", model="m"), Score(0.5), latency_ms=1.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("caution")
    store = Store.open(f"duckdb:///{folder / 'runs.duckdb'}", temp_dir=folder / "tmp")
    yield store
    store.close()


def a_run(store: Store, n: int) -> Grid:
    """Store a dataset and a run over it, queued."""
    dataset_id, run_id = make_dataset(store, n), new_id()
    run = {
        "run_id": run_id, "dataset_id": dataset_id, "name": "r", "mode": "generate",
        "answered_by": "endpoint", "endpoint": ADDRESS.base_url, "model": "m", "quality_preset": "low",
        "settings": "{}", "settings_hash": run_id, "created_at": utc_now(),
    }  # fmt: skip
    plan = {
        "run_id": run_id, "grid_id": run_id, "position": 0, "lead_run_id": run_id, "n_items": n,
        "last_item_no": n, "grid_hash": run_id,
    }  # fmt: skip
    store.append({"run": [run], "run_plan": [plan]}).result(60)
    add_events(store, [run_id], "queued", operational={})
    cells = (GridRun(run_id, "m", "low", run_id, None, n),)
    return Grid(run_id, dataset_id, "generate", "endpoint", "", cells, Selection(n))


@dataclass
class Schedule:
    """A run, and an endpoint that does what was drawn."""

    grid: Grid
    client: ScriptedClient
    in_flight: int
    n: int
    end: str | None

    async def carry_out(self, store: Store, recorder: Recorder) -> None:
        """Carry the run out to its end."""
        gate = Gate(max_in_flight=self.in_flight)
        tlm = SimpleNamespace(address=lambda: ADDRESS, wait_until_ready=_at_once)
        engine = SimpleNamespace(client=lambda _: self.client)
        parts = Parts(cast("Any", engine), lambda: store, cast("Any", tlm), recorder, lambda _: gate)
        job = Job(self.grid, Limits(), {run.run_id for run in self.grid.runs}, parts, pilot=False)
        await job.carry_out()
        assert gate.in_flight == 0

    def begin_again(self, store: Store, *, is_mended: bool) -> None:
        """Queue the run anew."""
        if is_mended:
            self.client.script = ["answer"] * self.n
        self.client.has_answered, self.client.most_at_first = False, 0
        add_events(store, [self.grid.grid_id], "queued", operational={})


def carry_out(store: Store, schedules: Sequence[Schedule]) -> None:
    """Carry runs out to their end, side by side: each with an endpoint of its own, all with one recorder."""

    async def all_of_them() -> None:
        recorder = Recorder(lambda: store)
        await asyncio.wait_for(asyncio.gather(*(one.carry_out(store, recorder) for one in schedules)), 60)

    asyncio.run(all_of_them())


async def _at_once(_: object) -> None: ...


def check(store: Store, grid: Grid, client: ScriptedClient, n: int) -> tuple[str, int]:
    """Hold a run that has ended to what must be true of any; gives its status and its failed rows."""
    (record,) = records(store, [grid.grid_id])
    counted = count_runs(store, [grid.grid_id])[grid.grid_id]
    told = record.counts or {}
    assert (counted.n_done, counted.n_error, counted.n_sent) == (
        told["n_done"], told["n_error"], told["n_sent"],
    )  # fmt: skip
    n_pending = n - counted.n_done - counted.n_error
    assert n_pending >= 0 and len(set(client.answered)) == len(client.answered) == counted.n_done
    assert client.most_at_first <= MOST_AT_FIRST
    rows = store.read_rows(
        "SELECT a.sent_at, e.ended_at, e.outcome, e.error_kind, e.error_message FROM attempt AS a "
        "JOIN attempt_end AS e USING (attempt_id) WHERE a.run_id = ? ORDER BY e.ended_at",
        [grid.grid_id],
    )
    assert len(rows) == counted.n_sent
    refusal = record.refusal
    if record.status == "done":
        assert refusal is None and n_pending == 0
        assert not {"account_exhausted", "access_denied"} & {row["error_kind"] for row in rows}
    else:
        assert record.status == "paused" and refusal is not None and n_pending > 0
        alike = [row for row in rows if row["error_message"] == refusal.message]
        assert refusal.n == len(alike)
        if refusal.kind == "request_refused":
            assert len(alike) >= EQUAL_REFUSALS and counted.n_done == 0
        else:
            assert not [row for row in rows if row["sent_at"] > alike[0]["ended_at"]], (
                "sent after the refusal"
            )
    return record.status, counted.n_error


def drawn(store: Store, data: st.DataObject) -> Schedule:
    """Draw what an endpoint says to each row, when, and how it ends."""
    n = data.draw(st.integers(1, 24), label="rows")
    chance = random.Random(data.draw(st.integers(0, 2**32), label="seed"))
    first = data.draw(st.integers(0, n), label="rows that are refused alike first")
    end = data.draw(st.sampled_from([None, "quota", "key"]), label="how it ends")
    script = ["refused"] * first + [chance.choice(COMMON) for _ in range(n - first)]
    if end is not None:
        begins = chance.randrange(n)
        script[begins:] = [end] * (n - begins)
    client = ScriptedClient(script, [0.0, *(chance.choice((0.0, 0.001, 0.01)) for _ in script)])
    return Schedule(a_run(store, n), client, chance.choice((2, 5, 20)), n, end)


@given(data=st.data())
@settings(max_examples=5)
def test_every_row_is_accounted_for_whatever_the_endpoint_refuses(store: Store, data: st.DataObject) -> None:
    schedules = [drawn(store, data) for _ in range(40)]
    carry_out(store, schedules)
    ends = {id(one): check(store, one.grid, one.client, one.n) for one in schedules}
    assert all(ends[id(one)][0] == "paused" for one in schedules if one.end is not None)
    # It is refused again, then mended; what was answered is not asked again.
    for is_mended in (False, True):
        schedules = [one for one in schedules if ends[id(one)][0] == "paused"]
        for one in schedules:
            one.begin_again(store, is_mended=is_mended)
        carry_out(store, schedules)
        for one in schedules:
            n_error_before = ends[id(one)][1]
            ends[id(one)] = check_again(store, one.grid, one.client, one.n)
            assert ends[id(one)][1] >= n_error_before, "a row that failed stays failed until it is retried"
    assert {status for status, _ in ends.values()} == {"done"}


def check_again(store: Store, grid: Grid, client: ScriptedClient, n: int) -> tuple[str, int]:
    """Hold a resumed run to what must be true whatever happened before."""
    (record,) = records(store, [grid.grid_id])
    counted = count_runs(store, [grid.grid_id])[grid.grid_id]
    assert len(set(client.answered)) == len(client.answered) == counted.n_done
    assert client.most_at_first <= MOST_AT_FIRST and counted.n_done + counted.n_error <= n
    return record.status, counted.n_error


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Limit 30000, used 29000", "Limit 30000, used 12", True),
        ("Request req_01HZX failed", "Request req_77ABC failed", True),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 9b2e4567-e89b-12d3-a456-42661417400f", True),
        ("No such option: top_p", "No such option: top_k", False),
        ("The model `a` does not exist", "The model `b` does not exist", False),
    ],
)
def test_words_are_the_same_but_for_numbers_and_ids(one: str, other: str, *, alike: bool) -> None:
    assert (same_words(one) == same_words(other)) is alike
