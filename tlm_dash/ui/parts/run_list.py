"""The list of runs: one line each, newest first, watched for as long as anything is under way."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView
from tlm_dash.ui import run_in_hand
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_runs import RunsParams
from tlm_dash.ui.parts import run_actions, run_facts, run_links
from tlm_dash.ui.parts.dataset_list import counted
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.run_progress import UNDER_WAY, Parts, bar, cost, exact_times, pace
from tlm_dash.ui.text import one_line, visible

LIVE_EVERY_S = 2
RUNS_A_PAGE = 20
NAME_CHARACTERS = 140

STATES = {
    "queued": ("queued", "gray", ":material/hourglass_top:"),
    "running": ("running", "blue", ":material/play_circle:"),
    "paused": ("paused", "gray", ":material/pause_circle:"),
    "done": ("done", "gray", ":material/check_circle:"),
    "cancelled": ("cancelled", "gray", ":material/cancel:"),
    "failed": ("stopped", "red", ":material/error:"),
}


def draw(running: Dashboard, params: RunsParams) -> None:
    """Draw the list; it looks again on its own only while something is under way."""
    was_live = _is_live(runs.list_runs(running))

    @st.fragment(run_every=LIVE_EVERY_S if was_live else None)
    def live() -> None:
        guarded(lambda: _draw(running, params, was_live=was_live))

    live()


def _is_live(views: list[RunView]) -> bool:
    return any(view.live is not None or view.status in UNDER_WAY for view in views)


def _draw(running: Dashboard, params: RunsParams, *, was_live: bool) -> None:
    views = runs.list_runs(running)
    if was_live != _is_live(views) and not params.new:
        # Something began or all has ended: the whole page once more, which starts or ends the looking. Not
        # under an open drawer: it would be drawn anew in the middle of somebody's typing.
        st.rerun()
    if not views:
        empty(
            "No dataset has been run yet.", "Press New run: choose a dataset, tick models and presets, Start."
        )
        return
    shown = [view for view in views if params.dataset in (None, view.record.dataset_id)][::-1]
    _head(running, views, shown, params)
    _crash_note(views)
    if not shown:
        empty("This dataset has not been run yet.", "Press New run, or show the runs of all datasets.")
    if params.run is not None and all(view.record.run_id != params.run for view in shown):
        failure(
            "The run that the address names is not in this list.", "It may be deleted.", label="Not found"
        )
    pages = max(1, -(-len(shown) // RUNS_A_PAGE))
    page = min(params.page, pages)
    for view in shown[(page - 1) * RUNS_A_PAGE : page * RUNS_A_PAGE]:
        _run(running, view, params)
    _foot(len(shown), pages, page)


def _head(running: Dashboard, views: list[RunView], shown: list[RunView], params: RunsParams) -> None:
    names = {view.record.dataset_id: view.record.dataset_name for view in views}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(names) > 1 or params.dataset is not None:
            st.selectbox(
                "Runs of",
                options=list(names),
                index=list(names).index(params.dataset) if params.dataset in names else None,
                format_func=lambda dataset_id: one_line(names[dataset_id], 60),
                placeholder="all datasets",
                key="runs-dataset",
                on_change=_filter,
                width=320,
            )
        run_actions.for_all(running, shown)
    run_actions.refusal(None)


def _filter() -> None:
    params = RunsParams.from_query(st.query_params)
    st.query_params.from_dict(params.filtered(st.session_state["runs-dataset"]).to_dict())


def _turn_page() -> None:
    values = RunsParams.from_query(st.query_params).to_dict() | {"page": str(st.session_state["runs-page"])}
    st.query_params.from_dict(values)


def _crash_note(views: list[RunView]) -> None:
    """Say what went on after a crash, and what nobody can know about it."""
    hit = [view for view in views if view.counts.n_unknown and view.status in UNDER_WAY]
    if not hit:
        return
    unknown = sum(view.counts.n_unknown for view in hit)
    twice = sum(view.counts.n_maybe_paid_twice for view in hit)
    what = "1 run goes on where it was" if len(hit) == 1 else f"{len(hit)} runs go on where they were"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="after-crash"):
        st.badge("Resumed", color="gray", icon=":material/restart_alt:")
        st.text(
            f"{what} interrupted; what was stored is not sent again. Left without an "
            f"outcome: {unknown:,} {_requests(unknown)}. Sent again so far, and so perhaps paid twice: "
            f"{twice:,} {_requests(twice)}."
        )


def _requests(n: int) -> str:
    return "request" if n == 1 else "requests"


def _run(running: Dashboard, view: RunView, params: RunsParams) -> None:
    record = view.record
    is_open = record.run_id == params.run
    if is_open:
        run_in_hand.keep(record.run_id)
    with st.container(border=True, gap="xsmall", key=f"run-{record.run_id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            word, color, icon = STATES[view.status]
            st.text(_title(view), width="stretch")
            came = "from the playground" if record.is_from_playground else "imported"
            st.badge(came if record.grid_id is None else word, color=color, icon=icon)  # type: ignore[arg-type]
        parts = Parts.of(view)
        bar(parts)
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None, width="stretch"):
                st.text(visible(parts.words() if record.grid_id else counted(parts.done, "response")))
                told = " · ".join(filter(None, (pace(view), cost(view))))
                st.text(visible(told), help=exact_times(view))
            run_actions.for_one(running, view)
            _opener(record.run_id, is_open=is_open)
        if view.counts.n_error:
            run_links.failures(view)
        reason = view.live.note if view.live is not None else record.detail
        run_links.refused(view)
        if reason and record.refusal is None:
            st.text(visible(reason))
        run_actions.refusal(record.run_id)
        run_links.draw(running, view)
        if is_open:
            run_facts.draw(running, view)


def _opener(run_id: str, *, is_open: bool) -> None:
    label, icon = ("Less", ":material/expand_less:") if is_open else ("Details", ":material/expand_more:")
    # A button: a link to the page that is open already would leave the browser's address as it was.
    if st.button(label, icon=icon, key=f"open-{run_id}", type="tertiary"):
        params = RunsParams.from_query(st.query_params)
        st.query_params.from_dict(params.opening(None if is_open else run_id).to_dict())
        st.rerun()


def _title(view: RunView) -> str:
    """Name the run by what it is made of; the scorer only where it is not the model itself."""
    record = view.record
    if record.grid_id is None:
        return one_line(record.name, NAME_CHARACTERS)
    what = [record.dataset_name, record.model or "its responses", record.quality_preset]
    if record.scorer_model and record.scorer_model != record.model:
        what.append(f"scored by {record.scorer_model}")
    return " · ".join(one_line(part, NAME_CHARACTERS // 2) for part in what)


def _foot(total: int, pages: int, page: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, default=page, key="runs-page", on_change=_turn_page)
        st.caption(f"{total:,} {'run' if total == 1 else 'runs'}")
