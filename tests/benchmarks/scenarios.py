"""Endpoints as they are met, each for a server of its own: what they refuse, how they fail, what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.limits import Bucket, Closed, FixedWindow, Halving, Limit, SlidingWindow, least_s


@dataclass(frozen=True)
class Scenario:
    """A way to behave. `behaviour` are the fields of the simulated endpoint's."""

    told: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limit(self) -> Limit | None:
        """Give the limit that is there to be used; a closed door is none."""
        limit: Limit | None = self.behaviour.get("limit")
        return None if isinstance(limit, Closed) else limit

    def best_s(self, rows: int, in_flight: int) -> float:
        """Give the time of somebody who knows it all: nothing is refused, nothing fails."""
        mean_s = self.behaviour["latency_s"] * math.exp(self.behaviour.get("sigma", 0.0) ** 2 / 2)
        admitted_s = least_s(self.behaviour.get("limit"), rows)
        return max(rows / in_flight * mean_s, admitted_s + mean_s)


def _faulty(told: str, **behaviour: object) -> Scenario:
    return Scenario(told, {"latency_s": 1.0, "refused": 0.10, "troubles": {"500": 0.03}} | behaviour)


SCENARIOS = {
    "random-1": _faulty("1 s, 10% refused at random with Retry-After 1, 3% fail", retry_after="1"),
    "random-0.05": _faulty("1 s, 10% refused at random with Retry-After 0.05, 3% fail", retry_after="0.05"),
    "random-silent": _faulty("1 s, 10% refused at random without Retry-After, 3% fail"),
    "random-day": _faulty(
        "1 s, 10% refused at random, each asking for a wait of a day, 3% fail", retry_after="86400"
    ),
    "heavy-tail": _faulty(
        "0.5 s by the median with a heavy tail (sigma 1.2), 10% refused without Retry-After, 3% fail",
        latency_s=0.5, sigma=1.2,
    ),
    "calm": Scenario("1 s, nothing refused, nothing fails", {"latency_s": 1.0}),
    "window": Scenario(
        "1 s, a window of 600 requests each minute, honest Retry-After",
        {"latency_s": 1.0, "limit": FixedWindow(600), "retry_after": "honest"},
    ),
    "bucket": Scenario(
        "1 s, a token bucket of 600 a minute, 20 at once, without Retry-After",
        {"latency_s": 1.0, "limit": Bucket(10, 20)},
    ),
    "changing": Scenario(
        "1 s, at most 50 in any second, from 8 s on 10, from 30 s on 50, without Retry-After",
        {"latency_s": 1.0, "limit": SlidingWindow(50, changes=((8, 10), (30, 50)))},
    ),
    "halving": Scenario(
        "1 s, 40 a second, which halves every ten seconds down to 5, with Retry-After 1",
        {"latency_s": 1.0, "limit": Halving(40), "retry_after": "1"},
    ),
    "closed": Scenario(
        "1 s, everything refused for a minute without Retry-After, then nothing",
        {"latency_s": 1.0, "limit": Closed(60)},
    ),
}  # fmt: skip

WITHOUT_LIMIT = tuple(name for name, scenario in SCENARIOS.items() if "limit" not in scenario.behaviour)
