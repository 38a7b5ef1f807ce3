"""One candidate beside the baseline: the 2×2 table, the tests, how alike scores rank, what is left out."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from tlm_dash.charts.pair_table import pair_picture, pair_picture_text
from tlm_dash.charts.theme import model_colors
from tlm_dash.services.compare import Comparison
from tlm_dash.services.compare_pair import ComparedPair
from tlm_dash.services.pairing import EXCLUSION_WORDS
from tlm_dash.services.quality import Figure
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts.difference_rows import NO_MENU, names_of
from tlm_dash.ui.parts.ranking_quality import with_ends
from tlm_dash.ui.text import amount, duration, plain, visible
from tlm_dash.words.numbers import NOT_KNOWN, decimal, percent, percent_range


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
                st.caption(plain(name), width=175)
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
        alt=visible(pair_picture_text(counts, name_a=name_a, name_b=name_b)),
    )  # fmt: skip


def _facts(pair: ComparedPair) -> Iterator[tuple[str, str]]:
    pairing, right, ranks = pair.pairing, pair.right, pair.ranks
    how = "by item" if pairing.kind == "item" else "by the text of the messages"
    yield "Prompts both answered", f"{pairing.n:,}, paired {how}"
    for reason, count in pairing.n_excluded.items():
        yield "Left out", f"{count:,}: {EXCLUSION_WORDS.get(reason, reason)}"
    n_used = pair.columns.labels.n_used
    alone = "" if n_used or not right.table.n else ", no sample: the table speaks for these rows alone"
    yield "Labelled in both", f"{n_used or right.table.n:,}{alone}"
    if pair.response_agreement is not None:
        yield "Same response", f"{percent(pair.response_agreement)} of {pairing.n:,}"
    # Where both say the same, accuracy cannot differ: a p of 1 would be read as one of what the scores rank.
    if right.test is not None and not pair.same_responses:
        name, about = "Test over prompts", "prompts repeat; seeded"
        if right.p_mcnemar is not None:
            name, about = "McNemar's exact test", f"n = {right.table.n:,}"
        yield f"{name} of accuracy", f"{right.test.words} ({about})"
    yield "Kendall's tau of scores", _correlation(ranks.kendall.value, ranks.kendall.interval, ranks.n_scored)
    yield "Spearman of scores", _correlation(ranks.spearman.value, ranks.spearman.interval, ranks.n_scored)
    shares = [percent(value) for value in ranks.overlap_lowest if value is not None]
    if shares:
        yield "Lowest 5, 10, 20% shared", f"{', '.join(shares)} (n = {ranks.n_scored:,})"
    if ranks.n_flips is not None:
        yield "Change side", f"{ranks.n_flips:,} of {ranks.n_scored:,} pairs, with as many reviewed in each"


def _share(figure: Figure) -> str:
    if figure.value is None:
        return f"not available: {figure.reason}"
    if figure.interval is None:
        return f"{percent(figure.value)}, without an interval: {figure.reason}"
    return f"{percent(figure.value)} ({percent_range(*figure.interval)})"


def _correlation(value: float | None, ends: tuple[float, float] | None, n: int) -> str:
    if value is None:
        return "needs pairs that have a score in both"
    between = "no interval" if ends is None else f"{decimal(ends[0])} to {decimal(ends[1])}"
    return f"{decimal(value)} ({between}; n = {n:,})"


def _runs(comparison: Comparison, names: dict[str, str]) -> None:
    def tokens(value: float | None) -> str:
        return NOT_KNOWN if value is None else f"{value:,.0f}"

    qualities = [run.quality for run in comparison.runs]
    st.dataframe(
        {
            "run": [visible(names[run.record.run_id]) for run in comparison.runs],
            "labelled": [quality.n_labelled for quality in qualities],
            "accuracy": [_share(quality.accuracy) for quality in qualities],
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
                f"{tokens(run.cost.input_tokens)} + {tokens(run.cost.output_tokens)}"
                for run in comparison.runs
            ],
            "cost of 1,000": [
                NOT_KNOWN if run.cost.per_1000 is None else amount(run.cost.per_1000)
                for run in comparison.runs
            ],
        },
        hide_index=True,
        key="compare-runs",
        alt="Each run on its own rows: labels, accuracy, AUROC, PRR, time, tokens and cost.",
    )
