"""What the pace does with the tries of a closed endpoint, with late refusals, and where it opens again."""

from __future__ import annotations

import random

import pytest

from tlm_dash.batch.admissions import Outcome, Sent
from tlm_dash.batch.closure import Waits
from tlm_dash.batch.pace import Pace


def close_it(pace: Pace, now: float, outcome: Outcome) -> None:
    """Let everything that leaves at a moment end alike, until the endpoint is only tried."""
    while not pace.is_closed:
        pace.ended(now, pace.take(now), outcome)


def when_open(pace: Pace, now: float) -> float:
    """Give the first moment from which a request may leave."""
    for _ in range(1000):
        if (wait_s := pace.wait_s(now)) <= 0:
            return now
        now += wait_s
    raise AssertionError("it never opens")


def test_a_try_that_is_cut_off_makes_room_for_the_next_one_at_once() -> None:
    pace = Pace()
    close_it(pace, 10.0, "refused")
    now = when_open(pace, 10.0)
    sent = pace.take(now)
    assert pace.wait_s(now) > 0
    pace.forget(sent, now)
    assert pace.wait_s(now) == 0 and pace.is_closed


def test_what_left_before_everything_was_refused_is_obeyed_when_its_refusal_comes() -> None:
    pace = Pace()
    older = pace.take(9.9)
    close_it(pace, 10.0, "refused")
    pace.ended(10.1, older, "refused", 30.0)
    assert pace.paused_s(10.1) == pytest.approx(30.0)


def test_refusals_that_come_later_than_any_before_slow_the_requests_down_too() -> None:
    pace = Pace()
    pace.ended(1.005, pace.take(1.0), "refused")
    slow = [pace.take(2.0) for _ in range(40)]
    # Old enough to be taken for admitted: refusals took five milliseconds until now.
    assert pace.wait_s(3.0) == 0
    for sent in slow:
        pace.ended(4.0, sent, "refused")
    assert pace.per_s is not None


@pytest.mark.parametrize(("ends_after_s", "tries"), [(0.01, 20), (60.0, 8)])
def test_an_endpoint_that_fails_everything_is_tried_ten_times_a_second_by_eight_at_once(
    ends_after_s: float, tries: int
) -> None:
    pace, now = Pace(), 10.0
    # Each failure takes three seconds: until nine are over, none of the tries has outlived them.
    for sent in [pace.take(7.0) for _ in range(8)]:
        pace.ended(now, sent, "trouble")
    left: list[Sent] = []
    n_tried = 0
    for step in range(200):
        now = 10.1 + step / 100
        while left and now - left[0].at > ends_after_s:
            pace.ended(now, left.pop(0), "trouble")
        if pace.wait_s(now) <= 0:
            left.append(pace.take(now))
            n_tried += 1
    assert pace.is_closed
    assert n_tried == pytest.approx(tries, abs=2 if tries > 8 else 0)


def test_where_it_opens_requests_leave_one_by_one_at_the_rate_that_was_measured() -> None:
    pace, now = Pace(), 10.0
    for _ in range(100):
        now += 0.1
        pace.ended(now, pace.take(now), "admitted")
    close_it(pace, now, "refused")
    now = when_open(pace, now)
    pace.ended(now, pace.take(now), "admitted")
    assert not pace.is_closed and pace.per_s is not None
    assert pace.wait_s(now) == pytest.approx(1 / pace.per_s)


def test_an_endpoint_that_means_its_waits_is_tested_ever_more_rarely() -> None:
    waits, tested = Waits(random.Random(1)), []
    for n in range(60):
        waits.after(20.0)
        if waits.is_testing:
            tested.append(n)
            waits.note(refused=True)
    gaps = [b - a for a, b in zip(tested, tested[1:], strict=False)]
    assert gaps == sorted(gaps) and gaps[-1] >= 16
