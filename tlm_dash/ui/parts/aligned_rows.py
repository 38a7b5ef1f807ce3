"""The pairs themselves, aligned: which to look at, a page of them, one opened with what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.services.compare import Comparison
from tlm_dash.services.compare_rows import (
    ROWS_A_PAGE,
    ROWS_WANTED,
    AlignedRow,
    RowsWanted,
    counts_of,
    open_row,
    page_of,
    positions_of,
    response_difference,
)
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts.difference import difference
from tlm_dash.ui.parts.difference_rows import names_of
from tlm_dash.ui.parts.notice import empty
from tlm_dash.ui.parts.whole_text import whole_text
from tlm_dash.ui.text import one_line, score_text, visible
from tlm_dash.words.numbers import percent

TEXT_CHARACTERS = 160
TABLE_HEIGHT = 560

WANTED_WORDS: dict[RowsWanted, str] = {
    "differ": "only where they differ", "only_a": "only the baseline right",
    "only_b": "only the candidate right", "both_wrong": "both wrong", "flips": "flips at the threshold",
    "moves": "biggest rank moves", "all": "all pairs",
}  # fmt: skip
LABELS = {1: "right", 0: "wrong", None: "—"}


def draw(running: Dashboard, comparison: Comparison, params: CompareParams) -> None:
    """Draw the rows of the candidate that is looked at."""
    pair = comparison.pairs[params.shown]
    if not pair.pairing.n:
        return
    st.header("Row by row", anchor=False)
    a, b = comparison.runs[0].run, comparison.runs[params.shown + 1].run
    counts = counts_of(pair)
    wanted = params.rows or ("differ" if counts["differ"] else "flips" if counts["flips"] else "all")
    _choice(wanted, counts)
    total = counts[wanted]
    if not total:
        empty("No pair is of this kind.", "Choose other rows above.", label="Nothing found")
        return
    pages = -(-total // ROWS_A_PAGE)
    page = min(params.page, pages)
    positions = positions_of(pair, wanted)[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    rows = page_of(running, pair, a, b, positions)
    _table(rows, f"{wanted}-{params.shown}-{page}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            key = f"compare-page-{wanted}-{pair.b.run_id}"
            st.pagination(pages, default=page, key=key, on_change=_turn_page, args=(key,))
        st.caption(
            f"{total:,} of {counts['all']:,} pairs. Rank is the share of pairs that score lower in the same "
            "run: scores themselves do not compare."
        )
    if params.row is not None:
        found = open_row(running, pair, a, b, params.row)
        if found is not None:
            names = names_of(comparison)
            _drawer(found, names[pair.a.run_id], names[pair.b.run_id])


def _choice(chosen: RowsWanted, counts: dict[RowsWanted, int]) -> None:
    key = f"compare-rows-{chosen}"
    options = [wanted for wanted in WANTED_WORDS if wanted in ROWS_WANTED]
    st.pills(
        "Rows",
        options=options,
        default=chosen,
        format_func=lambda wanted: f"{WANTED_WORDS[wanted]} ({counts[wanted]:,})",
        key=key,
        label_visibility="collapsed",
        on_change=_want,
        args=(key,),
    )


def _table(rows: list[AlignedRow], key: str) -> None:
    def rank(value: float | None) -> str:
        return percent(value)

    def moved(row: AlignedRow) -> str:
        return "" if row.moved is None else f"{100 * row.moved:+.0f}".replace("-", "−")

    columns: dict[str, list[Any]] = {
        "open": ["Open"] * len(rows),
        "row": [row.item_a for row in rows],
        "prompt": [one_line(row.prompt, TEXT_CHARACTERS) for row in rows],
        "baseline": [one_line(row.response_a, TEXT_CHARACTERS) for row in rows],
        "candidate": [
            "the same" if row.same_response else one_line(row.response_b, TEXT_CHARACTERS) for row in rows
        ],
        "A": [LABELS[row.label_a] for row in rows],
        "B": [LABELS[row.label_b] for row in rows],
        "rank A": [rank(row.rank_a) for row in rows],
        "rank B": [rank(row.rank_b) for row in rows],
        "move": [moved(row) for row in rows],
    }
    narrow = st.column_config.TextColumn(width=66, alignment="right")
    st.dataframe(
        columns,
        hide_index=True,
        height=min(TABLE_HEIGHT, 37 + 35 * len(rows)),
        column_config={
            "open": st.column_config.ButtonColumn(
                "Open", width=60, type="tertiary", key="compare-open", on_click=_open,
                args=(tuple(row.item_a for row in rows),),
            ),
            "row": st.column_config.NumberColumn(width=60),
            "prompt": st.column_config.TextColumn(width=200),
            "baseline": st.column_config.TextColumn("A: baseline", width=190),
            "candidate": st.column_config.TextColumn("B: candidate", width=190),
            "A": st.column_config.TextColumn(width=56), "B": st.column_config.TextColumn(width=56),
            "rank A": narrow, "rank B": narrow, "move": narrow,
        },
        key=f"compare-table-{key}",
        alt="Pairs of responses: prompt, both responses, both labels, both ranks and how far the rank moved.",
    )  # fmt: skip


def _drawer(row: AlignedRow, name_a: str, name_b: str) -> None:
    @st.dialog("Both responses", width="large", on_dismiss=_close)
    def opened() -> None:
        place = f"pair-{row.item_a}-{row.item_b}"
        st.caption("Prompt")
        whole_text(row.prompt, what="prompt", key=place)
        for name, score, rank, label in (
            (name_a, row.score_a, row.rank_a, row.label_a), (name_b, row.score_b, row.rank_b, row.label_b)
        ):  # fmt: skip
            told = "no score" if score is None else f"score {score_text(score)}"
            if rank is not None:
                told += f", higher than {percent(rank)} of its pairs"
            st.text(f"{visible(name)}: {LABELS[label] if label is not None else 'no label'} · {told}")
        st.caption(
            "What only the baseline says is struck through, what only the candidate says is underlined"
        )
        if row.same_response:
            st.text("Both responses are the same.")
            whole_text(row.response_a, what="response", key=place)
        else:
            difference(response_difference(row), ("the baseline", "the candidate"), key=place)

    opened()


def _params() -> CompareParams:
    return CompareParams.from_query(st.query_params)


def _want(key: str) -> None:
    wanted = st.session_state[key]
    st.query_params.from_dict(_params().listing(rows=wanted or "all").to_dict())


def _turn_page(key: str) -> None:
    st.query_params.from_dict(replace(_params(), page=st.session_state[key], row=None).to_dict())


def _open(item_nos: tuple[int, ...]) -> None:
    pressed = st.session_state["compare-open"]
    if 0 <= pressed["row"] < len(item_nos):
        st.query_params.from_dict(replace(_params(), row=item_nos[pressed["row"]]).to_dict())


def _close() -> None:
    st.query_params.from_dict(replace(_params(), row=None).to_dict())
