"""Ranking quality and calibration, each folded under its own sentence."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from tlm_dash.charts.reliability import ReliabilityBin, reliability, reliability_text
from tlm_dash.services.decide import Decision
from tlm_dash.services.quality import ECE_CAVEAT, Estimate, Figure, Quality
from tlm_dash.ui.text import one_line, plain, visible
from tlm_dash.words.numbers import decimal, percent, points


def draw(decision: Decision) -> None:
    """Draw both parts, closed."""
    quality = decision.quality
    if not quality.n_labelled:
        # Nothing to unfold: a row of dashes says less than the sentence.
        st.text(visible(f"Ranking quality: {ranking_sentence(quality)}"))
        st.text(visible(f"Calibration: {calibration_sentence(quality)}"))
        return
    with st.expander(f"**Ranking quality.** {plain(ranking_sentence(quality))}", key="ranking-quality"):
        for name, value in _figures(quality):
            with st.container(horizontal=True, gap="small"):
                st.caption(plain(name), width=330)
                st.text(visible(value), width="stretch")
        for note in (*quality.labels.notes, *quality.notes):
            st.text(one_line(note, 400))
    if quality.reliability is None:
        st.text(visible(f"Calibration: {calibration_sentence(quality)}"))
        return
    with st.expander(f"**Calibration.** {plain(calibration_sentence(quality))}", key="calibration"):
        _calibration(decision)


def ranking_sentence(quality: Quality) -> str:
    """Say how well the scores rank, or why that cannot be said."""
    area = quality.auroc
    if area.value is None:
        return f"AUROC is not available: {area.reason}."
    said = f"AUROC {decimal(area.value)}"
    if area.low is not None and area.high is not None:
        said += f" ({percent(area.confidence)} interval {decimal(area.low)} to {decimal(area.high)})"
    else:
        said += f" without an interval: {area.reason}"
    said += f", {area.n_positive:,} right and {area.n_negative:,} wrong rows"
    if area.high is not None and area.high < 0.5:
        return f"{said}: worse than chance."
    if area.high is None and area.value < 0.5:
        return f"{said}: wrong rows score higher than right ones here."
    if area.low is not None and area.low <= 0.5:
        return f"{said}: not distinguishable from chance."
    return f"{said}."


def calibration_sentence(quality: Quality) -> str:
    """Say how far the scores may be read as chances of being right."""
    if quality.brier.value is None or quality.ece is None:
        return f"Not available: {quality.brier.reason}."
    return (
        f"A score ranks; it is not a probability. Here scores and shares right differ by "
        f"{points(quality.ece, signed=False)} points on average ({quality.n_used:,} rows in ten "
        "bins; biased upward with few rows)."
    )


def _figures(quality: Quality) -> Iterator[tuple[str, str]]:
    accuracy, area = quality.accuracy, quality.auroc
    yield "Right", _share(accuracy, f"{quality.n_labelled:,} labelled rows")
    if area.low is not None and area.high is not None:
        yield "AUROC", f"{decimal(area.value)} ({decimal(area.low)} to {decimal(area.high)}), ties count half"
    else:
        yield "AUROC", _three(area.value)
    yield "Average precision for incorrect", with_ends(quality.average_precision_incorrect)
    yield "PRR (1 perfect order, 0 random)", with_ends(quality.prr)
    for share, figure in quality.accuracy_at_review_share.items():
        yield f"Right when the lowest {percent(share)} are read", _share(figure, "those that pass")
    yield "Intervals", f"{percent(accuracy.confidence)}; those below AUROC by resampling prompts"
    if quality.n_excluded:
        yield "Rows left out", " · ".join(f"{n:,} {reason}" for reason, n in quality.n_excluded.items())


def _calibration(decision: Decision) -> None:
    quality = decision.quality
    found = quality.reliability
    if found is None:
        return
    bins = [
        ReliabilityBin(
            float(found.edges[i]), float(found.edges[i + 1]), int(found.n[i]), float(found.mean_score[i]),
            float(found.accuracy[i]), float(found.low[i]), float(found.high[i]),
        )
        for i in found.n.nonzero()[0]
    ]  # fmt: skip
    st.plotly_chart(
        reliability(bins, model=decision.record.model or decision.record.name), width="stretch",
        key="reliability", config={"displayModeBar": False}, alt=reliability_text(bins, found.confidence),
    )  # fmt: skip
    st.text(
        f"Brier score {_three(quality.brier.value)} (0 is best). Expected calibration error "
        f"{_three(quality.ece)} over {quality.n_used:,} rows: {ECE_CAVEAT}, so that even calibrated scores "
        f"are above 0. Bars are {percent(found.confidence)} intervals"
        f"{', approximate' if quality.is_weighted else ''}."
    )


def _share(figure: Figure, of: str) -> str:
    if figure.value is None:
        return f"not available: {figure.reason}"
    if figure.interval is None:
        return f"{percent(figure.value)} of {of}, without an interval: {figure.reason}"
    return f"{percent(figure.value)} ({percent(figure.low)} to {percent(figure.high)}) of {of}"


def with_ends(figure: Figure | Estimate) -> str:
    """Write a figure with its interval, or say why either is missing."""
    if figure.value is None:
        return f"not available: {figure.reason}"
    if figure.low is None or figure.high is None:
        return f"{decimal(figure.value)}, without an interval: {figure.reason}"
    return f"{decimal(figure.value)} ({decimal(figure.low)} to {decimal(figure.high)})"


def _three(value: float | None) -> str:
    return "not available" if value is None else decimal(value)
