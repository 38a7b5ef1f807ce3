"""The Streamlit script: page settings, navigation, and the guard around whichever page is open."""

from pathlib import Path

import streamlit as st

from tlm_dash.ui.guard import guarded

PAGES = Path(__file__).resolve().parents[2] / "pages"

st.set_page_config(page_title="tlm_dash", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

page = st.navigation(
    [
        st.Page(PAGES / "playground.py", title="Playground", icon=":material/science:", default=True),
        st.Page(PAGES / "datasets.py", title="Datasets", icon=":material/table:"),
        st.Page(PAGES / "runs.py", title="Runs", icon=":material/play_circle:"),
        st.Page(PAGES / "review.py", title="Review", icon=":material/rate_review:"),
        st.Page(PAGES / "decide.py", title="Decide", icon=":material/rule:"),
        st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page(PAGES / "settings.py", title="Settings", icon=":material/settings:"),
    ],
    position="top",
)
guarded(page.run)
