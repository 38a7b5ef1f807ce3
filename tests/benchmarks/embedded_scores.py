"""Measures what the embedded endpoint's scores are worth: AUROC by mode and preset, over the real wire API.

    python -m tests.benchmarks.embedded_scores [--quick] [--json FILE] [--half HALF] [--base-url URL]

Four questions are in flight at a time. Modes: answers that the endpoint makes itself, asked for briefly or
not, scored as they are made ("generate"); the same answers handed back without log-probabilities ("given");
and right and wrong responses that a person wrote ("given, written"). Presets are compared on the same
responses. Memory is that of the endpoint and its children.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.benchmarks.endpoint_under_test import EndpointUnderTest, running_endpoint
from tests.benchmarks.questions import BREVITY, Question, halves, load_questions, written_responses
from tlm_dash.analysis.ranking import Estimate, auroc, auroc_difference

PRESETS = ("base", "low", "medium")
IN_FLIGHT = 4
QUICK_QUESTIONS = 24

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Row:
    """One scored response: `score` is None where there was none, `seconds` is the request's own time."""

    question: Question
    response: str
    right: bool
    score: float | None
    token_probability: float | None
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """The rows of one mode and preset, and the wall time of all of them together."""

    mode: str
    preset: str
    rows: list[Row]
    wall_s: float


async def measure(endpoint: EndpointUnderTest, questions: list[Question]) -> list[Measurement]:
    """Run all modes at all presets, telling progress on standard error."""
    found: list[Measurement] = []
    for style, suffix in (("brief", BREVITY), ("plain", "")):
        for preset in PRESETS:

            async def generated(question: Question, preset: str = preset, suffix: str = suffix) -> Row:
                return await _generate(endpoint, question, question.question + suffix, preset)

            found.append(await _measure(f"generate, {style}", preset, questions, generated))
        answers = [(row.question, row.response, row.right) for row in found[-len(PRESETS)].rows]
        found += await _given(endpoint, f"given, {style}", suffix, answers)
    return found + await _given(endpoint, "given, written", "", written_responses(questions))


async def _given(
    endpoint: EndpointUnderTest, mode: str, suffix: str, answers: list[tuple[Question, str, bool]]
) -> list[Measurement]:
    found = []
    for preset in PRESETS:

        async def scored(answer: tuple[Question, str, bool], preset: str = preset) -> Row:
            question, response, right = answer
            started = time.perf_counter()
            reply = await endpoint.score(question.question + suffix, response, preset)
            return Row(question, response, right, _score(reply), None, time.perf_counter() - started)

        found.append(await _measure(mode, preset, answers, scored))
    return found


async def _generate(endpoint: EndpointUnderTest, question: Question, prompt: str, preset: str) -> Row:
    started = time.perf_counter()
    reply = await endpoint.generate(prompt, preset)
    seconds = time.perf_counter() - started
    choice = reply["choices"][0]
    text = choice["message"]["content"] or ""
    tokens = (choice.get("logprobs") or {}).get("content") or []
    mean = statistics.fmean(math.exp(token["logprob"]) for token in tokens) if tokens else None
    return Row(question, text, question.is_right(text), _score(reply), mean, seconds)


def _score(reply: dict[str, Any]) -> float | None:
    value = reply["tlm_metadata"]["trustworthiness_score"]
    return None if value is None else float(value)


async def _measure(
    mode: str, preset: str, jobs: Iterable[T], work: Callable[[T], Awaitable[Row]]
) -> Measurement:
    started = time.perf_counter()
    rows = await _in_flight(list(jobs), work)
    found = Measurement(mode, preset, rows, time.perf_counter() - started)
    print(f"{mode} {preset}: {len(rows)} rows in {found.wall_s:.0f} s", file=sys.stderr, flush=True)
    return found


