"""The playground's history: every entry, newest first, searchable, each a link that opens it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.models import utc_now
from tlm_dash.services import playground
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground import HISTORY_ROWS_A_PAGE, HistoryCell, HistoryRow
from tlm_dash.ui.params_playground import PlaygroundParams
from tlm_dash.ui.parts.notice import empty
from tlm_dash.ui.text import ago, one_line, score_text, visible

PROMPT_CHARACTERS = 70


def draw(running: Dashboard, params: PlaygroundParams) -> None:
    """Draw one page of the history with its search."""
    st.header("History", anchor=False)
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
    page = playground.history(running, search=params.search, page=params.page)
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


def _open(entry_id: str) -> None:
    params = PlaygroundParams.from_query(st.query_params)
    st.query_params.from_dict(params.opening(entry_id).to_dict())


def _row(row: HistoryRow, params: PlaygroundParams) -> None:
    is_open = row.entry_id == params.entry
    with st.container(horizontal=True, vertical_alignment="center", key=f"history-{row.entry_id}"):
        # A button, not a link: a link to the page that is open already leaves the browser's address as it is.
        st.button(
            "Shown" if is_open else "Open",
            key=f"open-{row.entry_id}",
            icon=":material/visibility:" if is_open else ":material/open_in_full:",
            type="tertiary",
            on_click=_open,
            args=(row.entry_id,),
            disabled=is_open,
            width=100,
            help=row.created_at.strftime("Asked on %Y-%m-%d at %H:%M:%S UTC"),
        )
        st.text(ago(row.created_at, utc_now()), width=120)
        st.text(one_line(row.prompt, PROMPT_CHARACTERS), width="stretch")
        st.text(_outcome(row), width=330)


def _outcome(row: HistoryRow) -> str:
    """Tell each model's scores, every one beside its preset: other sizes must not be compared."""
    by_model: dict[str, list[str]] = {}
    for cell in row.cells:
        model = visible(cell.model) if cell.model else "given response"
        by_model.setdefault(model, []).append(f"{cell.quality_preset} {_result(cell)}")
    return "\n".join(f"{model}: {' · '.join(results)}" for model, results in by_model.items())


def _result(cell: HistoryCell) -> str:
    if cell.trustworthiness_score is not None:
        return score_text(cell.trustworthiness_score)
    if cell.status == "error":
        # What a person or an end of the program stopped has not failed.
        return cell.error_kind if cell.error_kind in ("stopped", "interrupted") else "failed"
    return "unscored" if cell.status == "done" else "under way"


def _pages(total: int, params: PlaygroundParams) -> None:
    pages = -(-total // HISTORY_ROWS_A_PAGE)
    noun = "prompt" if total == 1 else "prompts"
    with st.container(vertical_alignment="center"):
        if pages > 1:
            shown = min(params.page, pages)
            st.pagination(pages, default=shown, key="history-page", on_change=_turn_page, width="stretch")
        st.caption(f"{total:,} {noun}" + (" found" if params.search else ""))
