"""A person's request at the gate: before all of a batch, never more at once than there are places."""

from __future__ import annotations

import asyncio
import time

import pytest

from tlm_dash.batch import gate as gate_module
from tlm_dash.batch.gate import Ending, Gate
from tlm_dash.errors import RateLimitedError, ServerFailedError


def quiet(_: float | None) -> None:
    """Nobody looks at the card."""


async def refuse_all(gate: Gate, asked_s: float) -> None:
    """Let an endpoint refuse until there is no doubt that it refuses everything."""
    while not gate.pace.is_closed:
        gate.leave(await gate.enter(), "refused", asked_s)


def test_while_a_person_waits_no_row_is_let_in_where_the_endpoint_has_few_places() -> None:
    async def go() -> None:
        gate = Gate(max_in_flight=4, gives_way=True)
        under_way = await gate.enter()
        with gate.person_waits():
            row = asyncio.create_task(gate.enter())
            async with gate.ahead(quiet):
                await asyncio.sleep(0.02)
                gate.leave(under_way, "ok")
                await asyncio.sleep(0.02)
                assert not row.done() and gate.in_flight == 1
            # Between the answer and its score too: four rows would be in before the person's next request.
            await asyncio.sleep(0.02)
            assert not row.done() and gate.in_flight == 0
        await asyncio.wait_for(row, 2)

    asyncio.run(go())


def test_people_take_no_more_places_than_there_are_and_take_turns() -> None:
    async def go() -> tuple[int, list[int], int]:
        gate = Gate(max_in_flight=4, gives_way=True)
        most, order, told = 0, [], []

        async def ask(n: int) -> None:
            nonlocal most
            async with gate.ahead(told.append):
                most = max(most, gate.in_flight)
                await asyncio.sleep(0.01)
                order.append(n)

        await asyncio.gather(*(ask(n) for n in range(20)))
        assert set(told) == {None}
        return most, order, len(told)

    most, order, n_told = asyncio.run(go())
    assert (most, order, n_told) == (4, list(range(20)), 16)


def test_a_pause_that_the_endpoint_asked_a_run_for_holds_for_a_person_too() -> None:
    async def go() -> tuple[float, list[float | None]]:
        gate, told = Gate(max_in_flight=4), []
        await refuse_all(gate, 0.4)
        began = time.monotonic()
        async with gate.ahead(told.append):
            return time.monotonic() - began, told

    waited_s, told = asyncio.run(go())
    assert waited_s >= 0.35
    assert told and all(wait_s is not None and 0 < wait_s <= 0.4 for wait_s in told)


@pytest.mark.parametrize(
    ("ending", "asked_s", "after_s", "said"),
    [
        (
            "refused",
            86_400.0,
            0.0,
            "The endpoint refuses requests for now; it is asked again in 120 seconds.",
        ),
        ("refused", None, 3.0, "The endpoint refuses every request; one is tried about every second."),
        ("trouble", None, 3.0, "The endpoint fails every request; a few at a time are tried."),
        ("refused", None, 0.0, ""),
    ],
)
def test_what_holds_runs_up_is_said(
    ending: Ending, asked_s: float | None, after_s: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        gate = Gate(max_in_flight=4)
        assert not gate.held_up()
        while not gate.pace.is_closed:
            gate.leave(await gate.enter(), ending, asked_s)
        now = time.monotonic() + after_s
        monkeypatch.setattr(gate_module.time, "monotonic", lambda: now)
        assert gate.held_up() == said

    asyncio.run(go())


def test_giving_up_a_pause_leaves_the_gate_as_it_was() -> None:
    def give_up(_: float | None) -> None:
        raise RateLimitedError("Too long.")

    async def go() -> None:
        gate = Gate(max_in_flight=1, gives_way=True)
        await refuse_all(gate, 0.2)
        with pytest.raises(RateLimitedError):
            async with gate.ahead(give_up):
                raise AssertionError("not let in")
        assert gate.in_flight == 0
        await asyncio.wait_for(gate.enter(), 2)

    asyncio.run(go())


def test_what_a_persons_request_meets_slows_the_runs() -> None:
    async def go() -> None:
        gate = Gate(max_in_flight=4)
        while not gate.pace.is_closed:
            with pytest.raises(RateLimitedError):
                async with gate.ahead(quiet):
                    raise RateLimitedError("Slow down.", status=429, retry_after_s=30.0)
        assert gate.pace.wait_s(time.monotonic()) > 25
        assert gate.in_flight == 0

    asyncio.run(go())


@pytest.mark.parametrize("error", [ServerFailedError("Out of order."), asyncio.CancelledError()])
def test_a_request_of_a_person_that_fails_or_is_stopped_gives_its_place_back(error: BaseException) -> None:
    async def go() -> None:
        gate = Gate(max_in_flight=1, gives_way=True)
        with pytest.raises(type(error)):
            async with gate.ahead(quiet):
                raise error
        await asyncio.wait_for(gate.enter(), 2)
        assert gate.in_flight == 1

    asyncio.run(go())


@pytest.mark.parametrize("broken", ["ended", "forget"])
def test_a_fault_in_the_law_of_pace_keeps_no_place_and_wakes_who_waits_for_one(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def go() -> None:
        gate = Gate(max_in_flight=1)
        passed = await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0.02)
        monkeypatch.setattr(gate.pace, broken, fail)
        with pytest.raises(ZeroDivisionError):
            gate.leave(passed, "ok" if broken == "ended" else "cut")
        await asyncio.wait_for(waiting, 2)
        monkeypatch.setattr(gate.pace, "take", fail)
        with pytest.raises(ZeroDivisionError):
            async with gate.ahead(quiet):
                raise AssertionError("not let in")
        assert gate.in_flight == 1

    asyncio.run(go())
