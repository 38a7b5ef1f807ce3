"""The way from a row of Review to the playground: the entry that it was asked with."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import playground
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_playground import PlaygroundParams


def draw(running: Dashboard, run_id: str, item_no: int | None, *, label: str) -> None:
    """Draw a link to the entry of a row; without a row to the newest entry of the run."""
    entry_id = playground.entry_of(running, run_id, item_no)
    st.page_link(
        "../../pages/playground.py",
        label=label,
        icon=":material/arrow_back:",
        query_params=PlaygroundParams(entry=entry_id).to_dict(),
    )
