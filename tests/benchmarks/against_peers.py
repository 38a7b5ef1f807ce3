"""A run beside a bare loop with retries, Inspect and promptfoo, over real servers with bad days.

`python -m tests.benchmarks.against_peers [--scenarios all] [--rows 1000] [--in-flight 200]
[--peers bare,inspect,promptfoo]`. Each has a server of its own that behaves the same. The bare loop is the
baseline: as many rows at a time, each tried until it is answered, with Retry-After where it is told and else
0.5 s, doubled up to 8 s; it stores nothing. Inspect and promptfoo are commands in environments of their own,
with the number in flight told and everything else at their defaults (both retry by themselves; promptfoo
leaves some failures as they are). "time" is from the start to the end, for the peers with the start of their
command, "asking" from the first request to the last answer. "used" of a limit is what was admitted while the
rows went from 30% to 90%, beside what the limit would have admitted in that time.

Goals: at most twice the bare loop's time where there is no limit; where there is one, 90% of it used and 5%
refused in that middle part.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.contestants import Done, Way, Work, bare_loop, inspect, our_run, promptfoo
from tests.benchmarks.limits import admitted_within
from tests.benchmarks.scenarios import SCENARIOS, WITHOUT_LIMIT, Scenario
from tests.benchmarks.simulated_endpoint import SimulatedEndpoint

MOST_TIMES, LEAST_USED, MOST_REFUSED = 2.0, 0.90, 0.05
COMMANDS = {"inspect": inspect, "promptfoo": promptfoo}
RETRIES = {
    "inspect": "tries without end, after 3 s and twice as long each time, whatever Retry-After says",
    "promptfoo": "tries a 429 some times, after Retry-After if that is in whole seconds, else after a "
    "minute; a 500 is left as it is",
}
"""What the sources of Inspect 0.3 and promptfoo 0.121 say of how they retry."""

INSTALL = {
    "inspect": "python -m venv ~/inspect; ~/inspect/bin/pip install inspect-ai openai; "
    "then --inspect ~/inspect/bin/inspect",
    "promptfoo": "npm install --prefix ~/promptfoo promptfoo (0.121 for Node 20); "
    "then --promptfoo ~/promptfoo/node_modules/.bin/promptfoo",
}


@dataclass(frozen=True)
class Measured:
    """What came of one way: its own account, and the server's."""

    done: Done
    rows: int
    asking_s: float
    n_sent: int
    n_refused: int
    most_in_flight: int
    longest_pause_s: float
    used: float | None
    refused_midway: float | None

    @property
    def n_failed(self) -> int:
        """Rows that it gave no answer for."""
        return self.rows - self.done.n_answered

    def told(self, name: str, baseline: Measured | None) -> str:
        """Give the line of the table."""
        times = "" if baseline is None else f"{self.done.wall_s / baseline.done.wall_s:.2f}"
        used = "" if self.used is None else f"{self.used:.0%}"
        line = (
            f"  {name:<10}{self.done.wall_s:8.1f} s{self.asking_s:9.1f} s{times:>8}{self.n_sent:8,}"
            f"{self.n_refused / max(1, self.n_sent):9.1%}{self.n_failed:8,}{self.longest_pause_s:8.1f} s"
            f"{self.most_in_flight:9}{used:>7}"
        )
        return line if self.done.ended else f"{line}  (stopped: its time was up)"


HEAD = (
    f"  {'':<10}{'time':>10}{'asking':>11}{'× bare':>8}{'sent':>8}{'refused':>9}{'failed':>8}"
    f"{'longest':>10}{'most in':>9}{'used':>7}\n{'':<12}{'':>46}{'':>8}{'pause':>10}{'flight':>9}"
)


def measure(way: Way, scenario: Scenario, work: Work) -> Measured:
    """Let one way meet a server that nobody else talks to."""
    with SimulatedEndpoint(**scenario.behaviour) as endpoint:
        done = way(endpoint.base_url, work)
        stats = endpoint.stats()
    used, refused = midway(stats, scenario, work.rows)
    return Measured(
        done, work.rows, stats["ended_at"] - stats["first_at"], stats["n"], stats["n_refused"],
        stats["most_in_flight"], stats["longest_pause_s"], used, refused,
    )  # fmt: skip


