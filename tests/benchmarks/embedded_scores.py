"""Measures what the embedded endpoint's scores are worth: AUROC by mode and preset, over the real wire API.

    python -m tests.benchmarks.embedded_scores [--quick] [--json FILE] [--half HALF] [--base-url URL]

Four requests are in flight at a time. Modes: answers that the endpoint makes itself, asked for briefly or not
("generate"; low and medium score the base run's answers with their log-probabilities, which is what they do
with answers of their own); the same answers handed back without log-probabilities ("given"); and right and
wrong responses that a person wrote ("given, written"). So presets are compared on the same responses. Time is
taken apart, on answers made anew at every preset, and memory is that of the endpoint and its children.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.benchmarks.endpoint_under_test import EndpointUnderTest, running_endpoint
from tests.benchmarks.questions import BREVITY, Question, halves, load_questions, written_responses
from tlm_dash.analysis.paired_ranking import auroc_difference
from tlm_dash.analysis.ranking import auroc

PRESETS = ("base", "low", "medium")
IN_FLIGHT = 4
STYLES = {"brief": BREVITY, "plain": ""}
TIMED_QUESTIONS = 40
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
    logprobs: dict[str, Any] | None
    seconds: float

    @property
    def token_probability(self) -> float | None:
        """Mean probability of the answer's tokens, where they are known."""
        tokens = (self.logprobs or {}).get("content")
        return statistics.fmean(math.exp(token["logprob"]) for token in tokens) if tokens else None


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
    for style, suffix in STYLES.items():

        async def generated(question: Question, suffix: str = suffix) -> Row:
            return await _generate(endpoint, question, question.question + suffix, PRESETS[0])

        first = await _measure(f"generate, {style}", PRESETS[0], questions, generated)
        bare = [replace(row, logprobs=None) for row in first.rows]
        found += [first, *await _scored(endpoint, first.mode, suffix, first.rows, PRESETS[1:])]
        found += await _scored(endpoint, f"given, {style}", suffix, bare, PRESETS)
    written = [Row(*response, None, None, 0.0) for response in written_responses(questions)]
    return found + await _scored(endpoint, "given, written", "", written, PRESETS)


async def _scored(
    endpoint: EndpointUnderTest, mode: str, suffix: str, answers: list[Row], presets: Sequence[str]
) -> list[Measurement]:
    found = []
    for preset in presets:

        async def scored(answer: Row, preset: str = preset) -> Row:
            prompt = answer.question.question + suffix
            started = time.perf_counter()
            reply = await endpoint.score(prompt, answer.response, preset, answer.logprobs)
            return replace(answer, score=_score(reply), seconds=time.perf_counter() - started)

        found.append(await _measure(mode, preset, answers, scored))
    return found


async def timings(endpoint: EndpointUnderTest, questions: list[Question]) -> dict[str, dict[str, float]]:
    """Return seconds a row and median latency by preset, of plain questions answered and scored anew."""
    found = {}
    for preset in PRESETS:

        async def generated(question: Question, preset: str = preset) -> Row:
            return await _generate(endpoint, question, question.question, preset)

        measured = await _measure("timing", preset, questions[:TIMED_QUESTIONS], generated)
        found[preset] = {
            "seconds_per_row": measured.wall_s / len(measured.rows),
            "median_latency_s": statistics.median(row.seconds for row in measured.rows),
        }
    return found


async def _generate(endpoint: EndpointUnderTest, question: Question, prompt: str, preset: str) -> Row:
    started = time.perf_counter()
    reply = await endpoint.generate(prompt, preset)
    seconds = time.perf_counter() - started
    choice = reply["choices"][0]
    text = choice["message"]["content"] or ""
    return Row(question, text, question.is_right(text), _score(reply), choice.get("logprobs"), seconds)


def _score(reply: dict[str, Any]) -> float | None:
    value = reply["tlm_metadata"]["trustworthiness_score"]
    return None if value is None else float(value)


async def _measure(
    mode: str, preset: str, jobs: Iterable[T], work: Callable[[T], Awaitable[Row]]
) -> Measurement:
    started = time.perf_counter()
    rows = await _in_flight(list(jobs), work)
    found = Measurement(mode, preset, rows, time.perf_counter() - started)
    area = _told(asdict(auroc([row.right for row in rows], _numbers(row.score for row in rows))))
    print(f"{mode} {preset}: {len(rows)} rows, {area}, {found.wall_s:.0f} s", file=sys.stderr, flush=True)
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
                if left.response == right.response and None not in (left.score, right.score)
            ]
            labels = [int(left.right) for left, _ in pairs]
            difference = auroc_difference(
                labels,
                _numbers(left.score for left, _ in pairs),
                labels,
                _numbers(right.score for _, right in pairs),
            )
            found.append({"mode": mode, "a": a, "b": b, "difference": asdict(difference)})
    return found


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _told(figures: dict[str, Any]) -> str:
    """Return an estimate as text: value [low, high]."""
    if figures["value"] is None:
        return "–"
    if figures["low"] is None or figures["high"] is None:
        return f"{figures['value']:.3f}"
    return f"{figures['value']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]"


def table(report: dict[str, Any]) -> str:
    """Return the report as text."""
    head = ("mode", "preset", "n", "right", "AUROC [95%]", "token probability alone", "s/row")
    lines = [
        (
            row["mode"], row["preset"], str(row["n"]), f"{row['accuracy']:.2f}", _told(row["auroc"]),
            _told(row["auroc_token_probability"]), f"{row['seconds_per_row']:.2f}",
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
    text.append(f"\nA plain question answered and scored, {IN_FLIGHT} in flight:")
    for preset, timed in report["timings"].items():
        seconds, latency = timed["seconds_per_row"], timed["median_latency_s"]
        text.append(f"  {preset}: {seconds:.2f} s a row, median latency {latency:.2f} s")
    text.append("\nWhat one score of the bundled model takes:")
    for preset, cost in report["cost_per_score"].items():
        tokens = f"{cost['input_tokens']:.0f} + {cost['output_tokens']:.0f} tokens"
        text.append(f"  {preset}: {cost['n_model_calls']:.1f} calls, {tokens}")
    return "\n".join(text)


def scoring_costs() -> dict[str, dict[str, float]]:
    """Return mean calls and tokens of one score by preset, counted in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scoring_cost"]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


async def run(questions: list[Question], base_url: str | None) -> dict[str, Any]:
    """Measure and return the whole report as plain data."""
    async with running_endpoint(base_url) as endpoint:
        start = endpoint.memory_mb()
        warm = await _in_flight(
            questions[:IN_FLIGHT], lambda question: endpoint.generate(question.question, "medium")
        )
        after_warm = endpoint.memory_mb()
        measurements = await measure(endpoint, questions)
        timed = await timings(endpoint, questions)
        end = endpoint.memory_mb()
    return {
        "n_questions": len(questions),
        "in_flight": IN_FLIGHT,
        "measurements": [summary(measurement) for measurement in measurements],
        "differences": preset_differences(measurements),
        "timings": timed,
        "n_warm": len(warm),
        "n_requests": len(warm)
        + len(PRESETS) * min(len(questions), TIMED_QUESTIONS)
        + sum(len(measurement.rows) for measurement in measurements),
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
    report = asyncio.run(run(questions, arguments.base_url)) | {
        "half": arguments.half,
        "cost_per_score": scoring_costs(),
    }
    print(table(report))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
