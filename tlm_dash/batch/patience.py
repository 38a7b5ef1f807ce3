"""A person's request: through the gate ahead of all runs, and asked again where a run's would be."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.gate import Gate
from tlm_dash.batch.retries import PersonsTries
from tlm_dash.errors import EndpointError, RateLimitedError

T = TypeVar("T")
Tell = Callable[[str], None]

OTHERS_FIRST = "Other prompts are answered first."
COUNT_EVERY_S = 1.0


async def ask_patiently(
    address: Callable[[], Awaitable[EndpointAddress]], gate: Callable[[EndpointAddress], Gate],
    ask: Callable[[EndpointAddress], Awaitable[T]], tell: Tell, may_ask_again: Callable[[], bool],
) -> T:  # fmt: skip
    """Ask until there is an answer, or an error that a person is to see; `tell` says what is waited for.

    By the policy of runs (batch/retries.py), but no longer than a person bears. What was refused slows the
    runs at the same endpoint, and a pause that the endpoint asked one of them for holds here too. `address`
    is asked anew each time: the embedded endpoint may have been started again, at another port.
    `may_ask_again`: not where text of the answer has been seen, which another one would replace.
    """
    tries, chance = PersonsTries(), random.Random()

    def waits(pause_s: float | None) -> None:
        if pause_s is None:
            tell(OTHERS_FIRST)
            return
        if not tries.bears(pause_s):
            raise RateLimitedError(
                f"The endpoint asks for a pause of {math.ceil(pause_s)} seconds.",
                hint="Press Run again after that.", retry_after_s=pause_s,
            )  # fmt: skip
        tell(f"The endpoint asks for a pause: {_seconds(pause_s)} left.")

    while True:
        where = await address()
        try:
            async with gate(where).ahead(waits):
                tries.leaves()
                return await ask(where)
        except EndpointError as error:
            wait_s = tries.wait_s(error, chance) if may_ask_again() else None
            if wait_s is None:
                raise
            why = error.message
        await _count_down(wait_s, why, tell)


async def _count_down(wait_s: float, why: str, tell: Tell) -> None:
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0:
        tell(f"{why} It is asked again in {_seconds(left_s)}.")
        await asyncio.sleep(min(left_s, COUNT_EVERY_S))


def _seconds(seconds: float) -> str:
    n = math.ceil(seconds)
    return "1 second" if n == 1 else f"{n} seconds"
