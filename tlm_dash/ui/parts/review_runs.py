"""Which runs are reviewed: chosen in the sidebar, kept in the address, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from tlm_dash.services import review, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.free_names import free_name
from tlm_dash.services.run_view import RunView
from tlm_dash.ui import run_in_hand
from tlm_dash.ui.params_review import MOST_RUNS, ReviewParams
from tlm_dash.ui.parts import export_menu, playground_link, sample_dataset
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.text import one_line, visible

NAME_CHARACTERS = 60
BETWEEN = " · "
"""What runs are named with between dataset, model and preset."""


def settled(running: Dashboard, params: ReviewParams) -> ReviewParams:
    """Give the address with a run in it (the one in hand where it names none), and write it where it shows.

    A link to this same page changes what the script is told, but not the browser's address bar: written back,
    a reload shows the same. The browser ignores what it shows already. The queue keeps keys of its own.
    """
    if not params.runs:
        known = runs.list_runs(running, named=run_in_hand.in_hand().runs)
        if (newest := _newest(known)) is not None:
            there = [view.record.run_id for view in known]
            taken = run_in_hand.take(there, newest, there=there, most=MOST_RUNS)
            params = params.choosing(taken)
        st.query_params["run"] = list(params.runs)
    if params.view == "rows":
        st.query_params.from_dict(params.to_dict())
    return params


def draw(running: Dashboard, params: ReviewParams) -> list[RunView]:
    """Draw the choice of runs, and give those that are there; says so where there is none."""
    known = runs.list_runs(running, named=params.runs)
    if not known:
        empty("There is no run yet.", "Run a dataset, or upload one that has responses and scores.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("New run", type="primary", icon=":material/add:", key="to-runs"):
                st.switch_page("../../pages/runs.py", query_params={"new": "yes"})
            sample_dataset.offer(running, "review-sample")
            st.page_link("../../pages/datasets.py", label="Upload a dataset", icon=":material/upload:")
        return []
    views, missing = review.chosen(running, params.runs)
    if params.plan is None or params.view != "queue":
        with st.sidebar:
            _choice(known, [view.record.run_id for view in views])
    if views:
        _name(views, params, _newest(known))
    if missing:
        failure(
            "A run that the address names is not there." if views else "The run is not there.",
            "It may have been deleted. Choose another one.",
            label="Not found",
        )
        if st.button("Show the newest run" if not views else "Leave it out", key="drop-missing"):
            st.query_params.from_dict(params.choosing(tuple(view.record.run_id for view in views)).to_dict())
            st.rerun()
    return views


def _newest(known: Sequence[RunView]) -> str | None:
    """Give the newest run of a list, one with answers where there is one; runs of the playground are none."""
    listed = [view for view in known if not view.record.is_playground]
    answered = [view for view in listed if view.counts.n_done] or listed or list(known)
    return answered[-1].record.run_id if answered else None


def _name(views: Sequence[RunView], params: ReviewParams, newest: str | None) -> None:
    """Name the runs that the page is about, and say where nobody chose them; they are in hand from now on."""
    listed = listed_run(views, params)
    run_in_hand.keep(listed, [view.record.run_id for view in views])
    names = run_names(views)
    others = [visible(names[view.record.run_id]) for view in views if view.record.run_id != listed]
    beside = f", beside {', '.join(others)}" if others else ""
    note = run_in_hand.note_on(listed, newest)
    how = f". {note} Choose another one in the sidebar." if note else ""
    st.text(f"Run: {visible(names[listed])}{beside}{how}")


def draw_way_back(params: ReviewParams) -> None:
    """Draw the way back to the rows; while rows are labelled one by one, the queue has its own."""
    if params.plan is None and st.button(
        "Back to the rows", type="tertiary", icon=":material/arrow_back:", key="to-rows"
    ):
        _go(replace(params, view="rows"))


def draw_actions(running: Dashboard, views: Sequence[RunView], params: ReviewParams) -> None:
    """Draw what can be done with the rows: label them, say where labels come from, take them along."""
    listed = next(view for view in views if view.record.run_id == listed_run(views, params))
    with st.container(horizontal=True, vertical_alignment="center", key="review-actions"):
        if st.button("Label queue", type="primary", icon=":material/keyboard:", key="to-queue"):
            _go(replace(params, view="queue", row=None))
        if st.button("Where labels come from", icon=":material/label:", key="to-labels"):
            _go(replace(params, view="labels", row=None))
        export_menu.draw(
            running, [listed.record.run_id], params.filter, name=one_line(listed.record.name, 60)
        )
        if listed.record.is_playground:
            playground_link.draw(running, listed.record.run_id, params.row, label="Back to the playground")
    if listed.record.is_playground:
        st.caption(
            "Every answer of the playground with this model and preset, a row for each prompt. A row follows "
            "its card: scored again, it has its new score."
        )


def draw_next_step(views: Sequence[RunView], params: ReviewParams) -> None:
    """Lead on to the threshold of the run whose rows are listed, once it has rows to decide about."""
    run_id = listed_run(views, params)
    if any(view.record.run_id == run_id and view.counts.n_done for view in views):
        st.page_link(
            "../../pages/decide.py",
            label="Next step: decide on a threshold",
            icon=":material/rule:",
            query_params={"run": run_id},
        )


def listed_run(views: Sequence[RunView], params: ReviewParams) -> str:
    """Give the run whose rows are listed: the one that the address names, else the first that is there."""
    there = [view.record.run_id for view in views]
    return params.of if params.of in there else there[0]


def run_names(views: Sequence[RunView]) -> dict[str, str]:
    """Name runs for a menu; those of one name are told apart by when they were made."""
    names = {view.record.run_id: menu_name(view) for view in views}
    shared = [name for name in names.values() if list(names.values()).count(name) > 1]
    made = {view.record.run_id: f"{view.record.created_at:%Y-%m-%d %H:%M:%S}" for view in views}
    return told_apart(
        {run_id: f"{name} ({made[run_id]})" if name in shared else name for run_id, name in names.items()}
    )


def told_apart(words: Mapping[str, str]) -> dict[str, str]:
    """Number words that stand for several values: a menu knows its options by their words alone."""
    told: dict[str, str] = {}
    used: set[str] = set()
    for value, word in words.items():
        told[value] = free_name(word, used)
        used.add(told[value])
    return told


def title(view: RunView) -> str:
    """Name a run on one line."""
    return one_line(view.record.name, NAME_CHARACTERS)


def menu_name(view: RunView) -> str:
    """Name a run for a menu, which cuts long names at their end: the preset first, the dataset last.

    The parts of a name are taken off by what they are: a column or a dataset may be named "a · b" itself.
    """
    record, first = view.record, []
    rest = record.name.removeprefix(f"{record.dataset_name}{BETWEEN}")
    if rest == record.name:
        return title(view)
    for part in (record.scorer_model, record.quality_preset, record.model):
        if part and rest.endswith(f"{BETWEEN}{part}"):
            rest = rest.removesuffix(f"{BETWEEN}{part}")
            first.append(part)
    return one_line(BETWEEN.join([*first, rest, record.dataset_name]), NAME_CHARACTERS)


def _choice(known: Sequence[RunView], shown: list[str]) -> None:
    names = run_names(list(reversed(known)))
    key = "review-runs-" + "-".join(run_id[:8] for run_id in shown)
    st.multiselect(
        "Runs",
        options=list(names),
        default=shown,
        format_func=names.__getitem__,
        max_selections=MOST_RUNS,
        placeholder="Choose a run",
        key=key,
        on_change=_choose,
        args=(key,),
    )


def _choose(key: str) -> None:
    params = ReviewParams.from_query(st.query_params)
    st.query_params.from_dict(params.choosing(tuple(st.session_state[key])).to_dict())


def _go(params: ReviewParams) -> None:
    st.query_params.from_dict(params.to_dict())
    st.rerun()
