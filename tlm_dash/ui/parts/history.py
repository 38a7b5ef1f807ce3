"""The playground's history: every entry, newest first, searchable, each a link that opens it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.models import utc_now
from tlm_dash.services import playground
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.store.playground import HistoryRow
from tlm_dash.ui.params import PlaygroundParams
from tlm_dash.ui.parts.notice import empty
from tlm_dash.ui.text import ago, one_line, score_text, visible

ROWS_A_PAGE = 10
PROMPT_CHARACTERS = 110


def draw(running: Dashboard, params: PlaygroundParams) -> None:
    """Draw one page of the history with its search."""
    st.subheader("History", anchor=False)
    st.text_input(
        "Search prompts and responses",
        value=params.search,
        key="history-search",
        placeholder="Search prompts and responses",
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=_search,
        width=420,
    )
    offset = (params.page - 1) * ROWS_A_PAGE
    page = playground.history(running, search=params.search, limit=ROWS_A_PAGE, offset=offset)
    if not page.total:
        if params.search:
            empty("No earlier prompt or response contains this text.", "Search for another one.")
        else:
            st.caption("Every prompt that you run is kept here, with its answers and scores.")
        return
    for row in page.rows:
        _row(row, params)
    _pages(page.total, params)


def _search() -> None:
    params = PlaygroundParams.from_query(st.query_params)
    changed = replace(params, search=st.session_state["history-search"].strip(), page=1)
    st.query_params.from_dict(changed.to_dict())


def _turn_page() -> None:
    params = PlaygroundParams.from_query(st.query_params)
    changed = replace(params, page=st.session_state["history-page"])
    st.query_params.from_dict(changed.to_dict())


def _row(row: HistoryRow, params: PlaygroundParams) -> None:
    is_open = row.entry_id == params.entry
    with st.container(horizontal=True, vertical_alignment="center", key=f"history-{row.entry_id}"):
        st.page_link(
            "../../pages/playground.py",
            label="Shown" if is_open else "Open",
            icon=":material/visibility:" if is_open else ":material/open_in_full:",
            query_params=params.opening(row.entry_id).to_dict(),
            disabled=is_open,
            help=row.created_at.strftime("Asked on %Y-%m-%d at %H:%M:%S UTC"),
        )
        st.text(ago(row.created_at, utc_now()), width=120)
        st.text(one_line(row.prompt, PROMPT_CHARACTERS), width="stretch")
        st.text(_outcome(row), width=330)


def _outcome(row: HistoryRow) -> str:
    models = ", ".join(visible(model) for model in row.models) or "given response"
    scores = [score_text(score) for score in row.scores if score is not None]
    counts = {
        "unscored": row.n_done - len(scores),
        "failed": row.n_error,
        "under way": row.n_cells - row.n_done - row.n_error,
    }
    told = [", ".join(scores)] if scores else []
    told += [f"{count} {what}" for what, count in counts.items() if count > 0]
    return " · ".join([models, ", ".join(row.quality_presets), *told])


def _pages(total: int, params: PlaygroundParams) -> None:
    pages = -(-total // ROWS_A_PAGE)
    noun = "prompt" if total == 1 else "prompts"
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, default=min(params.page, pages), key="history-page", on_change=_turn_page)
        st.caption(f"{total:,} {noun}" + (" found" if params.search else ""))
