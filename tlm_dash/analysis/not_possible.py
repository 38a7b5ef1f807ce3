"""Why no threshold can be guaranteed, in words."""

from __future__ import annotations

from tlm_dash.analysis.thresholds import GuaranteedThreshold, fewest_labels


def why_not(answer: GuaranteedThreshold) -> str:
    """Say what stands in the way of an answer, as seen in these labels."""
    counts, max_risk = answer.band.counts, answer.max_risk
    if not len(counts.right):
        return "no row of this run has a score"
    n = int(counts.n[-1])
    if n == 0:
        return "no scored row has a label that may feed an estimate"
    if not (counts.risk[counts.n > 0] < max_risk).any():
        return "the observed share of wrong rows is above the target at every coverage"
    fewest = fewest_labels(max_risk, answer.band.confidence)
    if n < fewest:
        return f"{n:,} labels are too few: a sample without a single error needs {fewest:,}"
    if answer.p_prompt is not None:
        by_row = answer.p_row <= answer.tested_at
        if by_row.any() and not (by_row & (answer.p_prompt <= answer.tested_at)).any():
            return "the rows would show it, but they come from too few prompts to speak for others"
    return "the share of wrong rows is not far enough below the target for as many labels as these"
