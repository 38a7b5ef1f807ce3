"""The one background loop: everything that talks to an endpoint runs here, on one thread.

Pages and commands are synchronous; they `start` a task under a key, or `ask` for one answer and wait.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.settings import shown_url

T = TypeVar("T")
logger = logging.getLogger(__name__)

GIL_SWITCH_S = 0.001
"""How long a thread may keep the interpreter from another one. With Python's 5 ms a commit, which needs it a
dozen times while the loop is busy, takes three times as long, and requests wait for commits."""

STOP_WITHIN_S = 5.0
"""How long stopping waits for tasks to write down that they were stopped."""


@dataclass(frozen=True)
class EndpointAddress:
    """What identifies a connection: one client is kept for each address.

    `serves_at_once` is how many requests it works on at once where that is known: of the embedded endpoint.
    """

    base_url: str
    api_key: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 120.0
    speaks_tlm: bool = True
    serves_at_once: int | None = None

    @property
    def gate_name(self) -> str:
        """Give the name that the endpoint's gate is kept under: the embedded one may move to another port."""
        return self.base_url if self.serves_at_once is None else "embedded"

    def __repr__(self) -> str:
        return f"EndpointAddress({shown_url(self.base_url)!r})"


class Engine:
    """One thread with one asyncio loop, one client per endpoint, and named tasks that can be cancelled."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._clients: dict[EndpointAddress, EndpointClient] = {}
        # Guards _tasks, which pages read (running) while the loop's thread changes it.
        self._tasks_lock = threading.Lock()

    def start_thread(self) -> None:
        """Start the loop's thread and return once the loop runs."""
        sys.setswitchinterval(min(sys.getswitchinterval(), GIL_SWITCH_S))
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="engine")
        self._thread.start()
        started.wait()

    def _serve(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.call_soon(started.set)
            self._loop.run_forever()

    def client(self, address: EndpointAddress) -> EndpointClient:
        """Give the one client of an address. To be called on the loop."""
        if address not in self._clients:
            self._clients[address] = EndpointClient(
                address.base_url,
                api_key=address.api_key,
                headers=dict(address.headers),
                timeout_s=address.timeout_s,
                speaks_tlm=address.speaks_tlm,
            )
        return self._clients[address]

    def start(self, key: str, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a task under a key that no other task has; RuntimeError where one has.

        A failure that the task does not handle itself is logged: it is a bug.
        """

        async def begin() -> None:
            self.start_here(key, task)

        self.ask(begin(), timeout_s=STOP_WITHIN_S)

    def start_here(self, key: str, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a task as `start` does, when already on the loop."""

        async def watched() -> None:
            try:
                await task()
            except asyncio.CancelledError:
                raise
            except Exception:
                logger.exception("The task %s failed", key)
            finally:
                with self._tasks_lock:
                    self._tasks.pop(key, None)

        with self._tasks_lock:
            if key in self._tasks:
                raise RuntimeError(f"a task {key} is under way already")
            self._tasks[key] = asyncio.create_task(watched(), name=key)

    def cancel(self, key: str) -> bool:
        """Cancel the task under a key; tells whether there was one."""
        with self._tasks_lock:
            task = self._tasks.get(key)
        if task is None or self._loop is None:
            return False
        self._loop.call_soon_threadsafe(task.cancel)
        return True

    def running(self) -> tuple[str, ...]:
        """List the keys of the tasks under way."""
        with self._tasks_lock:
            return tuple(self._tasks)

    def ask(self, question: Coroutine[Any, Any, T], *, timeout_s: float) -> T:
        """Run a coroutine on the loop and wait for its result. Raises TimeoutError, and what it raises."""
        if self._loop is None or not self._loop.is_running():
            question.close()
            raise RuntimeError("the engine is not running")
        future: Future[T] = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """Cancel every task, let each write down that it was stopped, close the clients, end the thread."""
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return
        try:
            self.ask(self._wind_down(), timeout_s=2 * STOP_WITHIN_S)
        except TimeoutError:
            logger.error("Some tasks did not stop within %s s", 2 * STOP_WITHIN_S)
        finally:
            # Whatever went wrong above: a thread that stays would keep the whole process from ending.
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    async def _wind_down(self) -> None:
        with self._tasks_lock:
            tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        for client in self._clients.values():
            try:
                await client.close()
            except Exception:
                logger.exception("A client did not close")
        self._clients.clear()
