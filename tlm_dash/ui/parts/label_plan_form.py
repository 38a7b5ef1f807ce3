"""A new labelling plan: what its labels are for, how many rows, and the plan in a line before it is made."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import label_plans, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_plans import ESTIMATING_KINDS, PlanKind, PlanRequest
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.parts.label_plans import READING_NOTE
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import one_line, visible

KINDS: dict[PlanKind, tuple[str, str]] = {
    "uniform": ("Uniform", "For estimates: every row has the same chance."),
    "stratified": (
        "Stratified by score",
        "For estimates: the lower two fifths of the scores twice as densely, unscored rows too.",
    ),
    "lowest": ("Lowest scores", READING_NOTE),
    "around": ("Around a threshold", READING_NOTE),
    "disagree": ("Where two runs disagree", f"{READING_NOTE} Rows that the two rank most differently."),
}
USUAL_N = 100


def draw(running: Dashboard, run_id: str, queue: QueueParams, name: str, *, is_first: bool) -> None:
    """Draw the form; making a plan opens it. The first plan is what the page is for at that moment."""
    st.header("New labelling plan", anchor=False)
    view = runs.show(running, run_id)
    others = [
        other for other in runs.list_runs(running)
        if other.record.dataset_id == view.record.dataset_id and other.record.run_id != view.record.run_id
    ]  # fmt: skip
    kinds: list[PlanKind] = [kind for kind in KINDS if kind != "disagree" or others]
    kind = st.radio(
        "Which rows", kinds, format_func=lambda k: KINDS[k][0], captions=[KINDS[k][1] for k in kinds],
        key="plan-kind",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = int(st.number_input("Rows", 1, label_plans.MOST_ITEMS, USUAL_N, key="plan-n", width=160))
        threshold = _threshold() if kind == "around" else None
        other_run_id = _other_run(others) if kind == "disagree" else None
        double = st.number_input(
            "To two people, %", 0, 100, round(100 * label_plans.DOUBLE_SHARE), key="plan-double", width=160,
            help="A share of the rows, drawn at random, goes to two people: it shows how far they agree.",
        )  # fmt: skip
    is_blind = st.checkbox(
        "Hide the score until the verdict", value=kind in ESTIMATING_KINDS, key=f"plan-blind-{kind}",
        help="People who see the score follow it: labels for estimates should not.",
    )  # fmt: skip
    _how_many()
    request = PlanRequest(
        kind, n, name, threshold=threshold, other_run_id=other_run_id,
        is_score_blind=is_blind, double_share=float(double) / 100,
    )  # fmt: skip
    _make(running, view, request, queue, is_first=is_first)


def _make(
    running: Dashboard, view: RunView, request: PlanRequest, queue: QueueParams, *, is_first: bool
) -> None:
    speed = label_plans.pace(running, view.record.dataset_id)
    n = min(request.n, view.counts.n_done)
    told = label_plans.sentence(
        request.kind, n, {"threshold": request.threshold}, is_score_blind=bool(request.is_score_blind),
        speed=speed,
    )  # fmt: skip
    st.text(visible(told))
    if n < request.n:
        st.caption(f"The run has {n:,} responses.")
    if not st.button(
        "Make this plan and start", type="primary" if is_first else "secondary", key="make-plan"
    ):
        return
    try:
        plan = label_plans.create(running, view.record.run_id, request)
    except TlmDashError as error:
        failure(error.message, error.hint)
        return
    queue.opening(plan.plan_id).write(st.query_params)
    st.rerun()


def _threshold() -> float:
    return float(
        st.number_input("Threshold", 0.0, 1.0, 0.5, step=0.01, format="%.3f", key="plan-threshold", width=160)
    )


def _other_run(others: list[RunView]) -> str:
    names = {view.record.run_id: one_line(view.record.name, 100) for view in others}
    return str(
        st.selectbox(
            "The other run", list(names), format_func=lambda r: names[r], key="plan-other", width=320
        )
    )


def _how_many() -> None:
    """Tell how many labels a target takes, by assumptions that a person sets."""
    with st.expander("How many labels do I need?"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            risk = _percent("At most wrong among the accepted, %", 5.0, "need-risk", 0.1, 50.0)
            confidence = _percent("With confidence, %", 95.0, "need-confidence", 50.0, 99.9)
            wrong = _percent("Assumed wrong among them, %", 0.0, "need-wrong", 0.0, 50.0)
            accepted = _percent("Assumed accepted of all rows, %", 100.0, "need-accepted", 1.0, 100.0)
        found = label_plans.labels_needed(
            risk / 100, confidence / 100, error_share=wrong / 100, accepted_share=accepted / 100
        )
        if found.n_labels is None or found.n_accepted is None:
            st.text(visible(f"No number shows it: {found.reason}."))
            return
        errors = f"at most {found.n_wrong:,} of them are" if found.n_wrong else "none of them is"
        st.text(
            f"{found.n_accepted:,} labels among the accepted rows, if {errors} wrong"
            + (f"; a uniform plan of about {found.n_labels:,} rows." if accepted < 100 else ".")
            + " Settled before any is given, for one threshold that is set beforehand; looking for the best "
            "one takes more. They are asked once: labels added afterwards need a plan of their own."
        )
        st.button(
            f"Take {found.n_labels:,}", key="take-needed", on_click=_take, args=(found.n_labels,),
            disabled=found.n_labels > label_plans.MOST_ITEMS,
        )  # fmt: skip


def _percent(label: str, value: float, key: str, least: float, most: float) -> float:
    return float(st.number_input(label, least, most, value, step=0.5, format="%.1f", key=key, width=240))


def _take(n: int) -> None:
    st.session_state["plan-n"] = n
