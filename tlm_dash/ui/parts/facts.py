"""The settings page's parts: connection, storage, settings and versions, as facts to read and copy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import streamlit as st

from tlm_dash.models import EndpointState
from tlm_dash.services.check import Report
from tlm_dash.services.connection import Connection
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import file_size, plain, visible
from tlm_dash.words.not_accepted import set_aside_sentence

STATE_BADGES: Mapping[EndpointState, tuple[str, str, str]] = {
    "working": ("Works", "green", ":material/check_circle:"),
    "starting": ("Starting", "gray", ":material/hourglass_top:"),
    "no_scores": ("Gives no scores", "red", ":material/error:"),
    "access_denied": ("Refuses the key", "red", ":material/key_off:"),
    "not_tlm": ("Not a TLM endpoint", "red", ":material/error:"),
    "failing": ("Answers with errors", "red", ":material/error:"),
    "unreachable": ("Not reachable", "red", ":material/error:"),
}


LITTLE_ROOM_BYTES = 500_000_000
"""Under this much free disk space, a person is warned: a larger import would not fit."""


def connection(found: Report) -> None:
    """Show which endpoint is used and whether it works."""
    now = found.connection
    st.header("Endpoint", anchor=False)
    with st.container(border=True):
        label, color, icon = STATE_BADGES[now.endpoint_state]
        st.badge(label, color=color, icon=icon)  # type: ignore[arg-type]
        st.text(visible(now.sentence))
        if now.hint:
            st.text(visible(now.hint))
        _facts([
            ("Which", "the embedded endpoint" if now.is_embedded else "the endpoint that BASE_URL names"),
            ("Base URL", now.base_url or "not up yet"),
            ("Models", ", ".join(now.models) or "not known: type a model's name in the playground"),
            ("Scores by default with", now.default_scorer),
            ("Other provider", _provider(now)),
        ])  # fmt: skip
        if now.is_embedded:
            st.caption(
                "The embedded model is small and for trying the tool. To use a real endpoint, set BASE_URL "
                "and restart."
            )
            st.text(visible(f"Its log: {found.log_file}"))


def storage(found: Report) -> None:
    """Show where the data is and how much there is, or why it cannot be reached."""
    st.header("Storage", anchor=False)
    if found.store.problem is not None:
        failure(found.store.problem.message, found.store.problem.hint, label="Not open")
        return
    stored = found.store.facts
    assert stored is not None
    with st.container(border=True):
        st.badge("Open", color="green", icon=":material/check_circle:")
        if stored.free_disk_bytes < LITTLE_ROOM_BYTES:
            st.badge("Disk nearly full", color="red", icon=":material/error:")
            st.text(
                "Free some space. Or stop tlm_dash, move the data folder to a larger disk and name it in "
                "TLM_DASH_DATA_DIR."
            )
        counts = stored.row_counts
        n_aside = counts.get("label_set_aside", 0)
        _facts([
            ("Database", str(stored.path or "in memory: gone when tlm_dash stops")),
            ("Held by", f"this dashboard, process {os.getpid()}"),
            ("Size", f"{file_size(stored.size_bytes)}, and {file_size(stored.wal_bytes)} not yet merged"),
            ("Free disk space", file_size(stored.free_disk_bytes)),
            ("Playground prompts", f"{counts.get('playground_entry', 0):,}"),
            ("Responses", f"{counts.get('completion', 0):,}"),
            ("Requests recorded", f"{counts.get('attempt', 0):,}"),
            *([("Labels set aside", set_aside_sentence(n_aside))] if n_aside else []),
            ("Schema", f"version {stored.schema_version}, DuckDB {stored.engine_version}"),
            ("Data folder", str(found.data_dir)),
        ])  # fmt: skip


def settings(found: Report) -> None:
    """Show every setting with its value and where it came from; secrets as set or not set."""
    st.header("Each setting", anchor=False)
    for setting in found.settings:
        name, value = st.columns(2, gap="medium")
        with name, st.container(gap=None):
            st.text(visible(setting.name))
            st.caption(plain(setting.meaning[:1].upper() + setting.meaning[1:]))
        with value, st.container(gap=None):
            st.text(visible(setting.shown))
            st.caption(f"From the {plain(setting.source)}" if setting.source != "default" else "The default")
    st.caption("Set them as environment variables or in a .env file beside app.py, then restart.")


def versions(found: Report) -> None:
    """Show what is running, ready to be copied into a report."""
    with st.expander("Versions"):
        st.code(visible("\n".join(f"{name} {number}" for name, number in found.versions)), language=None)


def _provider(now: Connection) -> str:
    if now.provider is None:
        return "none set"
    if not now.provider.reachable:
        return f"{now.provider.detail} {now.provider.hint}".strip()
    return ", ".join(now.provider_models) or "answers, but lists no models"


def _facts(facts: Iterable[tuple[str, str]]) -> None:
    for name, value in facts:
        with st.container(gap=None):
            st.caption(plain(name))
            st.text(visible(value))