async def _in_flight(jobs: list[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Work through the jobs, IN_FLIGHT at a time, results in the jobs' order."""
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one(job: T) -> R:
        async with places:
            return await work(job)

    return list(await asyncio.gather(*(one(job) for job in jobs)))


def summary(measurement: Measurement) -> dict[str, Any]:
    """Return the figures of one mode and preset."""
    rows = measurement.rows
    labels = [int(row.right) for row in rows]
    return {
        "mode": measurement.mode,
        "preset": measurement.preset,
        "n": len(rows),
        "n_unscored": sum(row.score is None for row in rows),
        "accuracy": statistics.fmean(labels),
        "auroc": asdict(auroc(labels, _numbers(row.score for row in rows))),
        "auroc_token_probability": asdict(auroc(labels, _numbers(row.token_probability for row in rows))),
        "seconds_per_row": measurement.wall_s / len(rows),
        "median_latency_s": statistics.median(row.seconds for row in rows),
    }


def preset_differences(measurements: list[Measurement]) -> list[dict[str, Any]]:
    """Return, per mode and pair of presets, the paired difference of their AUROCs on equal responses."""
    found = []
    by_mode: dict[str, dict[str, Measurement]] = {}
    for measurement in measurements:
        by_mode.setdefault(measurement.mode, {})[measurement.preset] = measurement
    for mode, by_preset in by_mode.items():
        for a, b in (("base", "low"), ("low", "medium"), ("base", "medium")):
            pairs = [
                (left, right)
                for left, right in zip(by_preset[a].rows, by_preset[b].rows, strict=True)
                if left.response == right.response
            ]
            difference = auroc_difference(
                [int(left.right) for left, _ in pairs],
                _numbers(left.score for left, _ in pairs),
                _numbers(right.score for _, right in pairs),
            )
            found.append({"mode": mode, "a": a, "b": b, "difference": asdict(difference)})
    return found


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _told(figures: dict[str, Any]) -> str:
    """Return an estimate as text: value [low, high]."""
    estimate = Estimate(**figures)
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def table(report: dict[str, Any]) -> str:
    """Return the report as text."""
    head = ("mode", "preset", "n", "right", "AUROC [95%]", "token probability alone", "s/row", "median s")
    lines = [
        (
            row["mode"], row["preset"], str(row["n"]), f"{row['accuracy']:.2f}", _told(row["auroc"]),
            _told(row["auroc_token_probability"]), f"{row['seconds_per_row']:.2f}",
            f"{row['median_latency_s']:.2f}",
        )
        for row in report["measurements"]
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in (head, *lines)]  # fmt: skip
    text.append("\nDo presets rank differently? AUROC differences on the same responses:")
    for pair in report["differences"]:
        figures = pair["difference"]
        clear = figures["low"] is not None and (figures["low"] > 0 or figures["high"] < 0)
        verdict = "the interval excludes 0" if clear else f"not distinguishable on these {figures['n']} rows"
        text.append(f"  {pair['mode']}: {pair['b']} - {pair['a']} = {_told(figures)}: {verdict}")
    text.append(
        f"\nMemory: {report['memory_mb_start']} MB at the start, {report['memory_mb_warm']} MB after "
        f"{report['n_warm']} requests, {report['memory_mb_end']} MB after {report['n_requests']}."
    )
    return "\n".join(text)


async def run(questions: list[Question], base_url: str | None) -> dict[str, Any]:
    """Measure and return the whole report as plain data."""
    async with running_endpoint(base_url) as endpoint:
        start = endpoint.memory_mb()
        warm = await _in_flight(
            questions[:IN_FLIGHT], lambda question: endpoint.generate(question.question, "medium")
        )
        after_warm = endpoint.memory_mb()
        measurements = await measure(endpoint, questions)
        end = endpoint.memory_mb()
    return {
        "n_questions": len(questions),
        "in_flight": IN_FLIGHT,
        "measurements": [summary(measurement) for measurement in measurements],
        "differences": preset_differences(measurements),
        "n_warm": len(warm),
        "n_requests": len(warm) + sum(len(measurement.rows) for measurement in measurements),
        "memory_mb_start": start and round(start),
        "memory_mb_warm": after_warm and round(after_warm),
        "memory_mb_end": end and round(end),
    }


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.embedded_scores", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_QUESTIONS} questions")
    parser.add_argument("--half", choices=("unseen", "fitting"), default="unseen")
    parser.add_argument("--base-url", help="a running endpoint instead of one started here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    fitting, unseen = halves(load_questions())
    questions = unseen if arguments.half == "unseen" else fitting
    if arguments.quick:
        questions = questions[:: max(len(questions) // QUICK_QUESTIONS, 1)]
    report = asyncio.run(run(questions, arguments.base_url)) | {"half": arguments.half}
    print(table(report))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
