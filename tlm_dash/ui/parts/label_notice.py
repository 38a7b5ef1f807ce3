"""What is still to be said about the label columns of a dataset, with the way to say it."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services import datasets, label_spellings
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.text import one_line

NAME_CHARACTERS = 60


def draw(running: Dashboard, dataset_id: str, *, of_run: str | None = None, leads: bool = False) -> bool:
    """Draw a line for each label column whose spellings nobody has decided; tells whether there is one.

    With `of_run` only the column of that run counts, and none of it is read where the run has none. `leads`:
    nothing on the page comes before it.
    """
    runs = {
        run.label_column: run.run_id
        for run in datasets.runs_of(running, dataset_id)
        if run.label_column is not None and of_run in (None, run.run_id)
    }
    known = label_spellings.label_columns(running, dataset_id) if runs else ()
    waiting = [column for column in known if column.n_undecided and column.name in runs]
    for column in waiting:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.badge("Labels wait", color="orange", icon=":material/help:")
            st.text(
                f"{one_line(column.name, NAME_CHARACTERS)}: labels that count when somebody says what they "
                f"mean ({column.n_undecided:,} spellings not decided).",
                width="stretch",
            )
            if st.button(
                "Say what they mean",
                key=f"to-spellings-{runs[column.name]}",
                type="primary" if leads else "secondary",
            ):
                st.switch_page(
                    "../../pages/review.py", query_params={"run": runs[column.name], "view": "labels"}
                )
    return bool(waiting)
