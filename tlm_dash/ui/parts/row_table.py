"""The rows that the filters find, a hundred at a time, each a line that opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import text_hash
from tlm_dash.services import review
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.review import ROWS_A_PAGE, RowFilter, RowLook, RowSummary, Sort
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts.dataset_list import counted
from tlm_dash.ui.parts.notice import empty, failure
from tlm_dash.ui.parts.review_runs import listed_run, run_names
from tlm_dash.ui.parts.row_words import flags, label_words
from tlm_dash.ui.text import one_line, score_text

TEXT_CHARACTERS = 120
TABLE_HEIGHT = 640

SORTS: dict[Sort, str] = {
    "score": "lowest score first",
    "score_down": "highest score first",
    "item": "as in the dataset",
    "length_down": "longest response first",
    "latency_down": "slowest first",
}


def draw(running: Dashboard, views: Sequence[RunView], params: ReviewParams) -> None:
    """Draw one page of the rows of the listed run."""
    run_id = listed_run(views, params)
    view = next(one for one in views if one.record.run_id == run_id)
    try:
        look = review.found(
            running, view, params.filter, sort=params.sort, page=params.page, axis=params.axis
        )
    except InvalidInputError as error:
        failure(error.message, error.hint, label="Not searched")
        _clear_button("clear-broken")
        return
    pages = max(1, -(-look.n_rows // ROWS_A_PAGE))
    if params.page > pages:
        params = replace(params, page=pages)
        look = review.found(running, view, params.filter, sort=params.sort, page=pages, axis=params.axis)
    _head(views, run_id, view, look, params)
    if not look.n_rows:
        _nothing(view, params.filter)
        return
    rows = review.page(running, view, look.item_nos)
    _table(rows, run_id, params)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            key = f"review-page-{run_id}-{params.sort}-{text_hash(repr(params.filter))[:12]}"
            st.pagination(pages, default=params.page, key=key, on_change=_turn_page, args=(key,))
        st.caption(f"{counted(look.n_rows, 'row')} found" if look.n_rows < view.record.n_items else "")


def _head(views: Sequence[RunView], run_id: str, view: RunView, look: RowLook, params: ReviewParams) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="rows-head"):
        if len(views) > 1:
            names = run_names(views)
            st.selectbox(
                "Rows of",
                options=list(names),
                index=list(names).index(run_id),
                format_func=names.__getitem__,
                key=f"rows-of-{run_id}",
                on_change=_list,
                args=(f"rows-of-{run_id}",),
                width=320,
            )
        key = f"review-sort-{params.sort}"
        st.selectbox(
            "Order",
            options=list(SORTS),
            index=list(SORTS).index(params.sort),
            format_func=SORTS.__getitem__,
            key=key,
            on_change=_sort,
            args=(key,),
            width=220,
        )
        n = view.record.n_items
        words = f"All {counted(n, 'row')}" if look.n_rows == n else f"{look.n_rows:,} of {counted(n, 'row')}"
        st.text(words)
        if look.n_rows and params.filter != RowFilter():
            _clear_button("clear-filters")


def _table(rows: Sequence[RowSummary], run_id: str, params: ReviewParams) -> None:
    st.dataframe(
        _columns(rows),
        hide_index=True,
        height=min(TABLE_HEIGHT, 37 + 35 * len(rows)),
        column_config={
            "open": st.column_config.ButtonColumn(
                "Open", width=60, type="tertiary", key="open-row", on_click=_open,
                args=(tuple(row.item_no for row in rows),),
            ),
            "row": st.column_config.NumberColumn(width=66),
            "score": st.column_config.ProgressColumn(
                width=72, min_value=0.0, max_value=1.0, format=" ", help="Longer is more trustworthy"
            ),
            "number": st.column_config.TextColumn("0 to 1", width=72, alignment="right"),
            "prompt": st.column_config.TextColumn(width=185),
            "response": st.column_config.TextColumn(width=185),
            "label": st.column_config.TextColumn(width=80),
            "flags": st.column_config.TextColumn(width=90),
        },
        key=f"rows-{run_id}-{params.page}-{params.sort}",
        alt=f"{counted(len(rows), 'row')}, {SORTS[params.sort]}: score, prompt, response, label and flags.",
    )  # fmt: skip


def _columns(rows: Sequence[RowSummary]) -> dict[str, list[Any]]:
    def cell(text: str | None) -> str:
        return one_line(text or "", TEXT_CHARACTERS)

    def score(row: RowSummary) -> str:
        return "—" if row.trustworthiness_score is None else score_text(row.trustworthiness_score)

    return {
        "open": ["Open"] * len(rows),
        "row": [row.item_no for row in rows],
        "score": [row.trustworthiness_score for row in rows],
        "number": [score(row) for row in rows],
        "prompt": [cell(row.prompt) for row in rows],
        "response": [cell(row.response) for row in rows],
        "label": [label_words(row.label, row.label_state) for row in rows],
        "flags": [", ".join(flags(row)) for row in rows],
    }


def _nothing(view: RunView, wanted: RowFilter) -> None:
    if wanted == RowFilter():
        empty("This run has no rows yet.", "They appear here as they are answered and scored.")
        st.page_link("../../pages/runs.py", label="Look at the run", icon=":material/play_circle:")
        return
    empty(
        "No row matches these filters.",
        f"The run has {counted(view.record.n_items, 'row')}.",
        label="Nothing found",
    )
    _clear_button("clear-nothing")


def _clear_button(key: str) -> None:
    st.button("Clear filters", key=key, icon=":material/filter_alt_off:", on_click=_clear)


def _params() -> ReviewParams:
    return ReviewParams.from_query(st.query_params)


def _clear() -> None:
    st.query_params.from_dict(_params().filtered(RowFilter()).to_dict())


def _list(key: str) -> None:
    st.query_params.from_dict(_params().listing(st.session_state[key]).to_dict())


def _sort(key: str) -> None:
    changed = replace(_params(), sort=st.session_state[key], page=1, row=None)
    st.query_params.from_dict(changed.to_dict())


def _turn_page(key: str) -> None:
    st.query_params.from_dict(replace(_params(), page=st.session_state[key], row=None).to_dict())


def _open(item_nos: tuple[int, ...]) -> None:
    pressed = st.session_state["open-row"]
    if 0 <= pressed["row"] < len(item_nos):
        st.query_params.from_dict(_params().opening(item_nos[pressed["row"]]).to_dict())
