"""The pilot of a new run: a few random rows first, and what all of them will take, judged by these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.models import text_hash
from tlm_dash.services import run_forecast, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_forecast import GridForecast
from tlm_dash.services.run_request import RunRequest
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_runs import MOST_PILOTS, RunsParams
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import duration, one_line

PILOT_ROWS = 20
LOOK_EVERY_S = 1
NAME_CHARACTERS = 60


def start(running: Dashboard, requests: Sequence[RunRequest]) -> None:
    """Send the pilot; the address keeps which it is, and of what. Raises TlmDashError."""
    run_ids = [run_id for request in requests for run_id in runs.start_pilot(running, request, PILOT_ROWS)]
    params = RunsParams.from_query(st.query_params)
    changed = replace(params, pilots=tuple(run_ids[:MOST_PILOTS]), pilot_of=_told(requests))
    st.query_params.from_dict(changed.to_dict())


def draw(running: Dashboard, requests: Sequence[RunRequest]) -> None:
    """Draw what the pilot says so far, if there is one of just these requests."""
    params = RunsParams.from_query(st.query_params)
    if not params.pilots:
        return
    if params.pilot_of != _told(requests):
        st.caption("The choices have changed since the pilot: pilot again to see what they take.")
        return
    there = {view.record.run_id for view in runs.list_runs(running, with_pilots=True)}
    if not there.issuperset(params.pilots):
        failure("The pilot that the address names is not there any more.", "Pilot again.", label="Not found")
        return
    was_complete = run_forecast.forecast_of(running, params.pilots).is_complete

    @st.fragment(run_every=None if was_complete else LOOK_EVERY_S)
    def live() -> None:
        guarded(lambda: _draw(run_forecast.forecast_of(running, params.pilots)))

    live()


def _told(requests: Sequence[RunRequest]) -> str:
    return text_hash(*map(repr, requests))[:12]


def _draw(found: GridForecast) -> None:
    facts = found.facts()
    total = facts["total"]
    with st.container(border=True, gap="xsmall", key="forecast"):
        n = total["n_pilot"]
        if not n:
            st.text("The pilot is under way; what it says appears here.")
            return
        state = "" if found.is_complete else " so far"
        st.caption(
            f"Judged by a pilot of {n:,} random {'row' if n == 1 else 'rows'}{state}, with 95% intervals; "
            f"times with {found.in_flight:,} requests at once"
            + (f", at most {found.per_s * 60:,.0f} a minute." if found.per_s else ".")
        )
        st.text(f"All together: {_figures(total)}")
        if len(facts["runs"]) > 1:
            for run in facts["runs"]:
                name = " · ".join(filter(None, (run["model"], run["quality_preset"])))
                figures = _figures(run) if run["n_pilot"] else "no row yet"
                st.text(f"{one_line(name, NAME_CHARACTERS)}: {figures}")
        if total["failed_share"]:
            st.text(f"Failed in the pilot: {total['failed_share']:.0%}")
        for note in found.notes:
            st.caption(note)


def _figures(facts: Mapping[str, Any]) -> str:
    written: tuple[tuple[str, Callable[[float], str], str], ...] = (
        ("duration_ms", duration, ""),
        ("requests", _whole, " requests"),
        ("input_tokens", _whole, " tokens in"),
        ("output_tokens", _whole, " tokens out"),
        ("cost", _amount, " in the currency of the price table"),
    )
    return " · ".join(
        _range(facts[name], write) + unit for name, write, unit in written if facts[name] is not None
    )


def _range(estimate: Mapping[str, float | None], write: Callable[[float], str]) -> str:
    """Write an estimate with its interval, where there is one that says more than the estimate."""
    value, low, high = estimate["estimate"], estimate["low"], estimate["high"]
    assert value is not None, "an estimate has a value"
    if low is None or high is None or write(low) == write(high):
        return write(value)
    return f"{write(value)} ({write(low)} to {write(high)})"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _amount(value: float) -> str:
    return f"{value:,.4f}"
