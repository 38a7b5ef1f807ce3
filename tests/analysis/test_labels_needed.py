"""How many labels a target takes, against scipy's binomial test."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tlm_dash.analysis.labels_needed import labels_needed


def shows(n: int, error_share: float, max_risk: float, confidence: float) -> bool:
    """Whether n labels with as many errors as expected reject P(wrong) > max_risk, says scipy."""
    n_wrong = math.ceil(error_share * n - 1e-9)
    return bool(binomtest(n_wrong, n, max_risk, alternative="less").pvalue <= 1 - confidence + 1e-12)


def test_the_textbook_numbers() -> None:
    assert labels_needed(0.05, 0.95).n_accepted == 59
    # Two errors in 124 rows are 1.6%.
    found = labels_needed(0.05, 0.95, error_share=0.016)
    assert (found.n_accepted, found.n_wrong) == (124, 2)
    assert labels_needed(0.05, 0.95, accepted_share=0.5).n_labels == 118


@settings(max_examples=40, deadline=None)
@given(
    max_risk=st.floats(0.02, 0.3),
    confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    part=st.floats(0, 0.6),
)
def test_it_is_the_smallest_number_that_scipy_accepts(
    max_risk: float, confidence: float, part: float
) -> None:
    error_share = part * max_risk
    n = labels_needed(max_risk, confidence, error_share=error_share).n_accepted
    assert n is not None
    assert shows(n, error_share, max_risk, confidence)
    assert not any(shows(fewer, error_share, max_risk, confidence) for fewer in range(1, n))


def test_what_cannot_be_shown_has_a_reason() -> None:
    for error_share in (0.05, 0.2):
        found = labels_needed(0.05, error_share=error_share)
        assert found.n_accepted is None and found.n_labels is None and found.reason
    near = labels_needed(0.05, error_share=0.0499)
    assert near.n_accepted is None and "near the target" in str(near.reason)
    with pytest.raises(ValueError, match="between 0 and 1"):
        labels_needed(0.0)
