"""What a difference between two runs lets one say, in one word and in one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtri

from tlm_dash.analysis.figure import Figure
from tlm_dash.words.numbers import p_values, percent, points

Metric = Literal["auroc", "accuracy"]
Code = Literal[
    "not_comparable", "too_few_labels", "b_better", "b_not_inferior", "a_better", "not_distinguishable"
]

METRIC_NAMES = {"auroc": "AUROC", "accuracy": "accuracy"}
FEWEST_OF_A_CLASS = 10
FEWEST_PAIRS = 30
POWER = 0.8
TOLD_DIFFERENCE = 0.03
"""The difference that a plan for more labels is made for where no margin is set."""


@dataclass(frozen=True, slots=True)
class PairTest:
    """A test of no difference beside an interval: its `p` and the `level` that this is held against.

    `name` is what a sentence calls it: the exact test, the test over prompts.
    """

    name: str
    p: float
    level: float

    @property
    def rejects(self) -> bool:
        """Tell whether it finds a difference at its level."""
        return self.p <= self.level

    @property
    def words(self) -> str:
        """Say its p and the level, in as many digits as it takes to tell them apart."""
        p, level = p_values(self.p, self.level)
        return f"p {'' if p.startswith('under') else '= '}{p}, held against {level}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict stands on. `difference` is b − a of the metric, with its interval.

    `n_right` and `n_wrong` count labels in the run that has fewer of them; `margin` is a fraction, None where
    no loss is said to be small; `not_comparable` says why the metric cannot be compared, None where it can;
    `no_sample` why labels that are there may feed no estimate. `test` stands beside the interval where there
    is one that fits; it has the interval's own level, shared among candidates like that.
    """

    metric: Metric
    difference: Figure
    n_labelled: int
    n_right: int
    n_wrong: int
    margin: float | None = None
    not_comparable: str | None = None
    no_sample: str | None = None
    test: PairTest | None = None

    @property
    def is_shown(self) -> bool:
        """Tell whether a difference is shown: the interval excludes 0, and no test beside it disagrees."""
        return excludes_zero(self.difference) and (self.test is None or self.test.rejects)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word that scripts read, and the sentence that a person reads (without the names of the runs)."""

    code: Code
    metric: Metric
    text: str


def verdict_of(evidence: Evidence) -> Verdict:
    """Give the first verdict that applies, in the order of the type `Code`.

    Better and worse need both, the interval and the test beside it: a score interval excludes 0 a little more
    often than an exact test rejects, and a reader who sees both must not find one against the other.
    A margin makes it a test of non-inferiority: the lower end of the interval lies above −margin, which
    happens to a run that is worse by the margin in (1 − confidence) / 2 of cases at most.
    """
    code, text = _not_decidable(evidence) or _decided(evidence)
    return Verdict(code, evidence.metric, text)


def labels_needed(difference: Figure, to_see: float) -> int | None:
    """Return about how many labelled rows would show a difference `to_see` with 80% power.

    The standard error falls with the root of the rows; two-sided at the confidence of the figure. None where
    the figure has no standard error, or none that tells anything.
    """
    if not difference.standard_error or to_see <= 0:
        return None
    quantiles = float(ndtri((1 + difference.confidence) / 2) + ndtri(POWER))
    return math.ceil(difference.n * (quantiles * difference.standard_error / to_see) ** 2)


def interval_words(figure: Figure) -> str:
    """Say a difference, its interval, and whether that excludes 0."""
    if figure.value is None:
        return figure.reason or "not available"
    if figure.low is None or figure.high is None:
        return f"difference {points(figure.value)}, no interval: {figure.reason}"
    zero = "excludes 0" if excludes_zero(figure) else "includes 0"
    return (
        f"difference {points(figure.value)}, {percent(figure.confidence)} interval {points(figure.low)} to "
        f"{points(figure.high)}, which {zero}"
    )


def excludes_zero(figure: Figure) -> bool:
    """Tell whether the interval lies on one side of 0."""
    return figure.interval is not None and (figure.interval[0] > 0 or figure.interval[1] < 0)


def _not_decidable(evidence: Evidence) -> tuple[Code, str] | None:
    name = METRIC_NAMES[evidence.metric]
    if evidence.not_comparable is not None:
        return "not_comparable", f"cannot be compared by {name}: {evidence.not_comparable}"
    if evidence.no_sample is not None:
        return "too_few_labels", f"too few labels that may feed an estimate: {evidence.no_sample}"
    if evidence.metric == "auroc":
        if min(evidence.n_right, evidence.n_wrong) < FEWEST_OF_A_CLASS:
            return "too_few_labels", (
                f"too few labels: {_rows(evidence.n_right, 'right')} and {evidence.n_wrong:,} wrong, where "
                f"AUROC needs {FEWEST_OF_A_CLASS} of each"
            )
    elif evidence.n_labelled < FEWEST_PAIRS:
        return "too_few_labels", (
            f"too few labels: {_rows(evidence.n_labelled, 'labelled')} in both, where a comparison of "
            f"accuracy needs {FEWEST_PAIRS}"
        )
    if evidence.difference.interval is None:
        return "too_few_labels", f"too few labels: {evidence.difference.reason}"
    return None


def _decided(evidence: Evidence) -> tuple[Code, str]:
    figure, name = evidence.difference, METRIC_NAMES[evidence.metric]
    assert figure.value is not None and figure.low is not None and figure.high is not None
    base = f"{interval_words(figure)}{_disagreement(evidence)}; {_rows(evidence.n_labelled, 'labelled')}"
    by = f"{points(figure.value, signed=False)} points of {name}"
    if figure.low > 0 and evidence.is_shown:
        return "b_better", f"better by {by} ({base})"
    if evidence.margin is not None and figure.low > -evidence.margin:
        worse = "worse, but " if figure.high < 0 and evidence.is_shown else ""
        allowed = f"{points(evidence.margin, signed=False)} points of {name}"
        return "b_not_inferior", f"{worse}not worse by more than {allowed} ({base})"
    if figure.high < 0 and evidence.is_shown:
        return "a_better", f"worse by {by} ({base})"
    told = f"not distinguishable by {name} on these rows ({base})"
    if evidence.margin is not None and figure.low <= -evidence.margin:
        told += f"; a loss of {points(evidence.margin, signed=False)} points is not ruled out"
    return "not_distinguishable", told + ("" if excludes_zero(figure) else _plan(evidence))


def _disagreement(evidence: Evidence) -> str:
    """Say where the interval excludes 0 and the test beside it does not."""
    test = evidence.test
    if test is None or test.rejects or not excludes_zero(evidence.difference):
        return ""
    return f", {test.name} does not ({test.words})"


def _plan(evidence: Evidence) -> str:
    """Say how many rows a comparison of its own would need, or what these would have shown."""
    figure = evidence.difference
    to_see = evidence.margin or TOLD_DIFFERENCE
    needed = labels_needed(figure, to_see)
    if needed is None or not figure.standard_error:
        return ""
    if needed > evidence.n_labelled:
        return (
            f"; a comparison planned with about {_round_up(needed):,} labelled rows would show a difference "
            f"of {points(to_see, signed=False)} points ({percent(POWER)} power)"
        )
    seen = to_see * math.sqrt(needed / evidence.n_labelled)
    return f"; a difference of {points(seen, signed=False)} points would have shown ({percent(POWER)} power)"


def _round_up(count: int) -> int:
    """Give two digits of a count, rounded up: more would pretend to a precision that no plan has."""
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step


def _rows(count: int, kind: str) -> str:
    return f"{count:,} {kind} {'row' if count == 1 else 'rows'}"
