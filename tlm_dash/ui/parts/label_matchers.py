"""Labels by a matcher: which one, what it would find with examples, then Apply or Take back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.services import label_matchers
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_matchers import MATCHERS, MEANINGS, Application, Pair, Preview
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import beginning, visible
from tlm_dash.words.numbers import percent

LOOKED_AT_ONCE = 5_000
"""Rows; what a matcher finds in larger runs is counted when a person asks."""

NONE = ""
TITLES = {
    NONE: "No matcher",
    "exact": "Exact",
    "normalized": "Normalised",
    "contains": "Contains",
    "number": "Number",
    "aliases": "List of aliases",
}
CELL_CHARACTERS = 20_000
ROW_HEIGHT = 62


def draw(running: Dashboard, run_id: str, n_answered: int, name: str | None) -> None:
    """Draw the matcher that is applied, the choice of one, and what it would find."""
    st.header("Labels by matching the reference", anchor=False)
    now = label_matchers.applied(running, run_id)
    if now is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            by = f" by {visible(now.applied_by)}" if now.applied_by else ""
            st.text(
                f"{TITLES[now.matcher]} is applied{by}: {now.n_hits:,} correct, {now.n_misses:,} incorrect, "
                f"{now.n_without_reference:,} without a reference."
            )
            if st.button("Take back", icon=":material/undo:", key="matcher-back", disabled=name is None):
                change(lambda: label_matchers.take_back(running, run_id, name))
    else:
        st.caption("Matchers err: look at what one finds before its labels count.")
    st.session_state["labels-matcher"] = _wanted()
    st.selectbox(
        "Matcher",
        options=list(TITLES),
        format_func=lambda one: f"{TITLES[one]}: {MEANINGS[one]}" if one else TITLES[one],
        key="labels-matcher",
        on_change=_choose,
        width=620,
    )
    if wanted := _wanted():
        _look(running, run_id, wanted, n_answered, name, now)


def _wanted() -> str:
    wanted = (st.query_params.get_all("matcher") or [NONE])[-1]
    return wanted if wanted in MATCHERS else NONE


def _choose() -> None:
    chosen = st.session_state["labels-matcher"]
    if chosen:
        st.query_params["matcher"] = chosen
    elif "matcher" in st.query_params:
        del st.query_params["matcher"]


def _look(
    running: Dashboard, run_id: str, matcher: str, n_answered: int, name: str | None, now: Application | None
) -> None:
    if n_answered > LOOKED_AT_ONCE and not st.button(
        f"Compare {n_answered:,} rows", icon=":material/search:", key="matcher-look"
    ):
        if st.button("Apply without looking", key="matcher-apply", disabled=name is None):
            change(lambda: label_matchers.apply(running, run_id, matcher, name))
        return
    try:
        with st.spinner("Comparing responses with references …"):
            found = label_matchers.preview(running, run_id, matcher)
    except TlmDashError as error:
        failure(error.message, error.hint)
        return
    _counts(found)
    if not found.n_hits + found.n_misses:
        return
    _examples("Would count as correct, for example", found.hits, f"hits-{run_id}-{matcher}")
    _examples("Would count as incorrect, for example", found.misses, f"misses-{run_id}-{matcher}")
    if now is not None and (now.matcher, now.n_hits, now.n_misses) == (matcher, found.n_hits, found.n_misses):
        st.caption("This is what is applied.")
    elif st.button(
        "Apply",
        type="primary",
        icon=":material/done_all:",
        key="matcher-apply",
        disabled=name is None,
        help="Say at the top of the page who you are: labels keep the name." if name is None else None,
    ):
        change(lambda: label_matchers.apply(running, run_id, matcher, name))


def _counts(found: Preview) -> None:
    compared = found.n_hits + found.n_misses
    if not compared:
        st.text(
            "No answered row has a reference to compare with. A column of the file can be given that role."
        )
        return
    st.text(
        f"{found.n_hits:,} of {compared:,} compared rows agree ({percent(found.n_hits / compared)}), "
        f"{found.n_misses:,} do not; {found.n_without_reference:,} have no reference."
    )


def _examples(title: str, pairs: Sequence[Pair], key: str) -> None:
    st.caption(title)
    if not pairs:
        st.caption("None.")
        return
    st.dataframe(
        {
            "response": [beginning(pair.response, CELL_CHARACTERS) for pair in pairs],
            "reference": [beginning(pair.reference or "", CELL_CHARACTERS) for pair in pairs],
            "prompt": [beginning(pair.prompt, CELL_CHARACTERS) for pair in pairs],
        },
        hide_index=True,
        row_height=ROW_HEIGHT,
        column_config={
            "response": st.column_config.TextColumn(width="medium"),
            "reference": st.column_config.TextColumn(width="small"),
        },
        key=key,
    )
