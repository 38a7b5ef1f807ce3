"""A run against an endpoint with a rate limit that nobody tells: how much of it is used, how often it is hit.

`python -m tests.benchmarks.rate_limit [--seconds 200] [--per-minute 600] [--burst 20] [--retry-after]
[--latency 0.3] [--max-in-flight N]`. The endpoint is a token bucket in a process of its own. Goals, over what
comes after the first 20 s: 95% of the limit, and over everything at most 3% of the requests answered 429.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.simulated_endpoint import SimulatedEndpoint
from tests.services.running import MODEL
from tests.services.stored import make_dataset
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.settings import load_settings

FINDING_S = 20.0


@dataclass(frozen=True)
class Used:
    """What was made of a limit: `share` of it after the first seconds, and the share of refused requests."""

    share: float
    refused: float
    refused_later: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} of the limit, {self.refused:.2%} of {self.n} requests refused "
            f"({self.refused_later:.2%} after the first seconds)"
        )


def measure(
    *, seconds: float, per_minute: float, burst: int, retry_after: bool, latency_s: float,
    max_in_flight: int | None = None, finding_s: float = FINDING_S,
) -> Used:  # fmt: skip
    """Let a run that is too long for it meet a rate limit, for some seconds from its first request on."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SimulatedEndpoint(
            latency_s=latency_s,
            sigma=0.35,
            per_minute=per_minute,
            burst=burst,
            retry_after="1" if retry_after else None,
        ) as endpoint,
    ):
        environment = {"BASE_URL": endpoint.base_url, "TLM_DASH_DATA_DIR": folder}
        dashboard = Dashboard(load_settings(environment, env_file=Path(folder) / "none"))
        dashboard.start()
        try:
            while not dashboard.store_settled:
                time.sleep(0.01)
            dataset_id = make_dataset(dashboard.store, int(per_minute / 60 * seconds * 2) + 100)
            request = RunRequest(dataset_id, (MODEL,), ("low",), limits=Limits(max_in_flight=max_in_flight))
            (run_id,) = runs.start(dashboard, request)
            while not endpoint.stats()["n"]:
                time.sleep(0.01)
            time.sleep(seconds)
            stats = endpoint.stats()
            runs.pause(dashboard, [run_id])
        finally:
            dashboard.stop()
    began = min(stats["admitted_at"])
    later = began + finding_s
    admitted = sum(at >= later for at in stats["admitted_at"])
    refused = sum(at >= later for at in stats["refused_at"])
    span = stats["now"] - later
    return Used(
        admitted / (span * per_minute / 60), stats["n_refused"] / stats["n"],
        refused / max(1, admitted + refused), stats["n"],
    )  # fmt: skip


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--per-minute", type=float, default=600.0)
    parser.add_argument("--burst", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--max-in-flight", type=int)
    parser.add_argument("--retry-after", action="store_true")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    used = measure(
        seconds=options.seconds, per_minute=options.per_minute, burst=options.burst,
        retry_after=options.retry_after, latency_s=options.latency, max_in_flight=options.max_in_flight,
    )  # fmt: skip
    print(used)
    print(f"goals: 95% of the limit {'reached' if used.share >= 0.95 else 'MISSED'}, ", end="")
    print(f"3% refused {'kept' if used.refused <= 0.03 else 'MISSED'}; load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
