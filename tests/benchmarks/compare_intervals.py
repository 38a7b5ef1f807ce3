"""How often the intervals of a comparison hold the truth: `python -m tests.benchmarks.compare_intervals`.

Binormal scores of two runs over the same labelled rows, with known AUROCs, and pairs of right and wrong with
known accuracies. Goals: the interval of the AUROC difference holds the truth in at least 93% wherever there
are 30 right and 30 wrong rows, and in at most 97% where no AUROC is above .9; `b_not_inferior` is said of a
run that is worse by the margin in at most (1 − c) / 2 plus three simulation standard errors. `--short` takes
fewer settings and datasets.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.paired_ranking import auroc_difference
from tlm_dash.analysis.pairs import accuracy_difference

DATASETS, FEW_DATASETS = 2_000, 200
LEAST, MOST, HIGHEST_FOR_MOST = 0.93, 0.97, 0.9


@dataclass(frozen=True)
class Setting:
    """So many right and wrong rows, the AUROC of both runs, and how far their scores go together."""

    n_right: int
    n_wrong: int
    auroc_a: float
    auroc_b: float
    correlation: float
    prompts: int = 1
    """Rows of each prompt; they share half of the noise of their scores."""


@dataclass(frozen=True)
class Measured:
    """Share of datasets whose interval holds the truth, and whose lower end lies above it."""

    covered: float
    too_high: float
    n: int

    @property
    def error(self) -> float:
        """Give the simulation's standard error of a share near that of the nominal tail."""
        return math.sqrt(0.025 * 0.975 / self.n)


SETTINGS = (
    Setting(30, 30, 0.8, 0.8, 0.5), Setting(30, 30, 0.9, 0.9, 0.8), Setting(30, 30, 0.98, 0.93, 0.5),
    Setting(30, 30, 0.99, 0.99, 0.5), Setting(170, 30, 0.86, 0.83, 0.7), Setting(30, 170, 0.9, 0.85, 0.7),
    Setting(170, 30, 0.98, 0.93, 0.8), Setting(425, 75, 0.86, 0.83, 0.7), Setting(400, 100, 0.76, 0.76, 0.9),
    Setting(850, 150, 0.86, 0.86, 0.95), Setting(425, 75, 0.86, 0.83, 0.7, prompts=5),
)  # fmt: skip
SHORT_SETTINGS = (SETTINGS[0], SETTINGS[2], SETTINGS[4], SETTINGS[10])

ACCURACIES = (
    (50, 0.85, 0.05, 0.05), (200, 0.9, 0.03, 0.06), (200, 0.98, 0.01, 0.01), (1000, 0.8, 0.08, 0.11),
)  # fmt: skip
"""Pairs, share both right, share only b, share only a."""


def drawn(setting: Setting, draw: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Draw labels, scores of both runs and prompts; rows of one prompt have one label."""
    labels = np.r_[np.ones(setting.n_right), np.zeros(setting.n_wrong)]
    prompts = np.arange(len(labels)) // setting.prompts
    labels = labels[prompts * setting.prompts]
    scores = []
    shared = _noise(prompts, setting, draw)
    for area in (setting.auroc_a, setting.auroc_b):
        own = _noise(prompts, setting, draw)
        noise = math.sqrt(setting.correlation) * shared + math.sqrt(1 - setting.correlation) * own
        scores.append(noise + math.sqrt(2) * norm.ppf(area) * labels)
    return labels, scores[0], scores[1], prompts


def _noise(prompts: np.ndarray, setting: Setting, draw: np.random.Generator) -> np.ndarray:
    own = draw.standard_normal(len(prompts))
    if setting.prompts == 1:
        return own
    of_prompt = draw.standard_normal(prompts[-1] + 1)[prompts]
    return math.sqrt(0.5) * own + math.sqrt(0.5) * of_prompt


def auroc_coverage(setting: Setting, n: int, seed: int = 0) -> Measured:
    """Simulate the interval of the AUROC difference."""
    draw = np.random.default_rng(seed)
    truth = setting.auroc_b - setting.auroc_a

    def figures() -> Iterator[Figure]:
        for _ in range(n):
            labels, a, b, prompts = drawn(setting, draw)
            yield auroc_difference(labels, a, labels, b, prompts=prompts if setting.prompts > 1 else None)

    return _measured(figures(), truth, n)


def accuracy_coverage(
    pairs: int, both: float, only_b: float, only_a: float, n: int, seed: int = 0
) -> Measured:
    """Simulate the interval of the accuracy difference."""
    draw = np.random.default_rng(seed)
    counts = draw.multinomial(pairs, [both, only_a, only_b, 1 - both - only_a - only_b], n)

    def figures() -> Iterator[Figure]:
        for kinds in counts:
            a = np.repeat([1.0, 1.0, 0.0, 0.0], kinds)
            b = np.repeat([1.0, 0.0, 1.0, 0.0], kinds)
            yield accuracy_difference(a, b)

    return _measured(figures(), only_b - only_a, n)


def _measured(figures: Iterator[Figure], truth: float, n: int) -> Measured:
    covered = too_high = 0
    for figure in figures:
        assert figure.low is not None and figure.high is not None
        covered += figure.low <= truth <= figure.high
        too_high += figure.low > truth
    return Measured(covered / n, too_high / n, n)


def main() -> None:
    """Print coverage and the share of wrong non-inferiority beside the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    n = FEW_DATASETS if short else DATASETS
    print("difference of AUROC: right wrong  AUROC a, b  correlation  covered  lower end above the truth")
    for setting in SHORT_SETTINGS if short else SETTINGS:
        found = auroc_coverage(setting, n)
        print(
            f"  {setting.n_right:>5} {setting.n_wrong:>5}   {setting.auroc_a:.2f} {setting.auroc_b:.2f}   "
            f"{setting.correlation:.2f}  x{setting.prompts}   {found.covered:.3f}   {found.too_high:.4f} "
            f"(at most {0.025 + 3 * found.error:.4f} where that is the margin)"
        )
    print("difference of accuracy: pairs  both  only b  only a  covered  lower end above the truth")
    for pairs, both, only_b, only_a in ACCURACIES:
        found = accuracy_coverage(pairs, both, only_b, only_a, n)
        print(
            f"  {pairs:>5}  {both:.2f} {only_b:.2f} {only_a:.2f}   {found.covered:.3f}   {found.too_high:.4f}"
        )


if __name__ == "__main__":
    main()
