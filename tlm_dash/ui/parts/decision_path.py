"""Where the Decide page comes from and leads to: what is missing as a button, and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tlm_dash.errors import NotFoundError
from tlm_dash.services import runs
from tlm_dash.services.asking import AskedDecision, known_or_first
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Decision
from tlm_dash.services.run_view import RunView
from tlm_dash.ui import run_in_hand
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.parts import label_notice, playground_link, sample_dataset
from tlm_dash.ui.parts.notice import empty, failure

RUNS, REVIEW, COMPARE = "../../pages/runs.py", "../../pages/review.py", "../../pages/compare.py"
DATASETS = "../../pages/datasets.py"


def runs_to_decide(running: Dashboard, params: DecideParams) -> tuple[list[RunView], list[str]]:
    """Give the runs that have answers, newest first, and the ids of all that are there."""
    named = (params.run,) if params.run else run_in_hand.in_hand().runs[:1]
    listed = runs.list_runs(running, named=named)[::-1]
    # Runs of the playground, which come last in the list, are never the newest one.
    listed.sort(key=lambda view: view.record.is_playground)
    return [view for view in listed if view.counts.n_done], [view.record.run_id for view in listed]


def run_to_decide(
    running: Dashboard, views: Sequence[RunView], there: Sequence[str], params: DecideParams
) -> RunView | None:
    """Give the run that the page is about; None where there is none, after saying what to do.

    It is the one that the address names, else the one in hand, which the address names from then on. `there`
    are the ids of all runs.
    """
    known = {view.record.run_id: view for view in views}
    if not views:
        empty(
            "No run has an answered row yet.",
            "Upload a file that has responses, or run a dataset; then label some rows.",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Go to Runs", type="primary", icon=":material/play_circle:", key="decide-to-runs"):
                st.switch_page(RUNS)
            sample_dataset.offer(running, "decide-sample")
            st.page_link(DATASETS, label="Upload a dataset", icon=":material/upload:")
        return None
    if params.run is not None and params.run not in known:
        failure(
            "The run that the address names is not here, or none of its rows is answered.",
            "Choose another one.", label="Not found",
        )  # fmt: skip
        if st.button("Take the newest run", key="decide-newest"):
            st.query_params.from_dict(params.of_run(views[0].record.run_id).to_dict())
            st.rerun()
        return None
    newest = views[0].record.run_id
    (run,) = (params.run,) if params.run else run_in_hand.take(known, newest, there=there)
    run_in_hand.keep(run)
    st.query_params["run"] = run
    if note := run_in_hand.note_on(run, newest):
        st.text(f"{note} Choose another one below.")
    return known[run]


def decided(running: Dashboard, view: RunView, params: DecideParams) -> AskedDecision | None:
    """Show what the address asks, answered where it was asked before.

    None where it names a sample that is not there, after saying so.
    """
    n_rows = view.record.n_items
    try:
        return known_or_first(
            running, view.record.run_id, params.basis, lambda first: params.question(n_rows, first)
        )
    except NotFoundError as error:
        failure(error.message, "Take another sample of its labels.", label="Not found")
    if st.button("Take the sample with most labels", type="primary", key="decide-best-sample"):
        st.query_params.from_dict(replace(params, basis=None).to_dict())
        st.rerun()
    return None


def labels_missing(running: Dashboard, decision: Decision) -> None:
    """Offer what is missing first: scores, then labels that estimates can stand on."""
    if decision.n_unscored == decision.n_rows:
        if decision.record.is_playground:
            empty("No row of this run has a score.", "Score its answers again on their cards.")
            playground_link.draw(running, decision.record.run_id, None, label="Back to the playground")
            return
        empty("No row of this run has a score.", "A threshold needs scores: have its responses scored.")
        if st.button(
            "Score its responses", type="primary", icon=":material/play_circle:", key="decide-to-score"
        ):
            st.switch_page(RUNS, query_params={"new": "yes", "dataset": decision.record.dataset_id})
        return
    reason = decision.basis.reason
    if reason is None:
        return
    # Labels that came with the file are the shorter way.
    waits = label_notice.draw(running, decision.record.dataset_id, of_run=decision.record.run_id, leads=True)
    empty(reason, "Label rows drawn at random: their labels speak for the whole run.")
    if st.button(
        "Label rows", icon=":material/rate_review:", key="decide-to-review",
        type="secondary" if waits else "primary",
    ):  # fmt: skip
        st.switch_page(REVIEW, query_params={"run": decision.record.run_id, "view": "queue"})


def next_step(decision: Decision) -> None:
    """Lead on to the comparison with other runs."""
    run = decision.record.run_id
    if decision.basis.reason is not None:
        return
    query = {"baseline": run}
    if decision.answer.point is not None:
        query["threshold"] = repr(decision.answer.point.threshold)
    st.page_link(
        COMPARE, label="Next step: compare it with another model or preset",
        icon=":material/compare_arrows:", query_params=query,
    )  # fmt: skip
