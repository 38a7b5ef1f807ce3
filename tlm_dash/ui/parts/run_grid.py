"""The grid of a new run: rows are models, or the responses to score; columns are presets to tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from tlm_dash.models import DEFAULT_QUALITY_PRESET, QUALITY_PRESETS, RunMode, text_hash
from tlm_dash.services import datasets, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_new_run import Choices
from tlm_dash.ui.text import one_line, visible

ROW_CHARACTERS = 60


@dataclass(frozen=True)
class Source:
    """Responses that are there: those of one run. `n` is how many."""

    run_id: str
    name: str
    n: int


@dataclass(frozen=True)
class Ticked:
    """Rows of the grid (models, or runs to score) that have the same presets ticked: one grid of runs."""

    rows: tuple[str, ...]
    presets: tuple[str, ...]

    @property
    def n_runs(self) -> int:
        """Give the number of its runs."""
        return len(self.rows) * len(self.presets)


def sources(running: Dashboard, dataset_id: str) -> list[Source]:
    """List the responses that a dataset has: those of its file first, then those that runs have brought."""
    of_file = [Source(run.run_id, run.name, run.n_items) for run in datasets.runs_of(running, dataset_id)]
    of_runs = [
        Source(view.record.run_id, view.record.name, view.counts.n_done)
        for view in runs.list_runs(running)
        if view.record.dataset_id == dataset_id and view.record.grid_id is not None
        and view.record.mode != "score" and view.record.lead_run_id == view.record.run_id
        and view.status not in ("queued", "running") and view.counts.n_done
    ]  # fmt: skip
    return of_file + of_runs


def draw_models(known: Sequence[str], mode: RunMode, kept: Choices) -> tuple[list[Ticked], Choices]:
    """Draw the grid of models; give what is ticked, and the choices with it."""
    default = tuple(kept.models or known[:1])
    models = st.multiselect(
        "Models",
        options=list(dict.fromkeys((*known, *default))),
        default=list(default),
        format_func=visible,
        key=f"new-models-{text_hash(*known)[:8]}",
        accept_new_options=True,
        placeholder="Choose models, or type a name",
        wrap=True,
    )
    known_rows = default if kept.cells is not None and kept.mode in (None, mode) else ()
    ticked = _grid({model: model for model in models}, mode, known_rows, kept)
    chosen = tuple(models) if tuple(models) != tuple(known[:1]) else None
    return ticked, replace(kept, models=chosen, cells=_cells(ticked, models))


def draw_sources(found: Sequence[Source], kept: Choices) -> tuple[list[Ticked], Choices]:
    """Draw the grid of responses to score; give what is ticked, and the choices with it."""
    names = {source.run_id: f"{source.name} ({source.n:,} responses)" for source in found}
    known_rows = list(names) if kept.cells is not None and kept.mode == "score" else []
    ticked = _grid(names, "score", known_rows, kept)
    return ticked, replace(kept, cells=_cells(ticked, list(names)))


def _cells(ticked: Sequence[Ticked], rows: Sequence[str]) -> tuple[str, ...] | None:
    """Name the ticked cells as the address keeps them; None where each row has the default preset ticked."""
    if [(set(grid.rows), grid.presets) for grid in ticked] == [(set(rows), (DEFAULT_QUALITY_PRESET,))]:
        return None
    return tuple(f"{preset}~{row}" for grid in ticked for row in grid.rows for preset in grid.presets)


def _grid(rows: Mapping[str, str], mode: RunMode, known_rows: Sequence[str], kept: Choices) -> list[Ticked]:
    """Draw one line a row. `known_rows` were there when the address was written: it says what they have."""
    if rows:
        st.caption("Quality presets: base is the least work for a score, medium the most.")
    by_presets: dict[tuple[str, ...], list[str]] = {}
    for row, name in rows.items():
        cells = kept.cells or ()
        default = {DEFAULT_QUALITY_PRESET}
        if row in known_rows:
            default = {preset for preset in QUALITY_PRESETS if f"{preset}~{row}" in cells}
        chosen = _row(row, name, mode, default)
        if chosen:
            by_presets.setdefault(chosen, []).append(row)
    return [Ticked(tuple(members), presets) for presets, members in by_presets.items()]


def _row(row: str, name: str, mode: RunMode, default: set[str]) -> tuple[str, ...]:
    key = f"new-{mode}-{text_hash(row)[:12]}"
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-row"):
        st.text(one_line(name, ROW_CHARACTERS), width="stretch")
        return tuple(
            preset
            for preset in QUALITY_PRESETS
            if st.checkbox(preset, value=preset in default, key=f"{key}-{preset}")
        )
