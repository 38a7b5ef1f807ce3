"""Verdicts: their order, their words, and the labels that would be needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from tlm_dash.analysis.figure import Figure
from tlm_dash.analysis.quantiles import quantile_figure, ratio_figure
from tlm_dash.analysis.verdicts import Evidence, PairTest, labels_needed, verdict_of
from tlm_dash.words.numbers import points


def figure(value: float, low: float, high: float, n: int = 500) -> Figure:
    return Figure(value, low, high, n, 0.95, standard_error=(high - low) / 2 / 1.96)


def verdict(difference: Figure, **more: object) -> tuple[str, str]:
    told = {"metric": "auroc", "n_labelled": difference.n, "n_right": 400, "n_wrong": 100, **more}
    found = verdict_of(Evidence(difference=difference, **told))
    return found.code, found.text


@pytest.mark.parametrize(
    ("low", "high", "margin", "code"),
    [
        (0.01, 0.05, None, "b_better"),
        (0.01, 0.05, 0.03, "b_better"),
        (-0.02, 0.01, None, "not_distinguishable"),
        (-0.02, 0.01, 0.03, "b_not_inferior"),
        (-0.02, -0.01, 0.03, "b_not_inferior"),
        (-0.03, 0.01, 0.03, "not_distinguishable"),
        (-0.05, -0.01, 0.03, "a_better"),
        (-0.02, -0.01, None, "a_better"),
    ],
)
def test_the_first_that_applies(low: float, high: float, margin: float | None, code: str) -> None:
    found, text = verdict(figure((low + high) / 2, low, high), margin=margin)
    assert found == code
    assert ("excludes 0" in text) == (low > 0 or high < 0)
    assert ("includes 0" in text) == (low <= 0 <= high)


@pytest.mark.parametrize(
    ("low", "high", "p", "margin", "code"),
    [
        (0.014, 0.138, 0.0625, None, "not_distinguishable"),
        (0.014, 0.138, 0.0500001, None, "not_distinguishable"),
        (0.014, 0.138, 0.05, None, "b_better"),
        (0.014, 0.138, 0.0625, 0.03, "b_not_inferior"),
        (-0.138, -0.014, 0.0625, None, "not_distinguishable"),
        (-0.138, -0.014, 0.0625, 0.03, "not_distinguishable"),
        (-0.02, -0.014, 0.0625, 0.03, "b_not_inferior"),
        (-0.138, -0.014, 0.01, None, "a_better"),
        # What the interval leaves open, no test decides.
        (-0.01, 0.138, 0.01, None, "not_distinguishable"),
    ],
)
def test_better_and_worse_need_the_test_beside_the_interval_too(
    low: float, high: float, p: float, margin: float | None, code: str
) -> None:
    test = PairTest("the exact test", p, 0.05)
    difference = figure((low + high) / 2, low, high, 80)
    found, text = verdict(difference, metric="accuracy", margin=margin, test=test)
    assert found == code
    disagree = (low > 0 or high < 0) and p > 0.05
    assert ("which excludes 0, the exact test does not (p = 0.0625, held against 0.05)" in text) == (
        disagree and p == 0.0625
    )
    if disagree:
        assert "better" not in text and not text.startswith("worse")


def test_a_p_is_named_with_its_level() -> None:
    assert PairTest("the exact test", 0.004077, 0.025).words == "p = 0.00408, held against 0.025"
    assert PairTest("the exact test", 1e-9, 0.05).words == "p under 0.0001, held against 0.05"


def test_the_sentence_carries_difference_interval_and_n() -> None:
    _, text = verdict(figure(-0.004, -0.019, 0.011), margin=0.03)
    assert text == (
        "not worse by more than 3 points of AUROC (difference −0.4, 95% interval −1.9 to +1.1, which "
        "includes 0; 500 labelled rows)"
    )
    _, text = verdict(figure(-0.02, -0.029, -0.011), margin=0.03)
    assert text.startswith("worse, but not worse by more than 3 points") and "excludes 0" in text


def test_what_cannot_be_decided_comes_first() -> None:
    better = figure(0.03, 0.01, 0.05)
    assert verdict(better, not_comparable="they have no prompt in common")[0] == "not_comparable"
    assert verdict(better, n_wrong=9)[0] == "too_few_labels"
    assert verdict(better, metric="accuracy", n_labelled=29)[0] == "too_few_labels"
    assert verdict(better, metric="accuracy", n_labelled=30)[0] == "b_better"
    assert "1 right row and 9 wrong" in verdict(better, n_right=1, n_wrong=9)[1]
    assert verdict(Figure(0.1, reason="an interval needs two prompts"))[0] == "too_few_labels"


def test_the_plan_for_more_labels_has_the_power_it_says() -> None:
    one = figure(0.0, -0.0392, 0.0392, n=100)
    needed = labels_needed(one, 0.02)
    error = 0.02 * (100 / needed) ** 0.5
    power = 1 - norm.cdf(1.959964 - 0.02 / error)
    assert power == pytest.approx(0.8, abs=0.01)
    told = "a comparison planned with about 790 labelled rows would show a difference of 2 points"
    assert told in verdict(one, margin=0.02)[1]
    assert "would have shown" in verdict(figure(0.0, -0.002, 0.002))[1]
    assert labels_needed(Figure(0.0, 0.0, 0.0, 10), 0.03) is None


def test_what_lies_beside_zero_is_not_written_as_zero() -> None:
    assert [points(value) for value in (0.0003, -0.0004, 0.0, 0.1234)] == ["+0.03", "−0.04", "0.0", "+12.3"]
    assert [points(value, signed=False) for value in (-0.03, 0.025)] == ["3", "2.5"]


@given(
    st.integers(1, 3000), st.sampled_from((0.05, 0.5, 0.95)) | st.floats(0.01, 0.99),
    st.sampled_from((0.8, 0.95, 0.99)),
)  # fmt: skip
def test_the_interval_of_a_quantile_lies_between_binomial_ranks(
    n: int, level: float, confidence: float
) -> None:
    low, high = binom.ppf([(1 - confidence) / 2, (1 + confidence) / 2], n, level)
    found = quantile_figure(range(1, n + 1), level, confidence)
    assert (found.low, found.high) == ((low, high + 1) if low >= 1 and high < n else (None, None))


def test_quantiles_of_times_and_their_ratio() -> None:
    slow = quantile_figure([float(n) for n in range(1, 101)], 0.5)
    # The 40th and the 61st of a hundred: binomial tails of at most 2.5%.
    assert (slow.value, slow.low, slow.high) == (50.5, 40.0, 61.0)
    assert quantile_figure([1.0, 2.0], 0.95).low is None and quantile_figure([], 0.5).value is None
    ratio = ratio_figure(slow, quantile_figure([n / 2 for n in range(1, 101)], 0.5))
    assert ratio.value == pytest.approx(2) and ratio.low < 2 < ratio.high
    assert ratio_figure(slow, Figure(None)).value is None
