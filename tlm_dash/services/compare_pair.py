"""A baseline and one candidate: the figures of their paired rows, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tlm_dash.analysis.agreement_of_ranks import kendall_tau, overlap_of_lowest, spearman_rho
from tlm_dash.analysis.bootstrap import SHARES, Resampling, Retention, ScoredLabels
from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.paired_ranking import auroc_difference
from tlm_dash.analysis.pairs import accuracy_difference, mcnemar_exact, pair_table, sign_flip_test
from tlm_dash.analysis.verdicts import Evidence, Metric, Verdict, verdict_of
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.pair_figures import RankAgreement, RightAndWrong, pair_notes
from tlm_dash.services.paired_columns import PairedColumns, paired_columns
from tlm_dash.services.pairing import Pairing
from tlm_dash.store.import_runs import IMPORTED
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.label_origins import LabelOrigins
from tlm_dash.words.numbers import percent

UNFAIR = "their responses differ, and scorer or preset differ too or are not known"
"""Why what the scores of two runs rank says nothing of either: it could be the responses or the scorer."""


@dataclass(frozen=True, slots=True)
class PairSettings:
    """What is asked of every pair. `confidence` is that of one pair; `margin` is a fraction or None.

    `by_interval_alone` is how earlier records came to their verdicts.
    """

    metric: Metric | None
    margin: float | None
    confidence: float
    seed: int
    threshold: float | None = None
    by_interval_alone: bool = False

    @property
    def level(self) -> float:
        """Give the level of the tests of one pair."""
        return round(1 - self.confidence, 12)


@dataclass(frozen=True, eq=False)
class ComparedPair:
    """Everything known of baseline a and candidate b. Differences are b − a, as fractions.

    `response_agreement` is the share of pairs with the very same response. `labels` tells whose labels the
    table of right and wrong stands on, of a and of b.
    """

    a: RunRecord
    b: RunRecord
    columns: PairedColumns
    same_scorer: bool
    same_preset: bool
    same_responses: bool
    response_agreement: float | None
    right: RightAndWrong
    labels: tuple[LabelOrigins, LabelOrigins]
    auroc_difference: Figure
    retention_difference: Retention
    ranks: RankAgreement
    verdict: Verdict
    notes: tuple[str, ...]

    @property
    def pairing(self) -> Pairing:
        """Give which rows are paired, and which are left out why."""
        return self.columns.pairing

    @property
    def scores_comparable(self) -> bool:
        """Tell whether scores may be compared by size: one known scorer at one known preset."""
        return self.same_scorer and self.same_preset

    def differences(self) -> tuple[tuple[str, Figure], ...]:
        """Give the differences that have a value, with the words for what is compared.

        Accuracy is left out where both score the same responses: there it cannot differ.
        """
        kept = zip(SHARES, self.retention_difference.accuracy, strict=True)
        named = (
            ("AUROC", self.auroc_difference),
            ("Accuracy", self.right.difference),
            *((f"Accuracy, lowest {percent(share)} reviewed", figure) for share, figure in kept),
            ("PRR", self.retention_difference.prr),
        )
        return tuple(
            (words, figure)
            for words, figure in named
            if figure.value is not None and not (self.same_responses and figure is self.right.difference)
        )

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        table, kept, ranks = self.right.table, self.retention_difference.accuracy, self.ranks
        return {
            "a": self.a.run_id, "b": self.b.run_id, "pairing": self.pairing.kind,
            "n_pairs": self.pairing.n, "n_excluded": self.pairing.n_excluded,
            "n_labelled": self.columns.labels.n_used,
            "label_sources": {"a": dict(self.labels[0].counts), "b": dict(self.labels[1].counts)},
            "same_scorer": self.same_scorer,
            "same_preset": self.same_preset, "same_responses": self.same_responses,
            "response_agreement": self.response_agreement,
            "both": table.both, "only_a": table.only_a, "only_b": table.only_b, "neither": table.neither,
            **_with_ends("accuracy_difference", self.right.difference), "p_mcnemar": self.right.p_mcnemar,
            "p_sign_flip": self.right.p_sign_flip, "p_level": self.right.level,
            **_with_ends("auroc_difference", self.auroc_difference),
            "accuracy_at_review_share_difference": _by_share([figure.value for figure in kept]),
            "accuracy_at_review_share_difference_ci": _by_share([ends(figure) for figure in kept]),
            **_with_ends("prr_difference", self.retention_difference.prr), "n_scored": ranks.n_scored,
            **_with_ends("kendall_tau", ranks.kendall), **_with_ends("spearman", ranks.spearman),
            "overlap_lowest": _by_share(list(ranks.overlap_lowest)), "n_flips": ranks.n_flips,
            "verdict": self.verdict.code, "verdict_metric": self.verdict.metric,
            "verdict_text": self.verdict.text, "confidence": self.right.difference.confidence,
            "notes": list(self.notes),
        }  # fmt: skip


def ends(figure: Figure) -> list[float] | None:
    """Give an interval as JSON has it."""
    return None if figure.interval is None else list(figure.interval)


def _with_ends(name: str, figure: Figure) -> dict[str, Any]:
    return {name: figure.value, f"{name}_ci": ends(figure)}


def _by_share(values: list[Any]) -> dict[str, Any]:
    return {f"{share:g}": value for share, value in zip(SHARES, values, strict=True)}


def compare_pair(a: LabelledRun, b: LabelledRun, pairing: Pairing, settings: PairSettings) -> ComparedPair:
    """Compute all figures of a pair and its verdict."""
    columns = paired_columns(a, b, pairing, settings.threshold)
    right = _right_and_wrong(columns, settings)
    area, kept = _score_differences(columns, settings)
    ranks = _rank_agreement(columns, settings)
    same = columns.same_response
    same_responses = bool(same.all()) and pairing.n > 0
    same_scorer, same_preset = _same_scorer(a.record, b.record), _same_preset(a.record, b.record)
    by_rank = same_responses and bool(columns.scored.any())
    metric: Metric = settings.metric or ("auroc" if by_rank else "accuracy")
    unfair = None if same_responses or (same_scorer and same_preset) else UNFAIR
    if unfair is not None:
        area, kept = _not_comparable(area, unfair), replace(kept, prr=_not_comparable(kept.prr, unfair))
    trouble = _trouble(columns, metric, unfair)
    n_right, n_wrong = _rarer(columns)
    difference = area if metric == "auroc" else right.difference
    # Its first sentence: what to do about it stands in the notes.
    no_sample = (columns.labels.reason or "").partition(". ")[0] if right.table.n else ""
    evidence = Evidence(
        metric,
        difference,
        difference.n,
        n_right,
        n_wrong,
        settings.margin,
        trouble,
        no_sample or None,
        right.test if metric == "accuracy" and not settings.by_interval_alone else None,
    )
    return ComparedPair(
        a.record, b.record, columns, same_scorer, same_preset, same_responses,
        float(same.mean()) if pairing.n else None, right, _origins(a, b, columns), area, kept, ranks,
        verdict_of(evidence),
        tuple(pair_notes(columns, right, area, kept.prr, ranks)),
    )  # fmt: skip


def _origins(a: LabelledRun, b: LabelledRun, columns: PairedColumns) -> tuple[LabelOrigins, LabelOrigins]:
    told, pairing = columns.told, columns.pairing
    return a.origins(pairing.a[told]), b.origins(pairing.b[told])


def _right_and_wrong(columns: PairedColumns, settings: PairSettings) -> RightAndWrong:
    labels, told = columns.labels, columns.told
    table = pair_table(labels.label_a[told], labels.label_b[told])
    right_a, right_b = labels.label_a[labels.used], labels.label_b[labels.used]
    prompts = columns.prompts_of(labels.used)
    difference = accuracy_difference(
        right_a, right_b, settings.confidence, prompts=prompts, weights=labels.weights
    )
    if not labels.n_used or labels.weights is not None:
        return RightAndWrong(table, difference, None, None, settings.level)
    if prompts is None:
        return RightAndWrong(table, difference, mcnemar_exact(table), None, settings.level)
    p = sign_flip_test(right_a, right_b, prompts, settings.seed)
    return RightAndWrong(table, difference, None, p, settings.level)


def _score_differences(columns: PairedColumns, settings: PairSettings) -> tuple[Figure, Retention]:
    """Compare what the scores put first, over labelled pairs that have both scores."""
    rows = columns.labels.used & columns.scored
    weights, prompts = columns.weights_of(rows), columns.prompts_of(rows)
    a = ScoredLabels(columns.labels.label_a[rows], columns.score_a[rows])
    b = ScoredLabels(columns.labels.label_b[rows], columns.score_b[rows])
    area = auroc_difference(
        a.labels, a.scores, b.labels, b.scores, settings.confidence, prompts=prompts, weights=weights
    )
    resampling = Resampling(
        columns.pairing.prompt[rows], confidence=settings.confidence, seed=settings.seed, weights=weights
    )
    return area, resampling.retention_difference(a, b)


def _rank_agreement(columns: PairedColumns, settings: PairSettings) -> RankAgreement:
    rows = columns.scored
    a, b, prompts = columns.score_a[rows], columns.score_b[rows], columns.prompts_of(rows)
    n_scored = int(rows.sum())
    return RankAgreement(
        n_scored, kendall_tau(a, b, settings.confidence, prompts=prompts),
        spearman_rho(a, b, settings.confidence, prompts=prompts),
        overlap_of_lowest(a, b, SHARES),
        int((columns.passes_a != columns.passes_b).sum()) if n_scored else None,
    )  # fmt: skip


def _same_scorer(a: RunRecord, b: RunRecord) -> bool:
    """Tell whether one known model scored both; without a name it is the model that answered."""
    first, second = a.scorer_model or a.model, b.scorer_model or b.model
    return first == second and first not in (None, IMPORTED)


def _same_preset(a: RunRecord, b: RunRecord) -> bool:
    return a.quality_preset == b.quality_preset and a.quality_preset != IMPORTED


def _not_comparable(figure: Figure, reason: str) -> Figure:
    """Take a difference away that nobody may read: a number beside “not comparable” would be read."""
    if figure.value is None:
        return figure
    return Figure(None, n=figure.n, confidence=figure.confidence, reason=f"not comparable, since {reason}")


def _trouble(columns: PairedColumns, metric: Metric, unfair: str | None) -> str | None:
    """Say why a metric cannot be compared, None where it can."""
    if not columns.pairing.n:
        excluded = columns.pairing.n_excluded
        answered = any(reason.startswith("not_answered") for reason in excluded)
        return "no prompt was answered by both" if answered else "they have no prompt in common"
    if metric == "auroc" and not columns.scored.any():
        return "no pair has a score in both"
    return unfair if metric == "auroc" else None


def _rarer(columns: PairedColumns) -> tuple[int, int]:
    """Count right and wrong labels, each in the run that has fewer, over pairs with both scores."""
    rows = columns.labels.used & columns.scored
    right = [int(np.nansum(label[rows])) for label in (columns.labels.label_a, columns.labels.label_b)]
    return min(right), int(rows.sum()) - max(right)
