"""What a person does to runs: pause, resume, cancel, retry what failed, delete; one or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.parts.run_progress import UNDER_WAY

_REFUSED = "run-refused"
"""The list draws itself anew every other second: a refusal is kept until the next press, to be read."""


def for_one(running: Dashboard, view: RunView) -> None:
    """Draw the buttons that make sense for a run as it is."""
    run_id = view.record.run_id
    if view.record.grid_id is None:
        return
    if view.live is not None and view.status in UNDER_WAY:
        _button("Pause", ":material/pause:", "pause", run_id, lambda: runs.pause(running, [run_id]))
    elif view.status in ("paused", "failed", "cancelled") or (view.status == "queued" and view.n_pending):
        _button("Resume", ":material/play_arrow:", "resume", run_id, lambda: runs.resume(running, [run_id]))
    if view.counts.n_error:
        label = f"Retry {view.counts.n_error:,} failed"
        _button(label, ":material/replay:", "retry", run_id, lambda: runs.retry(running, [run_id]))
    if view.status in (*UNDER_WAY, "paused"):
        _button("Cancel", ":material/close:", "cancel", run_id, lambda: runs.cancel(running, [run_id]))
    with st.popover("Delete", icon=":material/delete:", key=f"ask-delete-{run_id}"):
        st.caption("The run leaves every list, with its scores. Its responses stay with the dataset.")
        _button("Delete this run", None, "delete", run_id, lambda: runs.delete(running, [run_id]))


def for_all(running: Dashboard, views: Sequence[RunView]) -> None:
    """Draw what can be done to all shown runs at once, where there are several that it would reach."""
    own = [view for view in views if view.record.grid_id is not None]
    live = [view.record.run_id for view in own if view.status in UNDER_WAY]
    paused = [view.record.run_id for view in own if view.status in ("paused", "failed")]
    failed = [view.record.run_id for view in own if view.counts.n_error]
    if len(live) > 1:
        _button("Pause all", ":material/pause:", "pause", "all", lambda: runs.pause(running, live))
    if len(paused) > 1:
        _button("Resume all", ":material/play_arrow:", "resume", "all", lambda: runs.resume(running, paused))
    if len(failed) > 1:
        n = sum(view.counts.n_error for view in own)
        _button(
            f"Retry {n:,} failed of {len(failed):,} runs", ":material/replay:", "retry", "all",
            lambda: runs.retry(running, failed),
        )  # fmt: skip
    if len(live) > 1:
        _button("Cancel all", ":material/close:", "cancel", "all", lambda: runs.cancel(running, live))


def refusal(run_id: str | None) -> None:
    """Show why the last thing was not done, where it was pressed: at a run, or (None) above the list."""
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == (run_id or "all"):
        failure(refused[1], refused[2])


def _button(label: str, icon: str | None, action: str, place: str, act: Callable[[], None]) -> None:
    if not st.button(label, icon=icon, key=f"{action}-{place}"):
        return
    st.session_state.pop(_REFUSED, None)
    try:
        act()
    except TlmDashError as error:
        st.session_state[_REFUSED] = (place, error.message, error.hint)
    # The whole page: whether there is anything to look at again may have changed.
    st.rerun()
