"""The settings that a law of pace is judged in: endpoints of every kind, and what is asked of a run there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tests.batch.pace_simulation import (
    BareLoop,
    Endpoint,
    FixedWindow,
    Law,
    Limit,
    Rate,
    Run,
    SlidingWindow,
    TokenBucket,
    simulate,
)

USED, REFUSED, SLOWDOWN, SILENCE_S = 0.90, 0.05, 2.0, 1.0
"""The goals: at least so much of a limit used, at most so many refused, both in the second half of a run; at
most so many times the time of a bare loop; no silence longer than this beyond what was asked for."""

REFUSED_BESIDE_CHANCE = 0.15
"""Where refusals come at random beside a limit, its own are told apart less well: so many more may come."""

LATENCIES = ((0.05, 0.35), (0.3, 0.35), (1.0, 1.0), (5.0, 0.35))
"""Median in seconds, and sigma of the lognormal: 1.0 is a heavy tail."""

RetryAfter = float | Literal["honest"] | None


@dataclass(frozen=True)
class Setting:
    """An endpoint, how many requests may be under way, and how long it is watched."""

    name: str
    in_flight: int
    endpoint: Callable[[], Endpoint]
    rows: int | None = None
    seconds: float = 0.0
    limit: Rate | None = None
    asked_s: float = 0.0
    chance: float = 0.0

    @property
    def asks_no_more(self) -> bool:
        """Tell whether the endpoint asks for no longer waits than are needed."""
        return "asks 20.0 s" not in self.name

    @property
    def most_refused(self) -> float:
        """Give the goal for the share of refused requests, where there is a limit."""
        return self.chance + REFUSED_BESIDE_CHANCE if self.chance else REFUSED

    def run(self, law: Law, seed: int = 1) -> Run:
        """Let a run meet the endpoint."""
        endpoint = self.endpoint()
        endpoint.chance = random.Random(seed)
        if self.rows is not None:
            return simulate(law, endpoint, rows=self.rows, seed=seed)
        return simulate(law, endpoint, seconds=self.seconds, seed=seed)


@dataclass(frozen=True)
class Verdict:
    """What a law made of a setting. `used` is None where there is no limit, `slowdown` where there is one."""

    setting: Setting
    used: float | None
    refused: float
    slowdown: float | None
    silence_s: float
    n_failed: int

    @property
    def misses(self) -> list[str]:
        """Name the goals that are missed."""
        missed = []
        if self.used is not None:
            missed += ["used"] * (self.used < USED) + ["refused"] * (self.refused > self.setting.most_refused)
        elif self.slowdown is not None:
            missed += ["slow"] * (self.slowdown > SLOWDOWN)
        return missed + ["silent"] * (self.silence_s > SILENCE_S + self.setting.asked_s)

    @property
    def badness(self) -> float:
        """Say how far it is from its goals: 1 where it just meets them."""
        if self.used is not None:
            return max(USED / max(self.used, 1e-3), self.refused / self.setting.most_refused)
        return (self.slowdown or 0.0) / SLOWDOWN


def judge(setting: Setting, law: Law, seed: int = 1) -> Verdict:
    """Let a law run in a setting, beside a bare loop where there is no limit."""
    run = setting.run(law, seed)
    if setting.limit is None:
        bare = setting.run(BareLoop(setting.in_flight), seed)
        slowdown = run.ended_at / bare.ended_at
        # What waits for the last rows tells nothing of the law: the policy of retries is everybody's.
        bare_silence_s = bare.longest_silence_s()
        silence_s = max(0.0, run.longest_silence_s() - max(bare_silence_s, _latency_s(setting)))
        return Verdict(setting, None, run.refused_share(), slowdown, silence_s, run.n_failed)
    half = setting.seconds / 2
    slowest = min(setting.limit(setting.seconds * k / 1000) for k in range(1000))
    silence_s = max(0.0, run.longest_silence_s() - max(1 / slowest, _latency_s(setting)))
    used = run.used(half, setting.seconds, setting.limit)
    return Verdict(setting, used, run.refused_share(half), None, silence_s, run.n_failed)


def _latency_s(setting: Setting) -> float:
    endpoint = setting.endpoint()
    return endpoint.latency_s * (10.0 if endpoint.sigma > 0.5 else 3.0)


def families() -> dict[str, list[Setting]]:
    """Give the whole matrix, by what it is about."""
    return {
        "refused at random": list(random_refusals()),
        "bursts of 500s": list(outages()),
        "a constant limit": [each for each in constant_limits() if each.asks_no_more],
        "the same, longer waits asked for": [each for each in constant_limits() if not each.asks_no_more],
        "a limit that changes": list(changing_limits()),
        "refused as late as answered": list(slow_refusals()),
        "a limit, and at random": list(both()),
    }


def all_settings() -> list[Setting]:
    """Give the whole matrix."""
    return [setting for settings in families().values() for setting in settings]


def rows_for(in_flight: int) -> int:
    """Give so many rows that a run of them has a beginning, a middle and an end."""
    return max(300, min(3000, 10 * in_flight))


def random_refusals() -> Iterator[Setting]:
    """Endpoints without a limit that refuse some requests, whatever the rate, and fail 3%."""
    for n, (latency_s, sigma), p in product((1, 8, 50, 200, 500), LATENCIES, (0.0, 0.03, 0.1, 0.3)):
        for asks in (None, 0.05, 1.0) if p else (None,):
            yield Setting(
                f"random {p:.0%} of {n} x {latency_s:g} s, asks {_words(asks)}", n,
                lambda latency_s=latency_s, sigma=sigma, p=p, asks=asks: Endpoint(
                    latency_s, sigma, refuses=p, fails=0.03, retry_after=asks
                ),
                rows=rows_for(n), asked_s=asks or 0.0,
            )  # fmt: skip
    for n, asks in product((8, 200), (30.0, 86_400.0)):
        yield Setting(
            f"random 3% of {n} x 0.3 s, asks {_words(asks)}", n,
            lambda asks=asks: Endpoint(0.3, refuses=0.03, retry_after=asks), rows=rows_for(n), asked_s=asks,
        )  # fmt: skip


def outages() -> Iterator[Setting]:
    """Bursts of 500s: each minute some seconds in which nothing works."""
    for n, (latency_s, sigma), length_s in product((1, 8, 50, 200, 500), LATENCIES, (1.0, 4.0)):
        yield Setting(
            f"500s for {length_s:g} s of 20, {n} x {latency_s:g} s", n,
            lambda latency_s=latency_s, sigma=sigma, length_s=length_s: Endpoint(
                latency_s, sigma, outage=(20.0, length_s)
            ),
            rows=rows_for(n) * 5,
        )  # fmt: skip


def limits_of(kind: str, per_s: Rate, burst: float) -> Limit:
    """Make a limit of a kind."""
    if kind == "bucket":
        return TokenBucket(per_s, burst)
    if kind == "window 60 s":
        return FixedWindow(per_s, 60.0, 17.0)
    if kind == "window 10 s":
        return FixedWindow(per_s, 10.0, 3.0)
    return SlidingWindow(per_s, 60.0)


KINDS = ("bucket", "window 60 s", "window 10 s", "sliding 60 s")
_SECONDS = {1.0: 1200.0, 10.0: 600.0, 100.0: 360.0}


def constant_limits() -> Iterator[Setting]:
    """Limits that stay as they are, met with more in flight than they let through."""
    asked: tuple[RetryAfter, ...] = (None, "honest", 0.05, 20.0)
    for kind, per_s, asks in product(KINDS, _SECONDS, asked):
        for n, latency_s in ((20, 0.3), (200, 1.0), (500, 2.0)):
            if n / latency_s >= 1.5 * per_s:
                yield _limited(kind, f"{per_s:g}/s", _constant(per_s), per_s, n, latency_s, asks)


def changing_limits() -> Iterator[Setting]:
    """Limits that change while a run goes on."""
    ways: dict[str, Callable[[float, float], float]] = {
        "halves after 1/4": lambda t, span: 1.0 if t < span / 4 else 0.5,
        "doubles after 1/4": lambda t, span: 0.5 if t < span / 4 else 1.0,
        "swings by a third": lambda t, span: 1.0 if t // (span / 5) % 2 else 0.67,
    }
    asked: tuple[RetryAfter, ...] = (None, "honest")
    for kind, (way, factor), per_s, asks in product(
        ("bucket", "sliding 60 s"), ways.items(), (10.0, 100.0), asked
    ):
        span = 2 * _SECONDS[per_s]
        for n, latency_s in ((20, 0.1), (200, 1.0)):
            yield _limited(
                kind, f"{per_s:g}/s that {way}",
                lambda t, factor=factor, per_s=per_s, span=span: per_s * factor(t, span),
                per_s, n, latency_s, asks,
                seconds=span,
            )  # fmt: skip


def slow_refusals() -> Iterator[Setting]:
    """Endpoints that think as long about a refusal as about an answer."""
    for n, latency_s, p, asks in product((8, 200), (0.3, 2.0), (0.1, 0.3), (None, 1.0)):
        yield Setting(
            f"random {p:.0%} of {n} x {latency_s:g} s, refused as late, asks {_words(asks)}", n,
            lambda latency_s=latency_s, p=p, asks=asks: Endpoint(
                latency_s, refuses=p, retry_after=asks, refusal_takes_s=latency_s
            ),
            rows=rows_for(n), asked_s=asks or 0.0,
        )  # fmt: skip
    for kind, per_s, asks in product(("bucket", "window 60 s"), (10.0, 100.0), (None, "honest")):
        yield _limited(
            kind, f"{per_s:g}/s, refused after 1 s,", _constant(per_s), per_s, 200, 1.0,
            "honest" if asks else None, refusal_takes_s=1.0,
        )  # fmt: skip


def both() -> Iterator[Setting]:
    """Endpoints with a limit that refuse at random, too."""
    for per_s, p, asks in product((10.0, 100.0), (0.03, 0.1, 0.3), (None, "honest")):
        yield Setting(
            f"bucket {per_s:g}/s and random {p:.0%} met by 200 x 1 s, asks {_words(asks)}", 200,
            lambda per_s=per_s, p=p, asks=asks: Endpoint(
                1.0, limit=TokenBucket(_constant(per_s), 2 * per_s), refuses=p, retry_after=asks
            ),
            seconds=_SECONDS[per_s], limit=_constant(per_s), chance=p,
        )  # fmt: skip


def _limited(
    kind: str, what: str, rate: Rate, per_s: float, n: int, latency_s: float, asks: RetryAfter, *,
    seconds: float | None = None, refusal_takes_s: float = 0.005,
) -> Setting:  # fmt: skip
    def endpoint() -> Endpoint:
        limit = limits_of(kind, rate, max(2.0, 2 * per_s))
        return Endpoint(latency_s, limit=limit, retry_after=asks, refusal_takes_s=refusal_takes_s)

    window_s = 60.0 if "60" in kind else 10.0
    # Without a word of the endpoint, a window that is used up is closed until its end.
    asked_s = {"honest": window_s, None: 0.0}.get(asks, asks)
    name = f"{kind} {what} met by {n} x {latency_s:g} s, asks {_words(asks)}"
    return Setting(
        name, n, endpoint, seconds=seconds or _SECONDS[per_s], limit=rate, asked_s=float(asked_s or 0.0)
    )


def _constant(per_s: float) -> Rate:
    return lambda _: per_s


def _words(asks: RetryAfter) -> str:
    return {None: "nothing", "honest": "honestly"}.get(asks, f"{asks} s")
