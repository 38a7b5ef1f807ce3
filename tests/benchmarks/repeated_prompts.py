"""Runs whose prompts repeat, with what is true of their rows: settings of the simulated guarantee.

All rows of a prompt are right or wrong together, which is the worst that can be. `truth` "new prompts": later
rows are of prompts like these; their share of wrong rows lies just above the target over the whole run.
`truth` "the run": the share of wrong ones among the run's own accepted rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.labelled_sample import LabelledSample, heavy_rows
from tlm_dash.analysis.threshold_grid import threshold_grid
from tlm_dash.analysis.thresholds import guaranteed_threshold

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CONFIDENCE = 0.95
LONGEST = 50


@dataclass(frozen=True)
class Repeated:
    """`n_prompts` prompts asked as often as a geometric number of that mean, at most 50 times.

    `grows`: the more often a prompt is asked, the more often it is wrong. `sampled` rows are labelled, all
    where it is 0. `heavy` is the share of the rows that one prompt more has, whose answer is wrong where
    `heavy_is_wrong`. `risk` is the true share of wrong rows.
    """

    name: str
    n_prompts: int
    mean: float
    risk: float
    max_risk: float
    truth: str
    grows: bool = False
    sampled: int = 0
    heavy: float = 0.0
    heavy_is_wrong: bool = False
    goal: float = 0.0


REPEATED = (
    Repeated("new prompts, mean 4", 500, 4, 0.051, 0.05, "new prompts"),
    Repeated("new prompts, mean 4, often asked are worse", 500, 4, 0.051, 0.05, "new prompts", grows=True),
    Repeated("new prompts, mean 12, often asked are worse", 500, 12, 0.102, 0.1, "new prompts", grows=True),
    Repeated("new prompts, 2,000 of mean 12", 2_000, 12, 0.051, 0.05, "new prompts", grows=True),
    Repeated("new prompts beside a heavy one that is right", 500, 4, 0.051, 0.05, "new prompts", heavy=0.3),
    Repeated(
        "new prompts beside a heavy one that is wrong", 500, 4, 0.204, 0.2, "new prompts", heavy=0.1,
        heavy_is_wrong=True,
    ),
    Repeated("the run's rows, 400 labelled", 1_500, 6, 0.073, 0.07, "the run", grows=True, sampled=400),
    Repeated("the run's rows, all labelled", 400, 6, 0.07, 0.07, "the run", grows=True),
    Repeated(
        "the run's rows, 400 labelled, a heavy one is wrong", 1_000, 4, 0.11, 0.1, "the run", sampled=400,
        heavy=0.05, heavy_is_wrong=True,
    ),
    Repeated("one in ten asked twice, 2% wrong", 500, 1.1, 0.02, 0.05, "new prompts", goal=0.4),
)  # fmt: skip


def sizes_of(setting: Repeated, draw: np.random.Generator) -> Integers:
    """Draw how often each prompt is asked."""
    return np.minimum(draw.geometric(1 / setting.mean, setting.n_prompts), LONGEST).astype(np.int64)


def chances_of(setting: Repeated, sizes: Integers) -> Floats:
    """Give the chance that each prompt is wrong, so that `risk` of later rows are, heavy ones among them."""
    light = light_risk(setting)
    if not setting.grows:
        return np.full(len(sizes), light)
    return np.asarray(light * sizes / _size_of_a_row(setting.mean), dtype=float)


@cache
def _size_of_a_row(mean: float) -> float:
    """Give how often the prompt of a row is asked on average, rows taken one by one."""
    asked = np.minimum(np.random.default_rng(0).geometric(1 / mean, 200_000), LONGEST)
    return float((asked**2.0).mean() / asked.mean())


def simulate_repeated(
    setting: Repeated, n_datasets: int, seed: int = 0
) -> tuple[float, float, float, float]:  # fmt: skip
    """Give the shares of datasets in which both tests break the promise, in which rows alone do, in which
    there is an answer by both, and the mean coverage."""
    broken = alone = answered = 0
    coverage = 0.0
    for number in range(n_datasets):
        draw = np.random.default_rng([seed, number, setting.n_prompts])
        scores, wrong, prompts = _run(setting, draw)
        grid = threshold_grid(scores)
        heavy = heavy_rows(prompts)
        rows = np.arange(len(scores))
        if setting.sampled:
            rows = draw.permutation(len(scores))[: setting.sampled]
        sample = LabelledSample(
            scores[rows], wrong[rows], np.ones(len(rows)), True, 0, prompts[rows], heavy[rows]
        )  # fmt: skip
        for is_both, one in ((True, sample), (False, sample.as_requests())):
            answer = guaranteed_threshold(grid, one, setting.max_risk, CONFIDENCE)
            if answer.index is None:
                continue
            accepted = scores >= grid.thresholds[answer.index]
            true = wrong[accepted].mean()
            if setting.truth == "new prompts":
                true = _of_later_rows(setting, float(heavy[accepted].mean()))
            is_broken = bool(true > setting.max_risk)
            broken, alone = broken + (is_both and is_broken), alone + (not is_both and is_broken)
            answered += is_both
            coverage += grid.coverage[answer.index] if is_both else 0.0
    return broken / n_datasets, alone / n_datasets, answered / n_datasets, coverage / n_datasets


def _of_later_rows(setting: Repeated, heavy_share: float) -> float:
    """Give the true risk of later rows of which so many are of the heavy prompt, as they were in the run."""
    return heavy_share * setting.heavy_is_wrong + (1 - heavy_share) * light_risk(setting)


def light_risk(setting: Repeated) -> float:
    """Give the risk of rows of other prompts than the heavy one."""
    return (setting.risk - setting.heavy * setting.heavy_is_wrong) / (1 - setting.heavy)


def _run(
    setting: Repeated, draw: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.bool_], Integers]:  # fmt: skip
    """Draw the rows of a run: scores near that of their prompt, wrong or not, and codes of prompts."""
    sizes = sizes_of(setting, draw)
    is_wrong = draw.random(len(sizes)) < np.minimum(chances_of(setting, sizes), 1.0)
    score = draw.random(len(sizes))
    if setting.heavy:
        n_heavy = round(sizes.sum() * setting.heavy / (1 - setting.heavy))
        sizes, is_wrong = np.append(sizes, n_heavy), np.append(is_wrong, setting.heavy_is_wrong)
        score = np.append(score, 0.9)
    prompts = np.repeat(np.arange(len(sizes)), sizes)
    scores = score[prompts] + 0.02 * draw.random(len(prompts))
    return scores, is_wrong[prompts], prompts
