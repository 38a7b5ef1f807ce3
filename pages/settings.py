"""Settings: what is connected, whether it works, and where everything is kept."""

from __future__ import annotations

import streamlit as st

from tlm_dash.services.check import report
from tlm_dash.ui.parts import backup, facts, price_table
from tlm_dash.ui.parts.header import page_header
from tlm_dash.ui.resources import dashboard

page_header("Settings", "What is connected, whether it works right now, and where everything is kept.")

st.button("Test again", type="primary", icon=":material/refresh:", key="test")
with st.spinner("Asking the endpoint …"):
    found = report(dashboard())

left, right = st.columns(2, gap="large")
with left:
    facts.connection(found)
with right:
    facts.storage(found)
    if found.store.problem is None:
        backup.draw(dashboard())
if found.store.problem is None:
    price_table.draw(dashboard())
facts.settings(found)
facts.versions(found)
