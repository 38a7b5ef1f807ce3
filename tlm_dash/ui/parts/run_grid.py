"""The grid of a new run: rows are models, or the responses to score; columns are presets to tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from tlm_dash.models import DEFAULT_QUALITY_PRESET, QUALITY_PRESETS, RunMode, text_hash
from tlm_dash.services import datasets, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.text import one_line

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


def draw_models(known: Sequence[str], mode: RunMode) -> list[Ticked]:
    """Draw the grid of models and give what is ticked."""
    models = st.multiselect(
        "Models",
        options=list(known),
        default=list(known[:1]),
        key=f"new-models-{text_hash(*known)[:8]}",
        accept_new_options=True,
        placeholder="Choose models, or type a name",
        wrap=True,
    )
    return _grid({model: model for model in models}, mode)


def draw_sources(found: Sequence[Source]) -> list[Ticked]:
    """Draw the grid of responses to score and give what is ticked."""
    return _grid({source.run_id: f"{source.name} ({source.n:,} responses)" for source in found}, "score")


def _grid(rows: Mapping[str, str], mode: RunMode) -> list[Ticked]:
    if rows:
        st.caption("Quality presets: base is the least work for a score, medium the most.")
    by_presets: dict[tuple[str, ...], list[str]] = {}
    for row, name in rows.items():
        chosen = _row(row, name, mode)
        if chosen:
            by_presets.setdefault(chosen, []).append(row)
    return [Ticked(tuple(members), presets) for presets, members in by_presets.items()]


def _row(row: str, name: str, mode: RunMode) -> tuple[str, ...]:
    key = f"new-{mode}-{text_hash(row)[:12]}"
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-row"):
        st.text(one_line(name, ROW_CHARACTERS), width="stretch")
        return tuple(
            preset
            for preset in QUALITY_PRESETS
            if st.checkbox(preset, value=preset == DEFAULT_QUALITY_PRESET, key=f"{key}-{preset}")
        )
