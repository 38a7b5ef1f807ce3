"""The engine: tasks by key, cancellation, and an end that waits for the last words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import wait_until
from tlm_dash.batch.engine import EndpointAddress, Engine
from tlm_dash.batch.live import LiveBoard


@pytest.fixture
def engine() -> Iterator[Engine]:
    running = Engine()
    running.start_thread()
    yield running
    running.stop()


async def forever() -> None:
    await asyncio.Event().wait()


def test_it_answers_on_one_thread_of_its_own(engine: Engine) -> None:
    async def thread() -> int:
        return threading.get_ident()

    idents = {engine.ask(thread(), timeout_s=5) for _ in range(3)}
    assert len(idents) == 1 and threading.get_ident() not in idents


def test_what_a_question_raises_reaches_the_one_who_asked(engine: Engine) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        engine.ask(fail(), timeout_s=5)


def test_a_question_that_takes_too_long_is_given_up(engine: Engine) -> None:
    with pytest.raises(TimeoutError):
        engine.ask(forever(), timeout_s=0.05)


def test_tasks_are_listed_and_cancelled_by_key(engine: Engine) -> None:
    engine.start("a", forever)
    engine.start("b", forever)
    assert set(engine.running()) == {"a", "b"}
    assert engine.cancel("a")
    wait_until(lambda: engine.running() == ("b",))
    assert not engine.cancel("a")


def test_a_task_that_fails_is_logged_and_leaves(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug")

    engine.start("broken", fail)
    wait_until(lambda: not engine.running())
    assert "The task broken failed" in caplog.text


def test_stopping_waits_for_what_tasks_have_to_write() -> None:
    engine = Engine()
    engine.start_thread()
    written: list[str] = []

    async def task() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
            written.append("stopped")
            raise

    engine.start("task", task)
    engine.stop()
    assert written == ["stopped"]
    with pytest.raises(RuntimeError, match="not running"):
        engine.ask(forever(), timeout_s=1)
    engine.stop()


def test_there_is_one_client_for_an_address_and_none_tells_its_key(engine: Engine) -> None:
    async def clients() -> list[object]:
        addresses = [EndpointAddress(f"http://127.0.0.1:{port}/api", "sk-secret") for port in (1, 1, 2)]
        return [engine.client(address) for address in addresses]

    one, same, other = engine.ask(clients(), timeout_s=10)
    assert one is same and one is not other
    assert "sk-secret" not in repr(EndpointAddress("http://x/api", "sk-secret"))


def test_the_board_keeps_the_text_from_phase_to_phase() -> None:
    board = LiveBoard()
    board.enter("e", "r", "waiting")
    board.enter("e", "r", "answering")
    board.add_text("e", "r", "Hel")
    board.add_text("e", "r", "lo")
    board.add_text("e", "unknown", "lost")
    board.enter("e", "r", "scoring")
    assert board.cells("e")["r"].text == "Hello"
    assert board.entries_under_way() == {"e"}
    board.enter("e", "r", "unsaved", note="disk full")
    assert board.entries_under_way() == set()
    board.leave("e", "r")
    assert board.cells("e") == {}
