"""Figures of a pair of runs that belong together, and what has to be said beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.pairs import PairTable
from tlm_dash.analysis.verdicts import PairTest, excludes_zero
from tlm_dash.services.paired_columns import FLIP_SHARE, PairedColumns
from tlm_dash.words.numbers import percent

__all__ = ["RankAgreement", "RightAndWrong", "excludes_zero", "pair_notes"]


@dataclass(frozen=True, slots=True)
class RightAndWrong:
    """The 2×2 table, the difference of accuracy, and the p of the test that fits the rows.

    `level` is what p is held against: of k candidates each has a k-th of it, as the intervals do.
    """

    table: PairTable
    difference: Figure
    p_mcnemar: float | None
    p_sign_flip: float | None
    level: float

    @property
    def test(self) -> PairTest | None:
        """Give the test of accuracy that fits these rows, at the level of the pair; None where none does."""
        if self.p_mcnemar is not None:
            return PairTest("the exact test", self.p_mcnemar, self.level)
        if self.p_sign_flip is not None:
            return PairTest("the test over prompts", self.p_sign_flip, self.level)
        return None


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How alike two scores order the pairs that have both; no label is needed."""

    n_scored: int
    kendall: Figure
    spearman: Figure
    overlap_lowest: tuple[float | None, ...]
    n_flips: int | None


def pair_notes(
    columns: PairedColumns, right: RightAndWrong, area: Figure, prr: Figure, ranks: RankAgreement
) -> Iterator[str]:
    """Say what of a pair is not available, and why; and which rows its figures leave out."""
    labels = columns.labels
    if labels.reason is not None:
        yield f"No difference of accuracy or AUROC can be estimated: {labels.reason}."
        if right.table.n:
            yield "The 2×2 table speaks for its labelled rows alone: they are no sample."
    else:
        for name, figure in (("auroc_difference", area), ("prr_difference", prr)):
            if figure.reason is not None:
                what = name if figure.value is None else f"{name}_ci"
                yield f"{what} is not available: {figure.reason}."
    if labels.n_used and labels.n_left_out:
        yield f"{labels.n_left_out:,} labelled pairs are in no common sample and feed no estimate."
    if labels.n_open:
        yield f"{labels.n_open:,} pairs of the sample were left open by reviewers and are not used."
    if right.p_sign_flip is not None:
        yield "p_mcnemar is null: prompts repeat. p_sign_flip is a seeded test that changes sides by prompt."
    if labels.weights is not None:
        yield "p_mcnemar is null: the sample is stratified. Estimates are weighted by inclusion probability."
    if ranks.kendall.reason is not None:
        yield f"kendall_tau and spearman are not available: {ranks.kendall.reason}."
    if ranks.n_flips is not None:
        yield (
            "n_flips: pairs that pass in one run and not in the other, when each sends the same share of its "
            f"lowest scores to people ({percent(FLIP_SHARE)} unless a threshold is set)."
        )
