"""Where a run leads: its rows, its failures by kind, its decision, its file."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_messages import how_to_go_on
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.parts import export_menu
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.parts.run_progress import KINDS

LINE_HEIGHT = 42
"""Pixels, fixed: nothing below moves when a run ends and can be compared, decided on and exported."""


def draw(running: Dashboard, view: RunView) -> None:
    """Draw the links that make sense for a run as it is, in a line that is there from the start."""
    run_id = view.record.run_id
    with st.container(
        horizontal=True, vertical_alignment="center", height=LINE_HEIGHT, border=False, key=f"links-{run_id}"
    ):
        _link("review", "Review", ":material/rate_review:", {"run": run_id})
        if view.live is None and view.counts.n_done:
            _link("compare", "Compare with…", ":material/compare_arrows:", {"baseline": run_id})
            _link("decide", "Decide", ":material/rule:", {"run": run_id})
            export_menu.draw(running, [run_id], name=view.record.name)


def failures(view: RunView) -> None:
    """Draw what failed by kind, most frequent first, each a link to just these rows."""
    kinds = sorted(view.counts.errors.items(), key=lambda pair: -pair[1])
    with st.container(horizontal=True, vertical_alignment="center", key=f"failed-{view.record.run_id}"):
        st.badge("Failed", color="red", icon=":material/error:")
        for kind, n in kinds:
            if n:
                # Our own words only: a label is Markdown.
                words = f"{n:,} {KINDS.get(kind, 'for another reason')}"
                address = {"run": view.record.run_id, "status": "error", "error_kind": kind}
                _link("review", words, None, address)


def refused(view: RunView) -> None:
    """Draw why the endpoint paused a run, in its own words, and what to do; nothing where it did not."""
    refusal = view.record.refusal
    if refusal is None:
        return
    times = "once" if refusal.n == 1 else f"{refusal.n:,} times"
    failure(
        refusal.message,
        f"{refusal.hint} Refused {times}; the rows wait. {how_to_go_on(refusal)}.".strip(),
        label="The endpoint refuses this run",
    )


def _link(page: str, label: str, icon: str | None, address: dict[str, str]) -> None:
    st.page_link(f"../../pages/{page}.py", label=label, icon=icon, query_params=address)
