"""How far one run is: a bar in four parts, the same in words, its rate, and what failed."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from tlm_dash.models import utc_now
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.text import about_amount, ago, amount, duration, roughly

SILENT_AFTER_S = 20
"""A run that has waited longer than this without any answer says so."""

UNDER_WAY = ("queued", "running")

KINDS = {
    "unreachable": "endpoint not reachable",
    "timeout": "no answer in time",
    "connection_dropped": "connection dropped",
    "rate_limited": "too many requests for the endpoint",
    "account_exhausted": "quota or credit used up",
    "server_failed": "the endpoint failed",
    "access_denied": "key or headers not accepted",
    "token_limit": "too long for the model",
    "request_refused": "refused by the endpoint",
    "not_tlm": "not an answer of a TLM endpoint",
    "empty_answer": "an empty answer",
    "only_reasoning": "only reasoning, no answer",
    "withheld": "withheld by the provider",
    "answer_failed": "the answer failed in the model",
    "no_response": "no response in the file",
    "not_sent": "not sent",
    "stopped": "stopped before the end",
    "interrupted": "interrupted by the end of tlm_dash",
    "bug": "a fault inside tlm_dash",
    "unknown": "no reason known",
}

# Readable on the light and the dark background alike; red is for failures only.
_COLOURS = {
    "done": "#3b78e7",
    "failed": "#d1383d",
    "in flight": "#9db9ea",
    "waiting": "rgb(128 128 128 / 0.25)",
}


@dataclass(frozen=True)
class Parts:
    """The rows of a run by how they are; the four add up to all of them."""

    done: int
    failed: int
    in_flight: int
    waiting: int

    @classmethod
    def of(cls, view: RunView) -> Parts:
        """Count the rows of a run. One row may have several requests under way: it is one row still."""
        pending = view.n_pending
        in_flight = min(pending, view.live.in_flight) if view.live is not None else 0
        return cls(view.counts.n_done, view.counts.n_error, in_flight, pending - in_flight)

    @property
    def total(self) -> int:
        """Give the number of all rows."""
        return self.done + self.failed + self.in_flight + self.waiting

    def named(self) -> Mapping[str, int]:
        """Give the parts in the order of the bar, under the words that are shown."""
        return {
            "done": self.done, "failed": self.failed, "in flight": self.in_flight, "waiting": self.waiting
        }  # fmt: skip

    def words(self) -> str:
        """Write the counts; parts of none are left out."""
        counts = [f"{n:,} {name}" for name, n in self.named().items() if n]
        noun = "row" if self.total == 1 else "rows"
        return f"{self.total:,} {noun}: {' · '.join(counts)}" if counts else "No rows"


def bar(parts: Parts) -> None:
    """Draw the bar. Only numbers and our own words go into it."""
    total = max(1, parts.total)
    pieces = "".join(
        f'<span style="width:{100 * n / total:.3f}%;min-width:2px;background:{_COLOURS[name]}"></span>'
        for name, n in parts.named().items()
        if n
    )
    st.html(
        f'<div role="img" aria-label="{html.escape(parts.words())}" style="display:flex;gap:1px;height:10px;'
        f'border-radius:5px;overflow:hidden;background:{_COLOURS["waiting"]}">{pieces}</div>'
    )


def pace(view: RunView) -> str:
    """Say how fast it goes and how long it will take, or how it stands."""
    if view.live is not None:
        words = [f"{_rate(view.live.items_per_s)} rows/s"] if view.live.items_per_s else []
        if view.live.time_left_s is not None:
            words.append(f"about {roughly(view.live.time_left_s)} left")
        silent_s = view.live.silent_s
        if silent_s is not None and silent_s >= SILENT_AFTER_S:
            words.append(f"no answer for {roughly(silent_s)}")
        return " · ".join(words) or ("waiting for the endpoint" if view.live.note else "measuring its pace")
    return _ending(view)


def cost(view: RunView) -> str | None:
    """Say what a run has cost about, and what its cap is; None where prices do not tell."""
    if view.cost is None:
        return None
    cap, prices = view.limits.max_cost, view.limits.prices
    costs_score = prices is not None and view.record.quality_preset in prices.per_request
    said = about_amount(view.cost, costs_score=costs_score)
    return said if cap is None else f"{said} of at most {amount(cap)} for its grid"


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 10 else f"{per_s:.1f}" if per_s >= 1 else f"{per_s:.2f}"


def exact_times(view: RunView) -> str:
    """Write when it was made, started and ended, exactly, in UTC."""
    record = view.record
    moments = {"Made": record.created_at, "Started": record.started_at, "Ended": record.finished_at}
    said = [
        f"{name} on {moment:%Y-%m-%d} at {moment:%H:%M:%S} UTC" for name, moment in moments.items() if moment
    ]
    return ", ".join(said)


def _ending(view: RunView) -> str:
    record = view.record
    if record.grid_id is None:
        if record.is_from_playground:
            return f"the last answer was added {ago(record.event_at, utc_now())}"
        return f"came with the file {ago(record.created_at, utc_now())}"
    took = f" · ran for {duration(view.counts.active_ms)}" if view.counts.active_ms else ""
    since = ago(record.event_at, utc_now())
    if view.status == "queued":
        return f"waiting for its turn{took}"
    words = {"done": "finished", "cancelled": "cancelled", "failed": "stopped", "paused": "paused"}
    return f"{words.get(view.status, view.status)} {since}{took}"
