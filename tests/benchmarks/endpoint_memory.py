"""Whether the embedded endpoint's memory stays flat: `python -m tests.benchmarks.endpoint_memory`.

Every row is another prompt, answered and scored, so that nothing comes out of a cache. Resident memory of the
endpoint and its model servers is told every hundred rows; the slope is fitted to the second half, after
everything that is allocated once has been.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator

import numpy as np

from tests.benchmarks.endpoint_under_test import EndpointUnderTest, running_endpoint
from tests.benchmarks.questions import load_questions

EVERY = 100
IN_FLIGHT = 4


async def watch(endpoint: EndpointUnderTest, n_rows: int, preset: str) -> list[tuple[int, float]]:
    """Answer and score n rows; gives resident MB after each hundred, first of all before any."""
    questions = load_questions()
    prompts = iter([f"{questions[n % len(questions)].question} (Question {n}.)" for n in range(n_rows)])
    seen = [(0, _memory(endpoint))]
    began, n_done = time.perf_counter(), 0

    async def work(left: Iterator[str]) -> None:
        nonlocal n_done
        for prompt in left:
            await endpoint.generate(prompt, preset)
            n_done += 1
            if n_done % EVERY == 0:
                seen.append((n_done, _memory(endpoint)))
                rate = (time.perf_counter() - began) / n_done
                print(f"{n_done:>6} rows {seen[-1][1]:8.0f} MB {rate:6.2f} s a row", flush=True)

    await asyncio.gather(*(work(prompts) for _ in range(IN_FLIGHT)))
    return seen


def _memory(endpoint: EndpointUnderTest) -> float:
    memory = endpoint.memory_mb()
    if memory is None:
        raise SystemExit("the memory of processes can be read on Linux only")
    return memory


async def _main(n_rows: int, preset: str) -> None:
    async with running_endpoint() as endpoint:
        seen = await watch(endpoint, n_rows, preset)
    print(f"before the first row {seen[0][1]:.0f} MB, after {n_rows:,} rows {seen[-1][1]:.0f} MB")
    later = seen[len(seen) // 2 :]
    if len(later) > 1:
        rows, memory = np.array(later).T
        slope = np.polyfit(rows, memory, 1)[0]
        print(f"slope of the second half {slope * 1000:.1f} MB per 1,000 rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--preset", default="base", choices=("base", "low", "medium"))
    parsed = parser.parse_args()
    asyncio.run(_main(parsed.rows, parsed.preset))


if __name__ == "__main__":
    main()
