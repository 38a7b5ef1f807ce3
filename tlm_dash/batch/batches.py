"""All grids under way in this process: begun, stopped, looked at; one gate per endpoint for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from tlm_dash.batch.answering import TlmEndpoint
from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.batch.gate import Gate
from tlm_dash.batch.grid import Grid, Limits
from tlm_dash.batch.in_flight import START
from tlm_dash.batch.job import Job, Parts
from tlm_dash.batch.recorder import Recorder
from tlm_dash.batch.tally import LiveRun
from tlm_dash.errors import StoreError
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

HEARD_WITHIN_S = 60.0
"""How long the loop may be busy before it takes an order: while it loads the client's libraries on a machine
that has much to do, seconds pass, and a run that goes on after a restart must not be forgotten for that."""


class Batches:
    """Every method but `gate` may be called from any thread; the work is done on the engine's loop.

    `max_in_flight` and `requests_per_minute` are the limits that the settings give for each endpoint.
    """

    def __init__(
        self, engine: Engine, store: Callable[[], Store], tlm: TlmEndpoint,
        max_in_flight: int | None = None, requests_per_minute: float | None = None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._max_in_flight, self._requests_per_minute = max_in_flight, requests_per_minute
        self._recorder = Recorder(store)
        self._gates: dict[str, Gate] = {}
        self._jobs: dict[str, Job] = {}
        self._n_begun = 0
        self._parts = Parts(engine, store, tlm, self._recorder, self.gate)

    def begin(self, grid: Grid, limits: Limits, run_ids: Sequence[str], *, pilot: bool = False) -> None:
        """Carry out some runs of a grid; those of it that are under way go on beside them."""
        self._engine.ask(self._begin(grid, limits, set(run_ids), pilot), timeout_s=HEARD_WITHIN_S)

    async def _begin(self, grid: Grid, limits: Limits, run_ids: set[str], pilot: bool) -> None:
        job = self._jobs.get(grid.grid_id)
        if job is not None and job.is_under_way:
            job.take_in(run_ids, limits, pilot=pilot)
            return
        job = self._jobs[grid.grid_id] = Job(grid, limits, run_ids, self._parts, pilot=pilot)
        self._n_begun += 1
        self._engine.start_here(f"runs/{grid.grid_id}/{self._n_begun}", job.carry_out)

    def leave_out(self, run_ids: Sequence[str], status: str) -> None:
        """Send nothing more for some runs; what is under way ends, then `status` is written again."""
        self._engine.ask(self._leave_out(set(run_ids), status), timeout_s=HEARD_WITHIN_S)

    async def _leave_out(self, run_ids: set[str], status: str) -> None:
        for job in list(self._jobs.values()):
            job.leave_out(run_ids, status)

    def look(self, run_id: str) -> LiveRun | None:
        """Give a run under way as it is now; None where it is not under way in this process."""
        for job in list(self._jobs.values()):
            found = job.look(run_id)
            if found is not None:
                return found
        return None

    def under_way(self) -> list[LiveRun]:
        """Give all runs under way in this process as they are now; nothing is read from the store."""
        return [run for job in list(self._jobs.values()) for run in job.look_at_all()]

    def speed(self, limits: Limits, addresses: Sequence[EndpointAddress]) -> tuple[int, float | None]:
        """Tell with how many requests at once, and how many a second (None: no limit known), runs may reckon.

        `addresses` are where their requests go. What these endpoints were found to take counts, as long as
        nothing says less: a limit of theirs, of the settings or of the run.
        """
        gates = [gate for each in addresses if (gate := self._gates.get(each.gate_name)) is not None]
        told = [limits.max_in_flight, *map(self._most_at_once, addresses)]
        in_flight = min((limit for limit in told if limit is not None), default=None)
        if in_flight is None:
            in_flight = min((gate.limit.current for gate in gates), default=START)
        rates = [gate.pace.per_s for gate in gates]
        rates += [
            per_minute and per_minute / 60
            for per_minute in (limits.requests_per_minute, self._requests_per_minute)
        ]
        return in_flight, min((rate for rate in rates if rate is not None), default=None)

    @property
    def problem(self) -> StoreError | None:
        """Tell why no row can be written at this moment, or None."""
        return self._recorder.problem

    def gate(self, address: EndpointAddress) -> Gate:
        """Give the one gate before an endpoint. On the engine's loop only."""
        name = address.gate_name
        if name not in self._gates:
            self._gates[name] = Gate(
                max_in_flight=self._most_at_once(address),
                requests_per_minute=self._requests_per_minute,
                gives_way=address.serves_at_once is not None,
            )
        return self._gates[name]

    def _most_at_once(self, address: EndpointAddress) -> int | None:
        """Give the limit that an endpoint has, whatever runs ask for.

        The embedded one is never sent more than it works on at once: what waits in its own queue is in front
        of a person's prompt, and may run into the time limit there.
        """
        # Measured beside other work on two cores (tests/benchmarks/playground_beside_run): beside a run a
        # prompt took 4 times as long as alone with the limit that throughput finds; with 64 at once ten
        # prompts did not end within seven minutes. With these places, and no row begun meanwhile, it took 1.8
        # times (worst 2.0): it waits for the rows under way. So no place is kept free for people.
        known = [limit for limit in (address.serves_at_once, self._max_in_flight) if limit is not None]
        return min(known, default=None)
