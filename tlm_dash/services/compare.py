"""Several runs side by side: each on its own rows, and every candidate paired with the baseline."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tlm_dash.analysis.verdicts import Metric
from tlm_dash.errors import InvalidInputError
from tlm_dash.services.compare_effort import Cost, Latency, cost_of, cost_words, latency_of, latency_reason
from tlm_dash.services.compare_effort import speed_words as speed
from tlm_dash.services.compare_pair import ComparedPair, PairSettings, compare_pair
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.pairing import pair_runs
from tlm_dash.services.place import Place
from tlm_dash.services.quality import Quality, quality_of
from tlm_dash.services.run_words import instead_of
from tlm_dash.services.shares import is_share
from tlm_dash.store.data_version import data_version
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.label_origins import of_both
from tlm_dash.words.not_accepted import not_accepted_sentence
from tlm_dash.words.numbers import percent

MOST_RUNS = 12

COMPARISON_VERSION = 2
"""Of the verdict's method. 1: by the interval alone, whatever the exact test beside it said."""

QUALITY_FIGURES = (
    "n_labelled", "label_sources", "accuracy", "accuracy_ci", "auroc", "auroc_ci",
    "average_precision_incorrect", "average_precision_incorrect_ci", "prr", "prr_ci",
    "accuracy_at_review_share", "accuracy_at_review_share_ci",
)  # fmt: skip
"""What is told of each run on its own, by the names that `analyse quality` has for it."""

_MOST_KEPT = 3
_kept: dict[tuple[Any, ...], Comparison] = {}
_kept_lock = threading.Lock()


@dataclass(frozen=True)
class CompareRequest:
    """What is asked. `run_ids`: the baseline first. `margin`: a fraction, None where no loss is small.

    `threshold` is a score of the baseline, `method_version` today's but where an earlier record is checked.
    Raises InvalidInputError where it makes no sense.
    """

    run_ids: tuple[str, ...]
    metric: Metric | None = None
    margin: float | None = None
    confidence: float = 0.95
    seed: int = 0
    threshold: float | None = None
    method_version: int = COMPARISON_VERSION

    def __post_init__(self) -> None:
        if len(set(self.run_ids)) < 2:
            raise InvalidInputError("A comparison needs two different runs.", hint="Name a second one.")
        if len(set(self.run_ids)) != len(self.run_ids):
            raise InvalidInputError("A run is named twice.", hint="Name each run once.")
        if len(self.run_ids) > MOST_RUNS:
            raise InvalidInputError(f"At most {MOST_RUNS} runs are compared at once.", hint="Leave some out.")
        if not is_share(self.confidence):
            raise InvalidInputError(f"The confidence cannot be {self.confidence!r}.", hint="0.95 means 95%.")
        if self.seed < 0:
            raise InvalidInputError("A seed cannot be negative.", hint="Any whole number from 0.")
        if self.margin is not None and not is_share(self.margin):
            raise InvalidInputError(f"The margin cannot be {self.margin:g}.", hint="0.03 means 3 points.")

    @property
    def pair_confidence(self) -> float:
        """Give the confidence of each pair, so that all hold together (Bonferroni)."""
        return 1 - (1 - self.confidence) / (len(self.run_ids) - 1)


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One run on its own rows. `latency_reason` says why its times cannot stand beside the baseline's."""

    record: RunRecord
    run: LabelledRun
    quality: Quality
    latency: Latency
    latency_reason: str | None
    cost: Cost

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        told, record = self.quality.facts(), self.record
        shown = self.latency_reason is None
        return {
            "run_id": record.run_id, "name": record.name, "model": record.model,
            "quality_preset": record.quality_preset, "scorer_model": record.scorer_model,
            **{name: told[name] for name in QUALITY_FIGURES},
            "n_not_accepted": self.run.not_accepted,
            "latency_ms": {
                "p50": self.latency.p50.value if shown else None,
                "p95": self.latency.p95.value if shown else None,
            },
            "input_tokens_mean": self.cost.input_tokens, "output_tokens_mean": self.cost.output_tokens,
            "cost_per_1000": self.cost.per_1000, "basis": self.run.basis.sentence,
        }  # fmt: skip

    def notes(self) -> list[str]:
        """Say what is not available, and why."""
        found = [*self.quality.missing(), *self.quality.labels.notes, *self.quality.notes]
        if self.run.not_accepted:
            found.append(f"{not_accepted_sentence(self.run.not_accepted)}.")
        if self.latency_reason is not None:
            found.append(f"latency_ms is not comparable: {self.latency_reason}.")
        if self.cost.note is not None:
            found.append(f"cost_per_1000 is not available: {self.cost.note}")
        return found


