"""The drawer of a new run: dataset, what to do, models × presets, rows, options, Start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from tlm_dash.errors import InvalidInputError, TlmDashError
from tlm_dash.models import RunMode
from tlm_dash.services import dataset_upload, datasets, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.datasets import Dataset
from tlm_dash.services.run_request import RunRequest
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_runs import RunsParams
from tlm_dash.ui.parts import run_pilot
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.run_grid import Source, Ticked, draw_models, draw_sources, sources
from tlm_dash.ui.parts.run_options import Options, Rows, draw_options, draw_rows
from tlm_dash.ui.text import one_line

DRAWER_WIDTH = 640
AnsweredBy = Literal["endpoint", "provider"]

MODES: dict[RunMode, tuple[str, str]] = {
    "generate-then-score": (
        "Generate, then score",
        "Each model answers once; one scorer scores those same responses at every ticked preset.",
    ),
    "generate": (
        "Generate and score in one call",
        "Fewer requests, but every preset gets an answer of its own: presets then cannot be compared on the "
        "same responses.",
    ),
    "score": ("Score the responses it has", "Nothing is generated."),
}


@dataclass(frozen=True)
class _Chosen:
    """All that the drawer has been told."""

    dataset: Dataset
    mode: RunMode
    answered_by: AnsweredBy
    grids: Sequence[Ticked]
    rows: Rows
    options: Options

    def requests(self) -> list[RunRequest]:
        """Give one request for each block of rows with the same presets ticked."""
        if not self.grids:
            raise InvalidInputError("Nothing is ticked yet.", hint="Tick a preset of at least one row.")
        limits = self.options.limits
        if len(self.grids) > 1 and limits.max_requests is not None:
            raise InvalidInputError(
                "A cap on requests can be kept only where all rows of the grid have the same presets ticked.",
                hint="Tick the same presets in every row, or leave out the cap.",
            )
        return [
            RunRequest(
                self.dataset.dataset_id,
                models=() if self.mode == "score" else grid.rows,
                source_runs=grid.rows if self.mode == "score" else (),
                quality_presets=grid.presets,
                mode=self.mode,
                answered_by=self.answered_by,
                scorer_model=self.options.scorer_model,
                first=self.rows.first,
                sample=self.rows.sample,
                params=self.options.params,
                system_prompt=self.options.system_prompt,
                limits=limits,
            )
            for grid in self.grids
        ]


def draw(running: Dashboard, params: RunsParams) -> None:
    """Draw the button, and the drawer while the address says that it is open."""
    known = datasets.listed(running)
    if not known:
        _no_dataset(running, params)
        return
    if st.button("New run", type="primary", icon=":material/add:", key="new-run"):
        params = params.drawer(is_open=True)
        st.query_params.from_dict(params.to_dict())
    if params.new:
        _drawer(running, params, known)


def _no_dataset(running: Dashboard, params: RunsParams) -> None:
    empty("A run needs a dataset, and there is none.", "Upload one, or start with the sample.")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Use the sample dataset", type="primary", icon=":material/lightbulb:", key="use-sample"
        )
        st.page_link("../../pages/datasets.py", label="Upload a dataset", icon=":material/upload:")
    if pressed:
        try:
            saved = dataset_upload.save_sample(running)
        except TlmDashError as error:
            failure(error.message, error.hint)
            return
        st.query_params.from_dict(params.drawer(is_open=True, dataset=saved.dataset_id).to_dict())
        st.rerun()


def _closed() -> None:
    params = RunsParams.from_query(st.query_params)
    st.query_params.from_dict(params.drawer(is_open=False).to_dict())


@st.dialog("New run", width=DRAWER_WIDTH, position="right", on_dismiss=_closed)
def _drawer(running: Dashboard, params: RunsParams, known: Sequence[Dataset]) -> None:
    guarded(lambda: _draw_drawer(running, params, known))


def _draw_drawer(running: Dashboard, params: RunsParams, known: Sequence[Dataset]) -> None:
    dataset = _dataset(known, params)
    found = sources(running, dataset.dataset_id)
    mode = _mode(found)
    answered_by = _answered_by(running, mode)
    grids = draw_sources(found) if mode == "score" else draw_models(_models(running, answered_by), mode)
    rows = draw_rows(dataset.n_items)
    options = draw_options(running.monitor.current, mode)
    chosen = _Chosen(dataset, mode, answered_by, grids, rows, options)
    st.text(_summary(chosen, found))
    with st.container(horizontal=True):
        started = st.button("Start", type="primary", icon=":material/play_arrow:", key="start-run")
        piloted = rows.n > run_pilot.PILOT_ROWS and st.button(
            f"Pilot with {run_pilot.PILOT_ROWS} rows",
            icon=":material/speed:",
            key="pilot-run",
            help="Sends random rows and tells what all will take. Start keeps them: none is sent twice.",
        )
    if started:
        _start(running, params, chosen)
    _pilot(running, chosen, pressed=piloted)


def _dataset(known: Sequence[Dataset], params: RunsParams) -> Dataset:
    newest_first = {dataset.dataset_id: dataset for dataset in reversed(known)}
    names = list(newest_first)
    chosen = st.selectbox(
        "Dataset",
        options=names,
        index=names.index(params.dataset) if params.dataset in newest_first else 0,
        format_func=lambda name: (
            f"{one_line(newest_first[name].name, 60)} · {newest_first[name].n_items:,} rows"
        ),
        key="new-dataset",
    )
    return newest_first[chosen]


def _mode(found: Sequence[Source]) -> RunMode:
    offered = [mode for mode in MODES if mode != "score" or found]
    return st.radio(
        "What to do",
        options=offered,
        format_func=lambda mode: MODES[mode][0],
        captions=[MODES[mode][1] for mode in offered],
        key="new-mode",
    )


def _answered_by(running: Dashboard, mode: RunMode) -> AnsweredBy:
    if running.settings.provider_base_url is None or mode != "generate-then-score":
        return "endpoint"
    names: dict[AnsweredBy, str] = {"endpoint": "TLM endpoint", "provider": "Other provider"}
    chosen = st.segmented_control(
        "Answered by",
        options=list(names),
        default="endpoint",
        format_func=lambda name: names[name],
        required=True,
        key="new-answered-by",
        help="The other provider (OPENAI_BASE_URL) writes the answers; TLM then scores them.",
    )
    return "provider" if chosen == "provider" else "endpoint"


def _models(running: Dashboard, answered_by: AnsweredBy) -> tuple[str, ...]:
    connection = running.monitor.current
    return connection.models if answered_by == "endpoint" else connection.provider_models


def _summary(chosen: _Chosen, found: Sequence[Source]) -> str:
    """Say how many runs and requests it comes to; retries come on top."""
    n_runs = sum(grid.n_runs for grid in chosen.grids)
    if not n_runs:
        return "Nothing is ticked yet."
    rows = chosen.rows.n
    if chosen.mode == "score":
        there = {source.run_id: min(source.n, rows) for source in found}
        scores = sum(there[row] * len(grid.presets) for grid in chosen.grids for row in grid.rows)
        return f"{_count(n_runs, 'run')} · at most {_count(scores, 'request')} for scores"
    if chosen.mode == "generate":
        return f"{_count(n_runs, 'run')} over {_count(rows, 'row')} · {_count(n_runs * rows, 'request')}"
    answers = sum(len(grid.rows) for grid in chosen.grids) * rows
    scores = n_runs * rows
    return (
        f"{_count(n_runs, 'run')} over {_count(rows, 'row')} · {_count(answers + scores, 'request')}: "
        f"{answers:,} for answers, {scores:,} for scores"
    )


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _pilot(running: Dashboard, chosen: _Chosen, *, pressed: bool) -> None:
    if not pressed and not RunsParams.from_query(st.query_params).pilots:
        return
    try:
        requests = chosen.requests()
        if pressed:
            run_pilot.start(running, requests)
        run_pilot.draw(running, requests)
    except TlmDashError as error:
        failure(error.message, error.hint, label="No forecast")


def _start(running: Dashboard, params: RunsParams, chosen: _Chosen) -> None:
    try:
        for request in chosen.requests():
            runs.start(running, request)
    except TlmDashError as error:
        # Shown here, beside the button: the drawer stays open with everything chosen in it.
        failure(error.message, error.hint, label="Not started")
        return
    # The list as it was before, so that the new runs are seen on top of it.
    st.query_params.from_dict(params.drawer(is_open=False).filtered(params.dataset).to_dict())
    st.rerun()
