"""The pilot of a new run: a few random rows first, and what all of them will take, judged by these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.models import text_hash
from tlm_dash.services import run_forecast, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.prices import PriceTable
from tlm_dash.services.run_forecast import GridForecast
from tlm_dash.services.run_request import RunRequest
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.params_runs import MOST_PILOTS, RunsParams
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import amount, duration, one_line, plain, visible
from tlm_dash.words.numbers import percent

PILOT_ROWS, FEW_PILOT_ROWS = 20, 5
"""Rows of a pilot, and of one where all rows are hardly more than a pilot."""

LOOK_EVERY_S = 1
NAME_CHARACTERS = 60


def size_for(n_rows: int) -> int:
    """Give how many rows a pilot of so many rows has; 0 where it would be all of them."""
    return next((size for size in (PILOT_ROWS, FEW_PILOT_ROWS) if n_rows > size), 0)


def start(running: Dashboard, requests: Sequence[RunRequest], n_rows: int) -> None:
    """Send the pilot; the address keeps which it is, and of what. Raises TlmDashError."""
    size = size_for(n_rows)
    run_ids = runs.start_pilots(running, requests, size)
    params = RunsParams.from_query(st.query_params)
    changed = replace(params, pilots=tuple(run_ids[:MOST_PILOTS]), pilot_of=_told(requests))
    st.query_params.from_dict(changed.to_dict())


def is_under_way(running: Dashboard, requests: Sequence[RunRequest]) -> bool:
    """Tell whether the pilot of just these requests is being sent: then there is none to offer."""
    params = RunsParams.from_query(st.query_params)
    if not params.pilots or params.pilot_of != _told(requests):
        return False
    return any(running.batches.look(run_id) is not None for run_id in params.pilots)


def draw(running: Dashboard, requests: Sequence[RunRequest], prices: PriceTable, n_rows: int) -> None:
    """Draw what the pilot says so far, if there is one of just these requests; costs by these prices."""
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
    was_under_way = run_forecast.forecast_of(running, params.pilots, prices).is_under_way

    @st.fragment(run_every=LOOK_EVERY_S if was_under_way else None)
    def live() -> None:
        guarded(lambda: _draw(run_forecast.forecast_of(running, params.pilots, prices), size_for(n_rows)))
        if was_under_way:
            _offer_again(running, requests, params.pilots, prices, n_rows)

    live()


def _offer_again(
    running: Dashboard, requests: Sequence[RunRequest], pilots: Sequence[str], prices: PriceTable, n_rows: int
) -> None:
    """Offer a refused pilot again: the button above was drawn while this one was under way."""
    found = run_forecast.forecast_of(running, pilots, prices)
    if found.refused and not found.is_under_way and st.button("Pilot again", key="pilot-again"):
        start(running, requests, n_rows)
        st.rerun(scope="fragment")


def _told(requests: Sequence[RunRequest]) -> str:
    """Tell a pilot's requests from others; with other prices it is still the same pilot."""
    bare = [replace(request, limits=replace(request.limits, prices=None)) for request in requests]
    return text_hash(*map(repr, bare))[:12]


def _draw(found: GridForecast, size: int) -> None:
    if found.refused:
        said = found.refused[0].record.refusal
        assert said is not None, "these were refused"
        failure(said.message, f"{said.hint} Pilot again when that is mended.", label="No forecast")
        return
    facts = found.facts()
    total = facts["total"]
    with st.container(border=True, gap="xsmall", key="forecast"):
        n = total["n_pilot"]
        if found.is_started:
            st.text(visible(_by_now(found)))
        elif not found.is_complete:
            st.progress(min(1.0, n / max(1, size)), text=f"The pilot is under way: {n:,} of {size:,} rows.")
        if not n:
            return
        state = "" if found.is_complete else " so far"
        st.caption(
            f"Judged by a pilot of {n:,} random {'row' if n == 1 else 'rows'}{state}, with 95% intervals; "
            f"times with {found.in_flight:,} requests at once"
            + (f", at most {found.per_s * 60:,.0f} a minute." if found.per_s else ".")
        )
        head = "The pilot had said" if found.is_started else "All together"
        st.text(visible(f"{head}: {figures(total)}"))
        if len(facts["runs"]) > 1:
            st.dataframe(_cells(facts["runs"]), hide_index=True, key="forecast-cells")
        if total["failed_share"]:
            st.text(f"Failed in the pilot: {percent(total['failed_share'])}")
        for note in found.notes:
            st.caption(plain(note))


def _by_now(found: GridForecast) -> str:
    """Say what is known by the runs themselves, in the place of what their pilot had said."""
    if not found.is_under_way:
        return "These runs have been started since; the list says what they took."
    if found.time_left_s is None:
        return "These runs are under way; their pace is being measured."
    return (
        f"These runs are under way: {duration(found.time_left_s * 1000)} left, by what their last rows took."
    )


def _whole(value: float) -> str:
    return f"{value:,.0f}"


WRITTEN: tuple[tuple[str, Callable[[float], str], str], ...] = (
    ("duration_ms", duration, "time"),
    ("requests", _whole, "requests"),
    ("input_tokens", _whole, "tokens in"),
    ("output_tokens", _whole, "tokens out"),
    ("cost", amount, "cost"),
)


def figures(facts: Mapping[str, Any]) -> str:
    """Write what is known of all runs in a line; cost is in the currency of the price table."""
    said = [(name, _range(facts[field], write)) for field, write, name in WRITTEN if facts[field] is not None]
    return " · ".join(
        f"{name} {value}" if name in ("time", "cost") else f"{value} {name}" for name, value in said
    )


def _cells(runs_facts: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Lay the ticked cells of the grid out, a row each; columns that nobody has are left out."""
    table: dict[str, list[str]] = {
        "model": [one_line(run["model"] or run["name"], NAME_CHARACTERS) for run in runs_facts],
        "preset": [run["quality_preset"] for run in runs_facts],
    }
    for field, write, name in WRITTEN:
        found = [run.get(field) for run in runs_facts]
        if any(value is not None for value in found):
            table[name] = ["—" if value is None else _range(value, write) for value in found]
    return table


def _range(estimate: Mapping[str, float | None], write: Callable[[float], str]) -> str:
    """Write an estimate with its interval, where there is one that says more than the estimate."""
    value, low, high = estimate["estimate"], estimate["low"], estimate["high"]
    assert value is not None, "an estimate has a value"
    if low is None or high is None or write(low) == write(high):
        return write(value)
    written = [write(figure).rpartition(" ") for figure in (value, low, high)]
    if len({unit for _, _, unit in written}) == 1 and all(n and " " not in n for n, _, _ in written):
        # One unit for all three: "1.2 (1.1 to 1.4) s". Not where one has two, as "1 min 5 s".
        (first, _, unit), (lower, _, _), (upper, _, _) = written
        return f"{first} ({lower} to {upper}) {unit}"
    return f"{write(value)} ({write(low)} to {write(high)})"
