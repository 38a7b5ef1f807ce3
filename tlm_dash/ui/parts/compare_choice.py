"""What is compared: the baseline, the candidates, and what the verdict is about; all of it in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tlm_dash.services import runs
from tlm_dash.services.compare import MOST_RUNS
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView
from tlm_dash.ui import run_in_hand
from tlm_dash.ui.params_compare import CompareParams, Metric
from tlm_dash.ui.parts import sample_dataset
from tlm_dash.ui.parts.decision_save import SAVING_KEY
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.review_runs import run_names
from tlm_dash.words.numbers import percent

RUNS, DATASETS = "../../pages/runs.py", "../../pages/datasets.py"

METRIC_WORDS: dict[Metric | None, str] = {
    None: "what fits the runs",
    "auroc": "how well scores rank (AUROC)",
    "accuracy": "right answers (accuracy)",
}


def draw(running: Dashboard, params: CompareParams) -> CompareParams | None:
    """Draw the choices; gives the address with both sides in it, None where there is nothing to compare."""
    named = [run_id for run_id in (params.baseline, *params.candidate) if run_id]
    listed = runs.list_runs(running, named=named or run_in_hand.in_hand().runs)[::-1]
    # Runs of the playground, which come last in the list, are never the newest one.
    listed.sort(key=lambda view: view.record.is_playground)
    views = [view for view in listed if view.counts.n_done]
    if len(views) < 2:
        _too_few(running, len(views))
        return None
    newest = next((v for v in views if _partners(v, views)), views[0]).record.run_id
    if not named:
        there = [view.record.run_id for view in listed]
        params = _in_hand(params, [view.record.run_id for view in views], newest, there)
    settled, missing = _settled(params, views)
    assert settled.baseline is not None
    run_in_hand.keep(settled.baseline, settled.candidate)
    if note := run_in_hand.note_on(settled.baseline, newest):
        st.text(f"{note} Choose another baseline below.")
    names = run_names(views)
    left, right = st.columns([2, 3])
    with left:
        _baseline(names, settled)
    with right:
        _candidates(names, settled)
    _question(settled)
    if missing:
        failure(
            "A run that the address names is not here, or none of its rows is answered.",
            "The others are compared; choose another one above.", label="Not found",
        )  # fmt: skip
    if not settled.candidate:
        empty("Choose at least one run to compare with the baseline.", label="Nothing to compare")
        return None
    # An open dialog stays open: its key is not among those of the comparison.
    saving = st.query_params.get(SAVING_KEY)
    dialog: dict[str, str | list[str]] = {} if saving is None else {SAVING_KEY: saving}
    st.query_params.from_dict(settled.to_dict() | dialog)
    return settled


def _too_few(running: Dashboard, count: int) -> None:
    told = "Only one run has answered rows." if count else "No run has an answered row yet."
    empty(
        f"{told} A comparison needs two.",
        "Run a dataset with two models or presets, or upload a file that has responses of two models.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("New run", type="primary", icon=":material/add:", key="compare-new-run"):
            st.switch_page(RUNS, query_params={"new": "yes"})
        sample_dataset.offer(running, "compare-sample")
        st.page_link(DATASETS, label="Upload a dataset", icon=":material/upload:")


def _in_hand(
    params: CompareParams, usable: Sequence[str], newest: str, there: Sequence[str]
) -> CompareParams:
    """Give the address with the runs that this tab has in hand, as the baseline and its candidates."""
    baseline, *candidates = run_in_hand.take(usable, newest, there=there, most=MOST_RUNS)
    return replace(params, baseline=baseline, candidate=tuple(candidates))


def _settled(params: CompareParams, views: Sequence[RunView]) -> tuple[CompareParams, bool]:
    """Fill in what the address leaves open: the newest run that has a partner over the same dataset."""
    known = {view.record.run_id: view for view in views}
    candidates = tuple(run_id for run_id in params.candidate if run_id in known)
    baseline = params.baseline if params.baseline in known else None
    missing = baseline != params.baseline or candidates != params.candidate
    if baseline is None:
        free = [view for view in views if view.record.run_id not in candidates] or list(views)
        baseline = next((v for v in free if _partners(v, views)), free[0]).record.run_id
        candidates = tuple(run_id for run_id in candidates if run_id != baseline)
    if not candidates and not params.candidate:
        partners = _partners(known[baseline], views) or [
            view for view in views if view.record.run_id != baseline
        ]
        candidates = (partners[0].record.run_id,)
    if (baseline, candidates) == (params.baseline, params.candidate):
        return params, False
    of = params.of if params.of in candidates else None
    return replace(params, baseline=baseline, candidate=candidates, of=of), missing


def _partners(view: RunView, views: Sequence[RunView]) -> list[RunView]:
    """Give other runs over the same dataset, those started together first."""
    mine = view.record
    others = [
        other for other in views
        if other.record.run_id != mine.run_id and other.record.dataset_id == mine.dataset_id
    ]  # fmt: skip
    return sorted(others, key=lambda other: mine.grid_id is None or other.record.grid_id != mine.grid_id)


def _baseline(names: dict[str, str], params: CompareParams) -> None:
    assert params.baseline is not None
    key = f"compare-baseline-{params.baseline}"
    st.selectbox(
        "Baseline",
        options=list(names),
        index=list(names).index(params.baseline),
        format_func=names.__getitem__,
        key=key,
        on_change=_choose_baseline,
        args=(key,),
    )


def _candidates(names: dict[str, str], params: CompareParams) -> None:
    key = "compare-candidates-" + "-".join(
        run_id[:8] for run_id in (params.baseline or "", *params.candidate)
    )
    st.multiselect(
        "Candidates",
        options=[run_id for run_id in names if run_id != params.baseline],
        default=list(params.candidate),
        format_func=names.__getitem__,
        max_selections=MOST_RUNS - 1,
        placeholder="Choose runs to compare with the baseline",
        key=key,
        on_change=_choose_candidates,
        args=(key,),
    )


def _question(params: CompareParams) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="compare-question"):
        key = f"compare-metric-{params.metric}"
        options = list(METRIC_WORDS)
        st.selectbox(
            "The verdict is about",
            options=options,
            index=options.index(params.metric),
            format_func=METRIC_WORDS.__getitem__,
            key=key,
            on_change=_set_metric,
            args=(key,),
            width=280,
        )
        key = f"compare-margin-{params.margin}"
        st.number_input(
            "A loss that is small enough, points",
            min_value=0.01, max_value=99.99, step=0.5, format="%.4g",
            value=None if params.margin is None else round(100 * params.margin, 9),
            placeholder="none is",
            help="With a margin the verdict can say that a candidate is good enough: not worse by more.",
            key=key, on_change=_set_margin, args=(key,), width=260,
        )  # fmt: skip
        key = f"compare-confidence-{params.confidence}"
        levels = sorted({0.9, 0.95, 0.99, params.confidence})
        st.selectbox(
            "Confidence",
            options=levels,
            index=levels.index(params.confidence),
            format_func=percent,
            key=key,
            on_change=_set_confidence,
            args=(key,),
            width=120,
        )


def _params() -> CompareParams:
    return CompareParams.from_query(st.query_params)


def _go(params: CompareParams) -> None:
    st.query_params.from_dict(params.to_dict())


def _choose_baseline(key: str) -> None:
    params, chosen = _params(), st.session_state[key]
    # The old baseline takes the place of the new one, so that the choice only turns the comparison around.
    others = tuple(params.baseline if c == chosen else c for c in params.candidate)
    _go(params.between(chosen, tuple(c for c in others if c is not None)))


def _choose_candidates(key: str) -> None:
    params = _params()
    _go(params.between(params.baseline or "", tuple(st.session_state[key])))


def _set_metric(key: str) -> None:
    _go(replace(_params(), metric=st.session_state[key]))


def _set_margin(key: str) -> None:
    value = st.session_state[key]
    _go(replace(_params(), margin=None if value is None else round(value / 100, 6)))


def _set_confidence(key: str) -> None:
    _go(replace(_params(), confidence=st.session_state[key]))