def midway(stats: Mapping[str, Any], scenario: Scenario, rows: int) -> tuple[float | None, float | None]:
    """Give how much of a limit was used, and which share was refused, from 30% to 90% of the rows."""
    admitted = [at - stats["first_at"] for at in stats["admitted_at"]]
    first, last = int(rows * 0.3), int(rows * 0.9)
    if scenario.limit is None or len(admitted) <= last:
        return None, None
    since, until = admitted[first], admitted[last]
    possible = admitted_within(scenario.limit, until) - admitted_within(scenario.limit, since)
    n_refused = sum(since < at - stats["first_at"] <= until for at in stats["refused_at"])
    return (last - first) / max(1, possible), n_refused / (n_refused + last - first)


def goals(ours: Measured, baseline: Measured | None) -> str:
    """Say which goals ours reached, or "" where none is to be said."""
    if ours.used is not None and ours.refused_midway is not None:
        reached = ours.used >= LEAST_USED and ours.refused_midway <= MOST_REFUSED
        said = f"ours uses {ours.used:.0%} of the limit, {ours.refused_midway:.1%} refused midway"
    elif baseline is not None:
        times = ours.done.wall_s / baseline.done.wall_s
        reached, said = times <= MOST_TIMES, f"ours takes {times:.2f} times the bare loop's time"
    else:
        return ""
    return f"  {said}: goal {'reached' if reached and not ours.n_failed else 'MISSED'}"


def found_ways(options: argparse.Namespace) -> dict[str, Way]:
    """Give the ways that can be measured here, and say what to install for the others."""
    wanted = [name.strip() for name in options.peers.split(",") if name.strip()]
    ways: dict[str, Way] = {"bare": bare_loop} if "bare" in wanted else {}
    ways["ours"] = our_run
    for name, way in COMMANDS.items():
        if name not in wanted:
            continue
        command = getattr(options, name) or shutil.which(name)
        if command is None or not os.access(command, os.X_OK):
            print(f"{name} is not here. To have it beside: {INSTALL[name]}")
            continue
        ways[name] = way(os.path.abspath(command))
        print(f"{name} {version(command)}, {RETRIES[name]}")
    return ways


def version(command: str) -> str:
    """Ask a command for its version."""
    said = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=120, check=False)
    return said.stdout.strip().splitlines()[-1] if said.stdout.strip() else "(tells no version)"


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument(
        "--scenarios", default=",".join(WITHOUT_LIMIT), help=f"all, or some of {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--peers", default="bare,inspect,promptfoo")
    parser.add_argument("--inspect", help="Inspect's command, where it is not on the path")
    parser.add_argument("--promptfoo", help="promptfoo's command, where it is not on the path")
    parser.add_argument("--within", type=float, default=900.0, help="seconds that each may take")
    options = parser.parse_args(arguments)
    chosen = list(SCENARIOS) if options.scenarios == "all" else options.scenarios.split(",")
    unknown = [name for name in chosen if name not in SCENARIOS]
    if unknown:
        parser.error(f"unknown scenarios: {', '.join(unknown)}")
    options.scenarios = chosen
    return options


def main() -> int:
    """Run and print."""
    options = parsed()
    ways = found_ways(options)
    work = Work(options.rows, options.in_flight, options.within)
    print(f"{work.rows:,} rows, {work.in_flight} in flight; load {os.getloadavg()[0]:.1f}")
    for name in options.scenarios:
        scenario = SCENARIOS[name]
        best_s = scenario.best_s(work.rows, work.in_flight)
        print(f"\n{name}: {scenario.told}; at best {best_s:.1f} s\n{HEAD}", flush=True)
        measured: dict[str, Measured] = {}
        for who, way in ways.items():
            measured[who] = measure(way, scenario, work)
            print(measured[who].told(who, measured.get("bare")), flush=True)
        said = goals(measured["ours"], measured.get("bare"))
        if said:
            print(said, flush=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
