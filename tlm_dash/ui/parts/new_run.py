"""The drawer of a new run: dataset, what to do, models × presets, rows, options, Start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from tlm_dash.errors import InvalidInputError, SettingsError, TlmDashError
from tlm_dash.models import RunMode
from tlm_dash.services import datasets, prices, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.datasets import Dataset
from tlm_dash.services.prices import PriceTable
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_new_run import Choices
from tlm_dash.ui.params_runs import RunsParams
from tlm_dash.ui.parts import run_caps, run_pilot, sample_dataset
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.run_grid import Source, Ticked, draw_models, draw_sources, sources
from tlm_dash.ui.parts.run_options import draw_options, draw_rows
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
    grids: Sequence[Ticked]
    choices: Choices
    prices: PriceTable

    @property
    def n_rows(self) -> int:
        """Give how many rows are taken."""
        n_items, kept = self.dataset.n_items, self.choices
        return n_items if kept.row_kind == "all" else min(kept.n_rows, n_items)

    def requests(self) -> list[RunRequest]:
        """Give one request for each block of rows with the same presets ticked."""
        if not self.grids:
            raise InvalidInputError("Nothing is ticked yet.", hint="Tick a preset of at least one row.")
        return [self._request(grid) for grid in self.grids]

    def _request(self, grid: Ticked) -> RunRequest:
        kept, scores = self.choices, self.mode == "score"
        params = {"temperature": kept.temperature, "max_tokens": kept.max_tokens}
        return RunRequest(
            self.dataset.dataset_id,
            models=() if scores else grid.rows,
            source_runs=grid.rows if scores else (),
            quality_presets=grid.presets,
            mode=self.mode,
            answered_by="provider" if kept.provider_answers else "endpoint",
            scorer_model=None if self.mode == "generate" else kept.scorer_model,
            first=kept.n_rows if kept.row_kind == "first" else None,
            sample=kept.n_rows if kept.row_kind == "random" else None,
            params={} if scores else {name: value for name, value in params.items() if value is not None},
            system_prompt=kept.system_prompt,
            template=kept.template,
            explain=kept.explain,
            send_repeats_once=scores and kept.repeats_once,
            limits=self._limits(),
        )

    def _limits(self) -> Limits:
        kept = self.choices
        if len(self.grids) > 1 and (kept.max_requests is not None or kept.max_cost is not None):
            raise InvalidInputError(
                "A cap can be kept only where all rows of the grid have the same presets ticked.",
                hint="Tick the same presets in every row, or leave out the cap.",
            )
        known = self.prices if self.prices.models or self.prices.per_request else None
        return Limits(kept.max_in_flight, kept.requests_per_minute, kept.max_requests, kept.max_cost, known)


def draw(running: Dashboard, params: RunsParams) -> bool:
    """Draw the button, and the drawer while the address says so; tells whether there is anything to run."""
    known = datasets.listed(running)
    if not known:
        _no_dataset(running, params)
        return False
    if st.button("New run", type="primary", icon=":material/add:", key="new-run"):
        params = params.drawer(is_open=True)
        st.query_params.from_dict(params.to_dict())
    if params.new:
        _drawer(running, known)
    return True


def _no_dataset(running: Dashboard, params: RunsParams) -> None:
    empty("A run needs a dataset, and there is none.", "Upload one, or use the sample dataset.")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Use the sample dataset", type="primary", icon=":material/lightbulb:", key="use-sample"
        )
        st.page_link("../../pages/datasets.py", label="Upload a dataset", icon=":material/upload:")
    if pressed:
        dataset_id = sample_dataset.take(running)
        if dataset_id is None:
            return
        opened = replace(params.drawer(is_open=True), dataset=dataset_id)
        st.query_params.from_dict(opened.to_dict())
        st.rerun()


def _closed() -> None:
    params = RunsParams.from_query(st.query_params)
    st.query_params.from_dict(params.drawer(is_open=False).to_dict())


@st.dialog("New run", width=DRAWER_WIDTH, position="right", on_dismiss=_closed)
def _drawer(running: Dashboard, known: Sequence[Dataset]) -> None:
    guarded(lambda: _draw_drawer(running, known))


def _draw_drawer(running: Dashboard, known: Sequence[Dataset]) -> None:
    # Read anew each time: the drawer draws itself again without the page, and writes what was chosen.
    params = RunsParams.from_query(st.query_params)
    dataset, kept = _dataset(known, params)
    found = sources(running, dataset.dataset_id)
    table = _prices(running)
    mode = _mode(found, kept)
    kept = _answered_by(running, mode, kept)
    if mode == "score":
        grids, kept = draw_sources(found, kept)
    else:
        grids, kept = draw_models(_models(running, kept), mode, kept)
    kept = draw_rows(dataset.n_items, kept)
    kept = run_caps.draw(table, grids, mode, kept)
    kept = draw_options(running, dataset, mode, kept)
    kept = replace(kept, mode=None if mode == next(iter(MODES)) else mode)
    # Now it is in the address: a reload, or closing the drawer, loses nothing of it.
    st.query_params.from_dict(replace(params, choices=kept).to_dict())
    _end(running, _Chosen(dataset, mode, grids, kept, table), found)


def _end(running: Dashboard, chosen: _Chosen, found: Sequence[Source]) -> None:
    st.text(_summary(chosen, found))
    with st.container(horizontal=True):
        started = st.button("Start", type="primary", icon=":material/play_arrow:", key="start-run")
        place = st.empty()
    if started:
        _start(running, chosen)
    _pilot(running, chosen, place)


def _is_piloted(running: Dashboard, chosen: _Chosen) -> bool:
    try:
        return run_pilot.is_under_way(running, chosen.requests())
    except TlmDashError:
        # Start and Pilot say what is wrong with the choices, once they are pressed.
        return False


def _prices(running: Dashboard) -> PriceTable:
    try:
        return prices.price_table(running)
    except SettingsError as error:
        failure(error.message, error.hint, label="No prices")
        return PriceTable()


def _dataset(known: Sequence[Dataset], params: RunsParams) -> tuple[Dataset, Choices]:
    newest_first = {dataset.dataset_id: dataset for dataset in reversed(known)}
    ids = list(newest_first)
    wanted = [name for name in (params.choices.new_dataset, params.dataset) if name in newest_first]
    default = wanted[0] if wanted else ids[0]
    chosen = st.selectbox(
        "Dataset",
        options=ids,
        index=ids.index(default),
        format_func=lambda name: (
            f"{one_line(newest_first[name].name, 60)} · {newest_first[name].n_items:,} rows"
        ),
        key="new-dataset",
    )
    is_default = chosen == (params.dataset if params.dataset in newest_first else ids[0])
    return newest_first[chosen], replace(params.choices, new_dataset=None if is_default else chosen)


def _mode(found: Sequence[Source], kept: Choices) -> RunMode:
    offered = [mode for mode in MODES if mode != "score" or found]
    return st.radio(
        "What to do",
        options=offered,
        index=offered.index(kept.mode) if kept.mode in offered else 0,
        format_func=lambda mode: MODES[mode][0],
        captions=[MODES[mode][1] for mode in offered],
        key="new-mode",
    )


def _answered_by(running: Dashboard, mode: RunMode, kept: Choices) -> Choices:
    if running.settings.provider_base_url is None or mode != "generate-then-score":
        return replace(kept, provider_answers=False)
    names: dict[AnsweredBy, str] = {"endpoint": "TLM endpoint", "provider": "Other provider"}
    chosen = st.segmented_control(
        "Answered by",
        options=list(names),
        default="provider" if kept.provider_answers else "endpoint",
        format_func=lambda name: names[name],
        required=True,
        key="new-answered-by",
        help="The other provider (OPENAI_BASE_URL) writes the answers; TLM then scores them.",
    )
    return replace(kept, provider_answers=chosen == "provider")


def _models(running: Dashboard, kept: Choices) -> tuple[str, ...]:
    connection = running.monitor.current
    return connection.provider_models if kept.provider_answers else connection.models


def _summary(chosen: _Chosen, found: Sequence[Source]) -> str:
    """Say how many runs and requests it comes to; retries come on top."""
    n_runs = sum(grid.n_runs for grid in chosen.grids)
    if not n_runs:
        return "Nothing is ticked yet."
    rows = chosen.n_rows
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


def _pilot(running: Dashboard, chosen: _Chosen, place: DeltaGenerator) -> None:
    """Offer the pilot in its place, and draw what it says; one that is being sent is not offered."""
    size = run_pilot.size_for(chosen.n_rows)
    pressed = size > 0 and _pilot_button(place, size, "pilot-run", disabled=_is_piloted(running, chosen))
    if not pressed and not RunsParams.from_query(st.query_params).pilots:
        return
    try:
        requests = chosen.requests()
        if pressed:
            run_pilot.start(running, requests, chosen.n_rows)
            _pilot_button(place, size, "pilot-sent", disabled=True)
        run_pilot.draw(running, requests, chosen.prices, chosen.n_rows)
    except TlmDashError as error:
        failure(error.message, error.hint, label="No forecast")


def _pilot_button(place: DeltaGenerator, size: int, key: str, *, disabled: bool) -> bool:
    return place.button(
        f"Pilot with {size} rows",
        icon=":material/speed:",
        key=key,
        disabled=disabled,
        help="Sends random rows and tells what all will take. Start keeps them: none is sent twice.",
    )


def _start(running: Dashboard, chosen: _Chosen) -> None:
    try:
        runs.start_all(running, chosen.requests())
    except TlmDashError as error:
        # Shown here, beside the button: the drawer stays open with everything chosen in it.
        failure(error.message, error.hint, label="Not started")
        return
    # The list as it was before, so that the new runs are seen on top of it.
    params = RunsParams.from_query(st.query_params)
    st.query_params.from_dict(params.started().to_dict())
    st.rerun()