@dataclass(frozen=True, eq=False)
class Comparison:
    """The baseline is the first run; `pairs` holds every other run against it."""

    request: CompareRequest
    runs: tuple[ComparedRun, ...]
    pairs: tuple[ComparedPair, ...]

    @property
    def scores_comparable(self) -> bool:
        """Tell whether scores of all runs may be compared by size."""
        return all(pair.scores_comparable for pair in self.pairs)

    @property
    def has_scored_pairs(self) -> bool:
        """Tell whether a prompt has a score in the baseline and in a candidate."""
        return any(pair.ranks.n_scored for pair in self.pairs)

    def sentence(self, number: int) -> str:
        """Say the verdict on a candidate, with what it saves where that can be told."""
        pair, a, b = self.pairs[number], self.runs[0], self.runs[number + 1]
        extras = [cost_words(a.cost, b.cost)]
        if b.latency_reason is None:
            extras.insert(0, speed(a.latency, b.latency))
        said = ", ".join([pair.verdict.text, *(extra for extra in extras if extra)])
        whose = of_both(*pair.labels)
        return f"{instead_of(pair.b, pair.a)}: {said}.{f' {whose}' if whose else ''}"

    def facts(self) -> dict[str, Any]:
        """Give everything under the names that scripts rely on."""
        pairs = [pair.facts() | {"verdict_text": self.sentence(n)} for n, pair in enumerate(self.pairs)]
        return {
            "runs": [run.facts() for run in self.runs], "label_sources": self.label_sources(),
            "scores_comparable": self.scores_comparable,
            "confidence": self.request.confidence, "pair_confidence": self.request.pair_confidence,
            "margin": self.request.margin, "seed": self.request.seed, "pairs": pairs, "notes": self.notes(),
        }  # fmt: skip

    def label_sources(self) -> dict[str, int]:
        """Count the labels of all runs by whose they are; an answer of several runs counts in each."""
        counts: Counter[str] = Counter()
        for run in self.runs:
            counts.update(run.quality.labels.counts)
        return dict(counts)

    def notes(self) -> list[str]:
        """Say what holds for all, then what is not available of each run and pair."""
        found = []
        if self.has_scored_pairs and not self.scores_comparable:
            found.append(
                "Scores of different presets or scorers are not compared by size: no mean score is shown."
            )
        if len(self.pairs) > 1:
            found.append(
                f"{len(self.pairs)} candidates: each interval holds with "
                f"{percent(self.request.pair_confidence)} confidence, all together with "
                f"{percent(self.request.confidence)}; each p is held against its share of the level."
            )
        for run in self.runs:
            found += [f"{run.record.name}: {note}" for note in run.notes()]
        for pair in self.pairs:
            found += [f"{pair.b.name} against {pair.a.name}: {note}" for note in pair.notes]
        return found


def compare(place: Place, request: CompareRequest) -> Comparison:
    """Compare runs with the baseline. Raises NotFoundError, StoreError.

    What was compared last is kept for as long as nothing new is stored: a page that only turns a leaf does
    not compute it again.
    """
    key = (str(place.store.path), request, data_version(place.store))
    with _kept_lock:
        if key in _kept:
            return _kept[key]
    found = compare_loaded(place, [labelled_run(place, run_id) for run_id in request.run_ids], request)
    if place.store.path is not None:
        with _kept_lock:
            _kept[key] = found
            for old in list(_kept)[:-_MOST_KEPT]:
                del _kept[old]
    return found


def compare_loaded(place: Place, loaded: Sequence[LabelledRun], request: CompareRequest) -> Comparison:
    """Compare runs whose rows are there already, the baseline first."""
    baseline = loaded[0]
    settings = PairSettings(
        request.metric,
        request.margin,
        request.pair_confidence,
        request.seed,
        request.threshold,
        by_interval_alone=request.method_version == 1,
    )
    runs = [
        ComparedRun(
            run.record, run, quality_of(run, request.confidence), latency_of(run, request.confidence),
            None if run is baseline else latency_reason(baseline.record, run.record), cost_of(place, run),
        )
        for run in loaded
    ]  # fmt: skip
    if len(runs) > 1 and all(run.latency_reason for run in runs[1:]):
        # With nothing to stand beside it, the baseline's time would be read as if it had.
        runs[0] = replace(runs[0], latency_reason=runs[1].latency_reason)
    pairs = [compare_pair(baseline, run, pair_runs(place, baseline, run), settings) for run in loaded[1:]]
    return Comparison(request, tuple(runs), tuple(pairs))
