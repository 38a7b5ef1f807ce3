"""The settings page's backup: made by a button, kept in the data folder."""

from __future__ import annotations

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.models import utc_now
from tlm_dash.services import backups
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import ago, file_size, visible


def draw(running: Dashboard) -> None:
    """Draw the button, and the latest backup that is there."""
    with st.container(border=True, key="backup"):
        pressed = st.button("Back up now", icon=":material/save:", key="back-up")
        if pressed:
            try:
                with st.spinner("Copying the database …"):
                    backups.back_up_here(running)
            except TlmDashError as error:
                failure(error.message, error.hint, label="Not backed up")
        found = backups.latest(running)
        if found is None:
            st.text(f"There is no backup in {visible(str(backups.folder(running)))} yet.")
        else:
            made = ago(found.made_at, utc_now())
            st.text(f"Latest backup, made {made}, {file_size(found.size_bytes)}:")
            st.text(visible(str(found.path)))
        st.caption(
            "A backup is a database of its own. To use one, stop tlm_dash and name it in "
            "TLM_DASH_DATABASE_URL. Keep copies on another disk too."
        )
