"""The Streamlit script: page settings, navigation, and the guard around whichever page is open."""

from pathlib import Path

import streamlit as st

from tlm_dash.ui import who
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.parts import whole_text

PAGES = Path(__file__).resolve().parents[2] / "pages"

SIDEBAR_PX = 230
"""Of it and of the page beside it, narrow windows need every pixel; the filters need so many."""

st.set_page_config(
    page_title="tlm_dash", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide",
    initial_sidebar_state=SIDEBAR_PX,
)  # fmt: skip
st.html(Path(__file__).with_name("contrast.css"))
whole_text.style()

# Without icons, so that all of them fit beside each other at 800 pixels.
page = st.navigation(
    [
        st.Page(PAGES / "playground.py", title="Playground", default=True),
        st.Page(PAGES / "datasets.py", title="Datasets"),
        st.Page(PAGES / "runs.py", title="Runs"),
        st.Page(PAGES / "review.py", title="Review"),
        st.Page(PAGES / "decide.py", title="Decide"),
        st.Page(PAGES / "compare.py", title="Compare"),
        st.Page(PAGES / "settings.py", title="Settings"),
    ],
    position="top",
)
who.listen()
guarded(page.run)
whole_text.start()
