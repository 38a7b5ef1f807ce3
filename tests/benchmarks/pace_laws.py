"""Laws of pace in simulated time, in all settings: which goals each of them reaches.

`python -m tests.benchmarks.pace_laws [--laws ours,aimd,gradient,bucket] [--every 1] [--seed 1] [--missed N]`.
The settings are those of tests/batch/pace_settings.py; the baseline without a limit is a bare loop with the
same retries and as many at once, in the same settings. Goals: at least 90% of a limit used and at most 5% of
the requests refused, in the second half of a run; at most 2 times the time of the bare loop where there is no
limit; no silence of more than a second beyond what the endpoint asked for.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.batch.known_laws import Aimd, FittedBucket, Gradient
from tests.batch.pace_settings import Setting, families, judge
from tests.batch.pace_simulation import Law, Ours

LAWS: dict[str, Callable[[int], Law]] = {
    "ours": Ours, "aimd": Aimd, "gradient": Gradient, "bucket": FittedBucket,
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a law made of a setting, as it travels between processes."""

    law: str
    family: str
    name: str
    used: float | None
    refused: float
    slowdown: float | None
    silence_s: float
    n_failed: int
    badness: float
    misses: tuple[str, ...]

    def __str__(self) -> str:
        what = f"{self.slowdown or 0:.2f} x the bare loop" if self.used is None else f"{self.used:.0%} used"
        silent = f", silent for {self.silence_s:.1f} s more than asked" if "silent" in self.misses else ""
        return f"{self.name}: {what}, {self.refused:.1%} refused{silent}"


def all_of() -> list[tuple[str, Setting]]:
    """Give all settings with their family."""
    return [(family, setting) for family, settings in families().items() for setting in settings]


def find(task: tuple[str, int, int]) -> Found:
    """Let a law run in a setting."""
    law, n, seed = task
    family, setting = all_of()[n]
    verdict = judge(setting, LAWS[law](setting.in_flight), seed)
    return Found(
        law, family, setting.name, verdict.used, verdict.refused, verdict.slowdown, verdict.silence_s,
        verdict.n_failed, verdict.badness, tuple(verdict.misses),
    )  # fmt: skip


def compare(laws: Iterable[str], every: int = 1, seed: int = 1) -> list[Found]:
    """Let laws run in every so many-th setting, on all cores."""
    tasks = [(law, n, seed) for law in laws for n in range(0, len(all_of()), every)]
    with ProcessPoolExecutor() as pool:
        return list(pool.map(find, tasks, chunksize=4))


def table(found: list[Found]) -> str:
    """Lay out by family in how many settings each law reaches its goals, and its worst figures.

    These are the time against the bare loop, and the least used and the most refused of a limit.
    """
    by_family: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        by_family[one.family][one.law].append(one)
        by_family["all"][one.law].append(one)
    laws = list(dict.fromkeys(one.law for one in found))
    lines = [f"{'settings':<34} {'n':>4}" + "".join(f"{law:>26}" for law in laws)]
    for family, by_law in sorted(by_family.items(), key=lambda pair: pair[0] == "all"):
        cells = (_cell(by_law[law]) for law in laws)
        lines.append(f"{family:<34} {len(by_law[laws[0]]):>4}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def _cell(found: list[Found]) -> str:
    reached = f"{sum(not one.misses for one in found) / len(found):.0%}"
    slowdowns = [one.slowdown for one in found if one.slowdown is not None]
    limited = [one for one in found if one.used is not None]
    worst = [f"{max(slowdowns):.1f} x"] if slowdowns else []
    if limited:
        used, refused = min(one.used or 0.0 for one in limited), max(one.refused for one in limited)
        worst.append(f"{used:.0%}/{refused:.0%}")
    return f"{reached:>4}, {' '.join(worst)}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--laws", default=",".join(LAWS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--missed", type=int, default=20, help="so many settings that ours misses are named")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = compare(options.laws.split(","), options.every, options.seed)
    print(table(found))
    print("settings that reach all goals; worst: times the bare loop, least of a limit used / most refused")
    missed = sorted((one for one in found if one.law == "ours" and one.misses), key=lambda one: -one.badness)
    print(f"\nours misses a goal in {len(missed)} settings" + (", worst first:" if missed else ""))
    for one in missed[: options.missed]:
        print(f"  {one}")


if __name__ == "__main__":
    main()
