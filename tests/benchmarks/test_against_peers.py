"""The benchmark beside peers, in small: what is asked and counted, whose rows are lost, what limits admit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import against_peers
from tests.benchmarks.contestants import (
    Work,
    bare_loop,
    inspect_answered,
    our_run,
    promptfoo,
    promptfoo_answered,
)
from tests.benchmarks.limits import (
    Bucket,
    Closed,
    FixedWindow,
    Halving,
    Limit,
    SlidingWindow,
    admitted_within,
    least_s,
)
from tests.benchmarks.scenarios import SCENARIOS, Scenario
from tests.conftest import wait_until

REFUSING = Scenario(
    "refuses and fails at random",
    {"latency_s": 0.05, "refused": 0.10, "retry_after": "0.05", "troubles": {"500": 0.03}, "seed": 4},
)


@pytest.mark.parametrize("way", [bare_loop, our_run])
def test_every_row_is_answered_once_by_an_endpoint_that_refuses_at_random(way: against_peers.Way) -> None:
    measured = against_peers.measure(way, REFUSING, Work(rows=100, in_flight=20, within_s=60))
    assert (measured.n_failed, measured.done.ended) == (0, True)
    assert measured.n_refused > 2
    n_failed = measured.n_sent - measured.n_refused - 100
    assert n_failed > 0  # The 500s of this seed.
    assert measured.most_in_flight <= 20
    assert measured.told("it", measured).split()[-7] == "1.00"


def test_whoever_takes_too_long_is_stopped_and_its_rows_are_missed() -> None:
    closed = Scenario("refuses everything", {"latency_s": 0.01, "limit": Closed(600)})
    for way in (bare_loop, our_run):
        measured = against_peers.measure(way, closed, Work(rows=5, in_flight=5, within_s=0.5))
        assert (measured.done.ended, measured.n_failed, measured.used) == (False, 5, None)
        assert "its time was up" in measured.told("it", None)


def test_what_is_used_of_a_limit_is_counted_midway() -> None:
    scenario = Scenario("a bucket", {"latency_s": 0.01, "limit": Bucket(50, 5)})
    measured = against_peers.measure(bare_loop, scenario, Work(rows=60, in_flight=2, within_s=60))
    assert measured.used is not None and measured.refused_midway is not None
    assert 0 < measured.used <= 1.1
    assert 0 < measured.refused_midway < 1


@pytest.mark.parametrize(
    ("limit", "seconds", "n"),
    [
        (Bucket(10, 20), 30, 20 + 300),
        (FixedWindow(600), 59, 600), (FixedWindow(600), 61, 1200),
        (SlidingWindow(50), 9.5, 500), (SlidingWindow(50, changes=((5, 10),)), 9.5, 250 + 50),
        (Halving(40), 19.9, 40 + 400 + 200), (Halving(8, least=5), 100, 8 + 80 + 450),
    ],
)  # fmt: skip
def test_limits_admit_what_they_say(limit: Limit, seconds: float, n: int) -> None:
    assert admitted_within(limit, seconds) == pytest.approx(n, abs=0.03 * n)
    assert admitted_within(limit, seconds) == pytest.approx(n, abs=0.03 * n), "asking used it up"
    reached_s = least_s(limit, n)
    assert admitted_within(limit, reached_s) >= n
    assert reached_s == 0 or admitted_within(limit, reached_s - 0.01) < n


def test_an_honest_wait_ends_when_the_door_opens() -> None:
    for limit in (Bucket(2, 1), FixedWindow(3, 10), SlidingWindow(3), Closed(4)):
        now = 0.5
        while (wait_s := limit.take(now)) is None:
            pass
        assert limit.take(now + wait_s - 0.01) is not None
        assert limit.take(now + wait_s + 1e-9) is None


def test_the_best_time_is_the_latency_or_the_limit() -> None:
    assert SCENARIOS["calm"].best_s(1000, 200) == 5.0
    assert SCENARIOS["bucket"].best_s(1000, 200) == pytest.approx(99, abs=1)
    assert SCENARIOS["closed"].best_s(1000, 200) == pytest.approx(61, abs=1)


def test_results_of_peers_are_counted_by_what_was_answered() -> None:
    answered = {"error": None, "output": {"choices": [{"message": {"content": "Yes."}}]}}
    failed = {"error": {"message": "500"}, "output": {"choices": []}}
    assert inspect_answered({"samples": [answered, answered, failed]}) == 2
    assert inspect_answered({"status": "error"}) == 0
    stats = {"successes": 7, "failures": 1, "errors": 2}
    assert promptfoo_answered({"results": {"stats": stats}}) == 8


def test_a_peer_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    command = tmp_path / "promptfoo"
    command.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\nwait\n")
    command.chmod(0o755)
    measured = against_peers.measure(promptfoo(str(command)), REFUSING, Work(rows=3, in_flight=1, within_s=3))
    assert (measured.done.ended, measured.n_failed, measured.n_sent) == (False, 3, 0)
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    wait_until(lambda: not child.exists() or child.read_text().split()[2] == "Z", what="the child's end")


def test_a_peer_that_is_not_here_is_told_with_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    ways = against_peers.found_ways(against_peers.parsed(["--promptfoo", "/nowhere/promptfoo"]))
    assert list(ways) == ["bare", "ours"]
    said = capsys.readouterr().out
    assert "pip install inspect-ai" in said and "npm install" in said


def test_scenarios_are_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert against_peers.parsed(["--scenarios", "all"]).scenarios == list(SCENARIOS)
    assert "window" not in against_peers.parsed([]).scenarios
    with pytest.raises(SystemExit):
        against_peers.parsed(["--scenarios", "calm,unheard-of"])
    assert "unheard-of" in capsys.readouterr().err
