"""For how long an endpoint has been silent, and what counts as a word from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tlm_dash.batch.grid import Grid, GridRun, Limits
from tlm_dash.batch.outcomes import Outcomes
from tlm_dash.batch.questions import Cell, Question, Unit
from tlm_dash.batch.tally import Tally
from tlm_dash.errors import EndpointError, EndpointTimeoutError, RateLimitedError
from tlm_dash.store.run_models import RunCounts, Selection

RUN = GridRun("run", "small", "low", "run", None, 3)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Give the seconds so far."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stand in for the clock of the counts."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def waiting(clock: Clock) -> Tally:
    """Count a run whose request left ten seconds ago."""
    tally = Tally(RUN, RunCounts(), Limits())
    tally.note_sent(maybe_again=False)
    clock.now += 10
    return tally


class Waiting:
    """A recorder and a lane in one, which keep nothing but what is to be asked again."""

    def __init__(self) -> None:
        self.units: list[Unit] = []

    def add(self, rows: Mapping[str, Any]) -> None:
        """Take rows."""

    def put_later(self, unit: Unit, _wait_s: float) -> None:
        """Take a request that is to be made again."""
        self.units.append(unit)


@pytest.mark.parametrize(
    ("error", "silent_s"), [(RateLimitedError("Slow down."), 0), (EndpointTimeoutError("Nothing came."), 10)]
)
def test_a_refusal_that_is_tried_again_is_an_answer(
    clock: Clock, error: EndpointError, silent_s: float
) -> None:
    tally = waiting(clock)
    nothing: Any = Waiting()
    grid = Grid("grid", "dataset", "generate", "endpoint", "judge", (RUN,), Selection(3))
    outcomes = Outcomes(grid, nothing, {"run": tally}, nothing, print, print, lambda *_: False)
    cell = Cell(RUN, 1)
    unit = Unit("generate", Question(1, (), (), [cell]), cell)
    outcomes.failed(unit, "attempt", error, 1.0, nothing)
    assert nothing.units == [unit]
    assert tally.look().silent_s == silent_s


def test_a_retry_after_no_answer_goes_on_waiting(clock: Clock) -> None:
    tally = waiting(clock)
    tally.heard("timeout")
    tally.in_flight -= 1
    clock.now += 5
    tally.note_sent(maybe_again=True)
    assert tally.look().silent_s == 15
    tally.heard()
    tally.in_flight -= 1
    clock.now += 5
    tally.note_sent(maybe_again=False)
    assert tally.look().silent_s == 0


def test_the_time_left_follows_what_is_measured_of_late(clock: Clock) -> None:
    run = GridRun("run", "small", "low", "run", None, 1000)
    tally = Tally(run, RunCounts(), Limits())
    for _ in range(100):
        clock.now += 0.1
        tally.note_done()
    quick = tally.look()
    assert quick.items_per_s == pytest.approx(10, rel=0.02) and quick.time_left_s == pytest.approx(
        90, rel=0.02
    )
    for _ in range(20):
        clock.now += 5
        tally.note_done()
    slow = tally.look()
    # Not the 1.1 a second of the whole run: what took a tenth of that is past.
    assert slow.items_per_s == pytest.approx(0.2, rel=0.02)
    assert slow.time_left_s == pytest.approx(880 / 0.2, rel=0.02)


def test_rows_that_take_a_minute_have_a_pace_too(clock: Clock) -> None:
    run = GridRun("run", "small", "low", "run", None, 100)
    tally = Tally(run, RunCounts(), Limits())
    for _ in range(4):
        clock.now += 60
        tally.note_done()
    assert tally.look().time_left_s == pytest.approx(96 * 60)
    clock.now += 240
    # Nothing has ended for four minutes: it is not as quick as it was.
    assert tally.look().time_left_s == pytest.approx(96 * 120)


def test_a_pilot_has_no_time_left_of_a_run_that_is_not_begun(clock: Clock) -> None:
    tally = Tally(GridRun("run", "small", "low", "run", None, 5000), RunCounts(), Limits(), is_pilot=True)
    for _ in range(5):
        clock.now += 1
        tally.note_done()
    assert tally.look().items_per_s and tally.look().time_left_s is None
