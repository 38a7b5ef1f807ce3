"""One candidate beside the baseline: the 2×2 table, the tests, how alike scores rank, what is left out."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from tlm_dash.charts.pair_table import pair_picture, pair_picture_text
from tlm_dash.charts.theme import model_colors
from tlm_dash.services.compare import Comparison
from tlm_dash.services.compare_pair import ComparedPair
from tlm_dash.services.pairing import EXCLUSION_WORDS
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts.difference_rows import NO_MENU, names_of
from tlm_dash.ui.parts.ranking_quality import with_ends
from tlm_dash.ui.text import duration, visible


def draw(comparison: Comparison, params: CompareParams) -> None:
    """Draw the choice of the candidate, then its table and its facts."""
    names = names_of(comparison)
    pair = comparison.pairs[params.shown]
    st.header("Right and wrong, and what is left out", anchor=False)
    if len(comparison.pairs) > 1:
        key = f"compare-of-{pair.b.run_id}"
        st.selectbox(
            "Candidate",
            options=[one.b.run_id for one in comparison.pairs],
            index=params.shown,
            format_func=names.__getitem__,
            key=key,
            on_change=_show,
            args=(key,),
            width=420,
        )
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(pair, names)
    with right, st.container(gap="xxsmall"):
        for name, value in _facts(pair):
            with st.container(horizontal=True, gap="small"):
                st.caption(name, width=175)
                st.text(visible(value), width="stretch")
    with st.expander("Each run on its own, and notes"):
        _runs(comparison, names)
        for note in comparison.notes():
            st.text(visible(note))


def _show(key: str) -> None:
    params = CompareParams.from_query(st.query_params)
    st.query_params.from_dict(params.listing(of=st.session_state[key]).to_dict())


def _picture(pair: ComparedPair, names: dict[str, str]) -> None:
    table = pair.right.table
    if not table.n:
        st.text("No pair has a label on both sides, so there is no table of right and wrong.")
        return
    counts = (table.both, table.only_a, table.only_b, table.neither)
    name_a, name_b = names[pair.a.run_id], names[pair.b.run_id]
    colors = model_colors([name_a, name_b])
    st.plotly_chart(
        pair_picture(
            counts, name_a=name_a, name_b=name_b, color_a=colors[name_a], color_b=colors[name_b]
        ),
        width="stretch", key="compare-table", config=NO_MENU,
        alt=pair_picture_text(counts, name_a=name_a, name_b=name_b),
    )  # fmt: skip


def _facts(pair: ComparedPair) -> Iterator[tuple[str, str]]:
    pairing, right, ranks = pair.pairing, pair.right, pair.ranks
    how = "by item" if pairing.kind == "item" else "by the text of the messages"
    yield "Prompts both answered", f"{pairing.n:,}, paired {how}"
    for reason, count in pairing.n_excluded.items():
        yield "Left out", f"{count:,}: {EXCLUSION_WORDS.get(reason, reason)}"
    yield "Labelled in both", f"{pair.columns.labels.n_used:,}"
    if pair.response_agreement is not None:
        yield "Same response", f"{pair.response_agreement:.1%} of {pairing.n:,}"
    if right.p_mcnemar is not None:
        yield "McNemar's exact test", f"p = {right.p_mcnemar:.3g} (n = {right.table.n:,})"
    if right.p_sign_flip is not None:
        yield "Test over prompts", f"p = {right.p_sign_flip:.3g} (prompts repeat; seeded)"
    yield "Kendall's tau of scores", _correlation(ranks.kendall.value, ranks.kendall.interval, ranks.n_scored)
    yield "Spearman of scores", _correlation(ranks.spearman.value, ranks.spearman.interval, ranks.n_scored)
    shares = [f"{value:.0%}" for value in ranks.overlap_lowest if value is not None]
    if shares:
        yield "Lowest 5, 10, 20% shared", f"{', '.join(shares)} (n = {ranks.n_scored:,})"
    if ranks.n_flips is not None:
        yield "Change side", f"{ranks.n_flips:,} of {ranks.n_scored:,} pairs, with as many reviewed in each"


def _correlation(value: float | None, ends: tuple[float, float] | None, n: int) -> str:
    if value is None:
        return "needs pairs that have a score in both"
    between = "no interval" if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}"
    return f"{value:.2f} ({between}; n = {n:,})"


def _runs(comparison: Comparison, names: dict[str, str]) -> None:
    def figure(value: float | None, digits: int = 3) -> str:
        return "—" if value is None else f"{value:.{digits}f}"

    qualities = [run.quality for run in comparison.runs]
    st.dataframe(
        {
            "run": [visible(names[run.record.run_id]) for run in comparison.runs],
            "labelled": [quality.n_labelled for quality in qualities],
            "accuracy": [with_ends(quality.accuracy) for quality in qualities],
            "AUROC": [with_ends(quality.auroc) for quality in qualities],
            "PRR": [with_ends(quality.prr) for quality in qualities],
            "median time": [
                duration(run.latency.p50.value) if run.latency_reason is None else "not comparable"
                for run in comparison.runs
            ],
            "95 of 100 within": [
                duration(run.latency.p95.value) if run.latency_reason is None else "not comparable"
                for run in comparison.runs
            ],
            "tokens in + out": [
                f"{figure(run.cost.input_tokens, 0)} + {figure(run.cost.output_tokens, 0)}"
                for run in comparison.runs
            ],
            "cost of 1,000": [figure(run.cost.per_1000, 2) for run in comparison.runs],
        },
        hide_index=True,
        key="compare-runs",
        alt="Each run on its own rows: labels, accuracy, AUROC, PRR, time, tokens and cost.",
    )
