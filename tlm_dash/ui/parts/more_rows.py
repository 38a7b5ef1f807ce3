"""The next step where every row of the runs is labelled and more of them would help."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.rows_to_run import more_rows

RUNS, DATASETS = "../../pages/runs.py", "../../pages/datasets.py"


def next_step(running: Dashboard, run_ids: Sequence[str]) -> None:
    """Lead to what brings more rows to one of some runs; draws nothing where nothing does."""
    found = more_rows(running, run_ids)
    if found is None:
        return
    if found.how == "run":
        st.page_link(
            RUNS, label="Next step: run more rows", icon=":material/play_circle:",
            query_params={"new": "yes", "dataset": found.dataset_id},
        )  # fmt: skip
    elif found.how == "finish":
        st.page_link(
            RUNS, label="Next step: finish the rows that failed or wait", icon=":material/replay:",
            query_params={"run": found.run_id},
        )  # fmt: skip
    else:
        st.page_link(DATASETS, label="Next step: upload a larger dataset", icon=":material/upload:")
