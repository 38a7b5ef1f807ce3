"""The law of pace in simulated time: goals in a sample of all settings, bad days, and its single parts.

`python -m tests.benchmarks.pace_laws` prints the whole matrix, with the known laws beside ours.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.batch.pace_settings import (
    Setting,
    all_settings,
    both,
    changing_limits,
    constant_limits,
    judge,
    outages,
    random_refusals,
    slow_refusals,
)
from tests.batch.pace_simulation import BareLoop, Endpoint, Ours, TokenBucket, simulate
from tlm_dash.batch.admissions import Admissions, Sent
from tlm_dash.batch.closure import LONGEST_WAIT_S, Waits
from tlm_dash.batch.pace import Pace
from tlm_dash.batch.refusal_tests import HelpTest

CHEAP_REQUESTS = 15_000
"""Settings of more requests are for the benchmark."""


def is_cheap(setting: Setting) -> bool:
    most = max(setting.limit(t) for t in (0.0, setting.seconds / 2)) if setting.limit else 0.0
    return (setting.rows or most * setting.seconds) <= CHEAP_REQUESTS


def sample(settings: list[Setting], n: int) -> list[Setting]:
    return random.Random(7).sample([each for each in settings if is_cheap(each)], n)


def named(settings: list[Setting]) -> list[object]:
    return [pytest.param(each, id=each.name) for each in settings]


def test_there_are_settings_of_every_kind() -> None:
    settings = all_settings()
    assert len(settings) >= 300
    assert len({each.name for each in settings}) == len(settings)
    assert {each.in_flight for each in settings} >= {1, 8, 50, 200, 500}


NO_LIMIT = [*random_refusals(), *outages(), *(each for each in slow_refusals() if each.limit is None)]


@pytest.mark.parametrize("setting", named(sample(NO_LIMIT, 60)))
def test_what_comes_at_random_or_in_bursts_does_not_slow_a_run_down(setting: Setting) -> None:
    verdict = judge(setting, Ours(setting.in_flight))
    assert not verdict.misses, verdict


@pytest.mark.parametrize("setting", named(sample([s for s in constant_limits() if s.asks_no_more], 40)))
def test_a_limit_that_nobody_told_is_used_and_rarely_hit(setting: Setting) -> None:
    verdict = judge(setting, Ours(setting.in_flight))
    assert not verdict.misses, verdict


HARD = [*changing_limits(), *both(), *(each for each in constant_limits() if not each.asks_no_more)]


@pytest.mark.parametrize("setting", named(sample(HARD, 24)))
def test_in_the_hardest_settings_nothing_collapses(setting: Setting) -> None:
    verdict = judge(setting, Ours(setting.in_flight))
    assert verdict.used is not None and verdict.used > 0.6, verdict
    assert verdict.refused - setting.chance < 0.35, verdict
    assert "silent" not in verdict.misses, verdict


# Bad days


def test_an_endpoint_that_refuses_everything_for_a_minute_is_only_tried_and_then_used_at_once() -> None:
    endpoint = Endpoint(1.0, refuses_all_until=60.0)
    run = simulate(Ours(200), endpoint, rows=1000)
    assert sum(at < 60 for at in run.sent) < 100
    assert run.longest_silence_s() <= 2
    assert run.ended_at < 60 + 15 and run.n_failed == 0


@pytest.mark.parametrize("asked_s", [86_400.0, 1e300])
def test_a_wait_of_a_day_is_cut_to_two_minutes_and_believed_less_and_less(asked_s: float) -> None:
    endpoint = Endpoint(0.3, limit=TokenBucket(lambda _: 10.0, 20.0), retry_after=asked_s)
    run = simulate(Ours(20), endpoint, seconds=3600)
    assert run.longest_silence_s() <= LONGEST_WAIT_S + 1
    assert run.used(1800, 3600, lambda _: 10.0) > 0.8


def test_a_limit_that_halves_every_ten_seconds_is_followed_down() -> None:
    def rate(now: float) -> float:
        return max(1.0, 400.0 / 2 ** (now // 10))

    endpoint = Endpoint(0.3, limit=TokenBucket(rate, 100.0))
    run = simulate(Ours(200), endpoint, seconds=300)
    assert run.used(10, 90, rate) > 0.7
    assert run.used(150, 300, rate) > 0.8
    assert run.refused_share() < 0.3


def test_a_clock_that_jumps_ahead_lets_no_burst_out() -> None:
    pace = Pace(per_minute=60)
    pace.take(10.0)
    sent, now = 0, 10.0 + 86_400
    for _ in range(1000):
        if pace.wait_s(now) <= 0:
            pace.take(now)
            sent += 1
    assert sent <= 2


def test_a_fixed_rate_is_kept() -> None:
    pace, now, sent = Pace(per_minute=60), 100.0, 0
    while now < 160:
        if pace.wait_s(now) <= 0:
            pace.ended(now + 0.01, pace.take(now), "admitted")
            sent += 1
        else:
            now += 0.05
    assert 59 <= sent <= 62


@pytest.mark.parametrize(("in_flight", "latency_s"), [(8, 0.3), (50, 1.0), (200, 1.0)])
@pytest.mark.parametrize("fails", [0.1, 0.3])
def test_failures_at_random_do_not_take_the_places(in_flight: int, latency_s: float, fails: float) -> None:
    def endpoint() -> Endpoint:
        return Endpoint(latency_s, fails=fails, chance=random.Random(1))

    rows = max(300, 10 * in_flight)
    ours, bare = (simulate(law, endpoint(), rows=rows) for law in (Ours(in_flight), BareLoop(in_flight)))
    assert ours.ended_at <= 2 * bare.ended_at


@pytest.mark.parametrize("seed", range(5))
def test_a_burst_of_failures_does_not_use_up_the_tries_of_all_rows(seed: int) -> None:
    def endpoint() -> Endpoint:
        return Endpoint(1.0, outage=(20.0, 6.0), chance=random.Random(seed))

    ours = simulate(Ours(200, seed), endpoint(), rows=4000, seed=seed)
    bare = simulate(BareLoop(200), endpoint(), rows=4000, seed=seed)
    assert ours.n_failed <= max(bare.n_failed, 40)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_whatever_happens_there_is_a_next_request_and_no_wait_is_endless(
    seed: int, refused: float, trouble: float
) -> None:
    chance, pace, now = random.Random(seed), Pace(chance=random.Random(seed)), 1.0
    under_way: list[Sent] = []
    for _ in range(400):
        wait_s = pace.wait_s(now)
        assert 0 <= wait_s < LONGEST_WAIT_S + 1e-6
        assert pace.per_s is None or pace.per_s > 0
        if wait_s == 0 and len(under_way) < 50:
            under_way.append(pace.take(now))
        elif wait_s > 0:
            now += min(wait_s, chance.choice([0.001, 0.1, 1.0, 100.0]))
        if under_way and chance.random() < 0.7:
            sent = under_way.pop(chance.randrange(len(under_way)))
            outcome = (
                "refused" if chance.random() < refused else "trouble" if chance.random() < trouble else None
            )
            asked_s = chance.choice([None, 0.0, 0.01, 5.0, 1e9])
            if chance.random() < 0.05:
                pace.forget(sent, now)
            else:
                pace.ended(now, sent, outcome or "admitted", asked_s)
        now += chance.choice([0.0, 0.001, 0.01, 1.0])


# Single parts


def test_refusals_that_come_first_are_counted_in_the_order_of_sending() -> None:
    admissions = Admissions()
    sent = [admissions.take(n / 100, is_try=False) for n in range(100)]
    for one in sent[::10]:
        admissions.end(one, "refused", one.at + 0.005)
    # Nothing has been answered yet, and still one in ten is what is refused.
    list(admissions.settle(1.1))
    assert admissions.stretch.settled == 100
    assert admissions.stretch.share == pytest.approx(0.1)


def test_what_was_taken_for_admitted_and_is_refused_after_all_is_counted_anew() -> None:
    admissions = Admissions()
    quick, slow = admissions.take(0.0, is_try=False), admissions.take(0.01, is_try=False)
    admissions.end(quick, "refused", 0.005)
    list(admissions.settle(1.0))
    assert (admissions.admitted, admissions.stretch.refused) == (1, 1)
    assert admissions.end(slow, "refused", 2.0)
    assert (admissions.admitted, admissions.stretch.refused) == (0, 2)


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.1, "stays"), (0.3, "stays"), (0.02, "falls"), (0.0, "falls")]
)
def test_whether_it_helps_to_be_slower_is_told_within_its_error(share: float, verdict: str) -> None:
    wrong = 0
    for seed in range(300):
        chance, test = random.Random(seed), HelpTest(max(share, 0.1))
        while test.verdict is None:
            test.take(refused=chance.random() < share)
        wrong += test.verdict != verdict
    assert wrong <= 10


def test_a_wait_that_is_longer_than_needed_is_believed_by_half_and_one_that_is_meant_is_kept() -> None:
    waits = Waits(random.Random(1))
    assert waits.after(20.0) == 20.0
    assert waits.after(20.0) == 10.0
    waits.note(refused=False)
    assert waits.are_needless and waits.after(20.0) == 5.0
    waits.note(refused=True)
    assert not waits.are_needless and waits.after(20.0) == 20.0
    assert waits.after(1.0) == 1.0


def test_one_refusal_holds_up_nobody_else() -> None:
    pace = Pace()
    sent = pace.take(10.0)
    pace.ended(10.1, sent, "refused", 30.0)
    assert pace.wait_s(10.1) == 0
