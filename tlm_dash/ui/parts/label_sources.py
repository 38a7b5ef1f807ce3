"""Where the labels of a run come from, and everything that people decide about them."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import NotFoundError
from tlm_dash.services import datasets, label_sources, review, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_sources import SOURCES, SourceCounts
from tlm_dash.services.labelled import sampling_bases
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts import (
    label_agreement,
    label_matchers,
    label_resolve,
    label_spellings,
    label_statement,
    who_line,
)
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.review_runs import run_names
from tlm_dash.ui.text import visible
from tlm_dash.words.not_accepted import set_aside_sentence

SOURCE_NAMES = {
    "person": "People",
    "imported": "Imported verdicts",
    "column": "The file's label column",
    "matcher": "Matcher against the reference",
}
LOOKED_AT_ONCE = 200_000
"""Rows; the samples of larger runs are looked for when a person asks."""


def draw(running: Dashboard, params: ReviewParams) -> None:
    """Draw the labels of the run whose rows are listed: sources, spellings, matcher, agreement."""
    if params.of is None:
        empty("No run is chosen.", "Choose the run whose labels are meant in the sidebar.")
        return
    try:
        view = runs.show(running, params.of)
    except NotFoundError as error:
        failure(error.message, error.hint, label="Not found")
        return
    _choose_run(running, params)
    name = who_line.draw("labels", "Your name, kept with what you decide here")
    dataset_id = view.record.dataset_id
    counts = label_sources.source_counts(running, view.record.run_id)
    is_usable = _sources(running, view, counts)
    _order(running, dataset_id, name)
    mine = (run.label_column for run in datasets.runs_of(running, dataset_id) if run.run_id == params.of)
    label_spellings.draw(running, dataset_id, name, first=next(mine, None))
    label_matchers.draw(running, view.record.run_id, counts.n_answered, name)
    label_statement.draw(running, view.record.run_id, counts, name)
    label_agreement.draw(running, [view.record.run_id], name)
    label_resolve.draw(running, [view.record.run_id], name)
    if is_usable:
        st.page_link(
            "../../pages/decide.py",
            label="Next step: decide on a threshold",
            icon=":material/rule:",
            query_params={"run": view.record.run_id},
        )


def _choose_run(running: Dashboard, params: ReviewParams) -> None:
    if len(params.runs) < 2:
        return
    names = run_names(review.chosen(running, params.runs)[0])
    st.session_state["labels-run"] = params.of
    st.selectbox(
        "Run", list(names), format_func=names.__getitem__, key="labels-run", on_change=_set_run, width=520
    )


def _set_run() -> None:
    st.query_params["of"] = st.session_state["labels-run"]


def _sources(running: Dashboard, view: RunView, counts: SourceCounts) -> bool:
    """Draw how many labels each source gives; tells whether estimates can stand on them."""
    st.header("Where the labels of this run come from", anchor=False)
    st.text(visible(view.record.name))
    with st.container(horizontal=True):
        st.metric("Labelled", f"{counts.n_labelled:,}", width=100)
        st.metric("Correct", f"{counts.n_correct:,}", width=100)
        st.metric("Incorrect", f"{counts.n_labelled - counts.n_correct:,}", width=100)
        st.metric("Unsure", f"{counts.n_unsure:,}", width=100)
        st.metric("Skipped", f"{counts.n_skipped:,}", width=100)
        st.metric("Answered rows", f"{counts.n_answered:,}", width=130)
    if n_aside := label_sources.set_aside(running, view.record.dataset_id):
        st.text(set_aside_sentence(n_aside))
    used = label_sources.order(running, view.record.dataset_id).sources
    listed = [*used, *(source for source in SOURCES if source not in used)]
    st.dataframe(
        {
            "source": [SOURCE_NAMES[source] for source in listed],
            "comes": [_place(used, source) for source in listed],
            "says something of (rows)": [counts.speaks[source] for source in listed],
            "gives the label of (rows)": [counts.by_source[source] for source in listed],
        },
        hide_index=True,
        key=f"label-sources-{view.record.run_id}",
    )
    return _samples(running, view, counts)


def _samples(running: Dashboard, view: RunView, counts: SourceCounts) -> bool:
    """Say what estimates can stand on, or why there is nothing; tells which of both."""
    if counts.n_rows > LOOKED_AT_ONCE and not st.button(
        "What can estimates stand on?", icon=":material/functions:", key="labels-samples"
    ):
        return False
    found = sampling_bases(running, view.record.run_id)
    usable = [basis for basis in found if basis.kind != "none"]
    for basis in usable:
        st.text(visible(f"Estimates can stand on {basis.sentence}."))
    if usable:
        return True
    st.text(visible(next((basis.reason for basis in reversed(found) if basis.reason), "")))
    if st.button("Label queue", icon=":material/keyboard:", key="labels-to-queue"):
        st.query_params["view"] = "queue"
        st.rerun()
    return False


def _place(used: tuple[str, ...], source: str) -> str:
    return ("first", "second", "third", "fourth")[used.index(source)] if source in used else "not used"


def _order(running: Dashboard, dataset_id: str, name: str | None) -> None:
    now = label_sources.order(running, dataset_id)
    with st.expander("Which source counts where several say something", key="labels-order"):
        st.caption(
            "The first source that says something of a row gives its label, here, in exports and on the "
            "command line. A source that is left out is not used. It holds for all runs of the dataset."
        )
        if now.decided_by is not None:
            st.text(f"Decided by {visible(now.decided_by)}.")
        chosen = st.multiselect(
            "Sources in their order",
            options=list(SOURCES),
            default=list(now.sources),
            format_func=SOURCE_NAMES.__getitem__,
            key=f"labels-order-{'-'.join(now.sources)}",
        )
        if st.button(
            "Save the order",
            key="labels-save-order",
            disabled=name is None or not chosen or tuple(chosen) == now.sources,
        ):
            change(lambda: label_sources.set_order(running, dataset_id, chosen, name or ""))
