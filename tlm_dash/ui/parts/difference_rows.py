"""The differences to the baseline figure by figure, and quality against what it takes."""

from __future__ import annotations

import streamlit as st

from tlm_dash.charts.theme import model_colors
from tlm_dash.charts.tradeoff import TradePoint, tradeoff, tradeoff_text
from tlm_dash.charts.whiskers import Whisker, whiskers, whiskers_text
from tlm_dash.services.compare import ComparedRun, Comparison
from tlm_dash.services.compare_pair import ComparedPair
from tlm_dash.services.pair_figures import excludes_zero
from tlm_dash.services.quality import Figure
from tlm_dash.services.run_words import configuration, what_differs
from tlm_dash.ui.text import one_line, visible
from tlm_dash.words.numbers import percent

NAME_CHARACTERS = 60
SETTINGS = "../../pages/settings.py"
NO_MENU = {"displayModeBar": False}


def names_of(comparison: Comparison) -> dict[str, str]:
    """Give each run the name that tells it apart here: what differs, its configuration, else its name."""
    records = [run.record for run in comparison.runs]
    differ = len({record.scorer_model for record in records}) > 1
    # A whole configuration would be cut off in a chart, and what differs with it.
    told = what_differs(records) or [configuration(record, with_scorer=differ) for record in records]
    names = [one_line(name, NAME_CHARACTERS) for name in told]
    if len(set(names)) < len(names):
        names = [one_line(record.name, NAME_CHARACTERS) for record in records]
    if len(set(names)) < len(names):
        names = [
            f"{name} ({visible(record.run_id[:6])})" for name, record in zip(names, records, strict=True)
        ]
    return {record.run_id: name for record, name in zip(records, names, strict=True)}


def draw(comparison: Comparison) -> None:
    """Draw the differences with their intervals; says so where none can be estimated."""
    names = names_of(comparison)
    rows = [
        Whisker(
            words, names[pair.b.run_id], 100 * figure.value,
            None if figure.low is None else 100 * figure.low,
            None if figure.high is None else 100 * figure.high, figure.n, _disagreement(pair, figure),
        )
        for pair in comparison.pairs for words, figure in pair.differences() if figure.value is not None
    ]  # fmt: skip
    if not rows:
        return
    st.header("Differences to the baseline", anchor=False)
    colors = {names[run_id]: color for run_id, color in _colors(comparison).items()}
    confidence = comparison.request.pair_confidence
    shown = {names[pair.b.run_id]: colors[names[pair.b.run_id]] for pair in comparison.pairs}
    st.plotly_chart(
        whiskers(rows, shown, confidence), width="stretch", key="compare-whiskers", config=NO_MENU,
        alt=visible(whiskers_text(rows, confidence)),
    )  # fmt: skip
    least, most = min(row.n for row in rows), max(row.n for row in rows)
    told = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    st.caption(
        f"Over {told} labelled rows that both answered; {percent(confidence)} intervals. PRR is the "
        "rejection ratio: 1 for a perfect order, 0 for one that tells nothing. What is reviewed goes to "
        "people, by each run's own lowest scores."
    )


def _disagreement(pair: ComparedPair, figure: Figure) -> str:
    """Say beside an interval that excludes 0 that the test of the same difference finds none."""
    test = pair.right.test
    if figure is not pair.right.difference or test is None or test.rejects or not excludes_zero(figure):
        return ""
    return f"{test.name} shows no difference, {test.words}"


def draw_tradeoff(comparison: Comparison) -> None:
    """Draw quality against cost and against time, each where two runs have it; says why where they do not."""
    measured = _quality(comparison)
    if measured is None:
        return
    quality, points = measured
    st.header("Quality against what it takes", anchor=False)
    efforts = _efforts(comparison, points)
    missing = [(effort, reason) for effort, reason, placed in efforts if len(placed) < 2]
    drawn = [(effort, placed) for effort, _, placed in efforts if len(placed) >= 2]
    if missing:
        told = " ".join(f"{effort[:1].upper()}{effort[1:]}: {reason}." for effort, reason in missing)
        st.text(visible(told))
    _, _, by_cost = efforts[0]
    if len(by_cost) < 2 and any(run.cost.wants_prices for run in comparison.runs):
        st.page_link(SETTINGS, label="Enter prices", icon=":material/payments:")
    if not drawn:
        return
    for column, (effort, placed) in zip(st.columns(2), drawn, strict=False):
        with column:
            st.plotly_chart(
                tradeoff(placed, quality=quality, effort=effort), width="stretch", config=NO_MENU,
                key=f"compare-tradeoff-{effort[:4]}",
                alt=visible(tradeoff_text(placed, quality=quality, effort=effort)),
            )  # fmt: skip
    st.caption(
        f"Bars are {percent(comparison.request.confidence)} intervals of each run on its own rows; whether "
        "two runs differ is told by the paired differences above. The diamond is the baseline. Cost is an "
        "estimate from the price table."
    )


def _colors(comparison: Comparison) -> dict[str, str]:
    names = names_of(comparison)
    colors = model_colors(list(names.values()))
    return {run_id: colors[name] for run_id, name in names.items()}


def _quality(
    comparison: Comparison,
) -> tuple[str, dict[str, tuple[float, float | None, float | None]]] | None:
    """Give AUROC of the runs where all score the same responses, else accuracy; None where two have none."""
    same = all(pair.same_responses for pair in comparison.pairs)
    words, name = ("AUROC", "auroc") if same else ("accuracy, %", "accuracy")
    found = {}
    for run in comparison.runs:
        figure = getattr(run.quality, name)
        if figure.value is not None:
            scale = 1.0 if same else 100.0
            ends = (None if end is None else scale * end for end in (figure.low, figure.high))
            low, high = ends
            found[run.record.run_id] = (scale * figure.value, low, high)
    return (words, found) if len(found) > 1 else None


def _efforts(
    comparison: Comparison, measured: dict[str, tuple[float, float | None, float | None]]
) -> list[tuple[str, str, list[TradePoint]]]:
    names, colors = names_of(comparison), _colors(comparison)

    def point(
        run: ComparedRun, effort: float, low: float | None = None, high: float | None = None
    ) -> TradePoint:
        run_id = run.record.run_id
        value, quality_low, quality_high = measured[run_id]
        return TradePoint(
            names[run_id], colors[run_id], value, quality_low, quality_high, effort, low, high,
            run_id == comparison.runs[0].record.run_id,
        )  # fmt: skip

    there = [run for run in comparison.runs if run.record.run_id in measured]
    by_cost = [point(run, run.cost.per_1000) for run in there if run.cost.per_1000 is not None]
    by_time = []
    for run in there:
        p50 = run.latency.p50
        if run.latency_reason is None and p50.value is not None:
            low, high = (None if end is None else end / 1000 for end in (p50.low, p50.high))
            by_time.append(point(run, p50.value / 1000, low, high))
    no_cost = next((run.cost.reason for run in there if run.cost.reason), "not known of two runs")
    no_time = next((run.latency_reason for run in there if run.latency_reason), "not measured for two runs")
    return [
        ("cost of 1,000 rows", no_cost, by_cost),
        ("median seconds a row", f"not comparable: {no_time}", by_time),
    ]
