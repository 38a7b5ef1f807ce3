"""The filters of the rows, in the sidebar: what occurs in the run can be chosen; the address holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from tlm_dash.models import text_hash
from tlm_dash.services import review
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.review import LABELS, SOURCES, Choices, RowFilter, TextIn
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_review import LONGEST_TEXT, ReviewParams
from tlm_dash.ui.parts.review_runs import listed_run, told_apart
from tlm_dash.ui.parts.row_words import LABEL_WORDS, SOURCE_WORDS, STATUS_WORDS, kind_words
from tlm_dash.ui.text import one_line

TEXT_PLACES: dict[TextIn, str] = {
    "any": "anywhere",
    "prompt": "prompt",
    "response": "response",
    "explanation": "explanation",
}
UNSCORED = {"": "as the interval says", "also": "also", "only": "only these"}
NAME_CHARACTERS = 60


def draw(running: Dashboard, views: Sequence[RunView], params: ReviewParams) -> None:
    """Draw the filters of the listed run."""
    run_id = listed_run(views, params)
    view = next(one for one in views if one.record.run_id == run_id)
    there = review.choices(running, view)
    wanted = params.filter
    with st.sidebar:
        _text(wanted)
        _scores(wanted)
        _several("Label", "labels", {label: LABEL_WORDS[label] for label in LABELS}, wanted.labels)
        _of_rows(there, wanted)
        _tags(running, view, there, wanted)
        with st.expander("More", expanded=_more_is_set(wanted)):
            _several(
                "Label from", "label_sources", {name: SOURCE_WORDS[name] for name in SOURCES},
                wanted.label_sources,
            )  # fmt: skip
            names = dict.fromkeys((*there.annotators, *wanted.annotators))
            if names:
                _several("Labelled by", "annotators", {name: name for name in names}, wanted.annotators)
            _range("Response, characters", "length", wanted.length_min, wanted.length_max)
            _range("Latency, milliseconds", "latency", wanted.latency_min, wanted.latency_max)


def _more_is_set(wanted: RowFilter) -> bool:
    numbers = (wanted.length_min, wanted.length_max, wanted.latency_min, wanted.latency_max)
    return bool(wanted.label_sources or wanted.annotators) or any(n is not None for n in numbers)


def _of_rows(there: Choices, wanted: RowFilter) -> None:
    statuses = _with_counts(there.rows.statuses, wanted.statuses, lambda name: STATUS_WORDS.get(name, name))
    if len(statuses) > 1:
        _several("Status", "statuses", statuses, wanted.statuses)
    kinds = _with_counts(there.rows.error_kinds, wanted.error_kinds, kind_words)
    if kinds:
        _several("Failed because", "error_kinds", kinds, wanted.error_kinds)
    reasons = _with_counts(
        there.rows.finish_reasons, wanted.finish_reasons, lambda name: name or "not told", counted=False
    )
    if len(reasons) > 1:
        _several("Finish reason", "finish_reasons", reasons, wanted.finish_reasons)


def _with_counts(
    values: Mapping[str, int], chosen: Sequence[str], words: Callable[[str], str], *, counted: bool = True
) -> dict[str, str]:
    """Give the values that occur, and what is chosen all the same, each with the words for it."""
    told = {
        value: f"{one_line(words(value), NAME_CHARACTERS)}{f' ({n:,})' if counted else ''}"
        for value, n in values.items()
    }
    return told | {value: one_line(words(value), NAME_CHARACTERS) for value in chosen if value not in told}


def _several(label: str, name: str, options: Mapping[str, str], chosen: Sequence[str]) -> None:
    key = f"filter-{name}-{text_hash(*chosen)[:12]}"
    words = told_apart({value: one_line(word, NAME_CHARACTERS + 20) for value, word in options.items()})
    st.multiselect(
        label,
        options=list(options),
        default=[value for value in chosen if value in options],
        format_func=words.__getitem__,
        placeholder="any",
        key=key,
        on_change=lambda: _change(**{name: tuple(st.session_state[key])}),
    )


def _text(wanted: RowFilter) -> None:
    with st.form("filter-text", border=False):
        text = st.text_input(
            "Text",
            value=wanted.text,
            max_chars=LONGEST_TEXT,
            placeholder="find in the rows",
            key=f"filter-text-{wanted.text}",
        )
        place = st.selectbox(
            "Where",
            options=list(TEXT_PLACES),
            index=list(TEXT_PLACES).index(wanted.text_in),
            format_func=TEXT_PLACES.__getitem__,
            key=f"filter-where-{wanted.text_in}",
        )
        is_regex = st.checkbox(
            "Regular expression",
            value=wanted.is_regex,
            key=f"filter-regex-{wanted.is_regex}",
            help="As RE2 reads it. Upper and lower case differ, unless it begins with (?i).",
        )
        if st.form_submit_button("Find", icon=":material/search:", key="find-text"):
            found = text.strip()
            _change(text=found, text_in=place, is_regex=is_regex and bool(found))
            st.rerun()


def _scores(wanted: RowFilter) -> None:
    with st.container(horizontal=True):
        _number("Score from", "score_from", wanted.score_from, most=1.0, step=0.05)
        _number("below", "score_below", wanted.score_below, most=1.0, step=0.05)
    key = f"filter-unscored-{wanted.unscored}"
    st.selectbox(
        "Unscored rows",
        options=list(UNSCORED),
        index=list(UNSCORED).index(wanted.unscored),
        format_func=lambda value: UNSCORED[value] if value or wanted.has_interval else "with the others",
        key=key,
        on_change=lambda: _change(unscored=st.session_state[key]),
    )


def _range(label: str, name: str, low: float | None, high: float | None) -> None:
    with st.container(horizontal=True):
        _number(f"{label}, from", f"{name}_min", low, whole=name == "length")
        _number("to", f"{name}_max", high, whole=name == "length")


def _number(
    label: str, name: str, value: float | None, *, most: float | None = None, step: float = 1.0,
    whole: bool = False,
) -> None:  # fmt: skip
    key = f"filter-{name}-{value!r}"

    def change() -> None:
        number = st.session_state[key]
        _change(**{name: int(number) if whole and number is not None else number})

    # An address may say more than the field takes: it shows the nearest, the address holds.
    shown = value if value is None or most is None else min(max(value, 0.0), most)
    st.number_input(
        label,
        min_value=0.0,
        max_value=most,
        value=None if shown is None else max(0.0, float(shown)),
        step=step,
        format="%.0f" if whole or most is None else "%.3g",
        placeholder="any",
        key=key,
        on_change=change,
    )


def _tags(running: Dashboard, view: RunView, there: Choices, wanted: RowFilter) -> None:
    names = list(dict.fromkeys((*there.rows.tags, *(name for name, _ in wanted.tags))))
    if not names:
        return
    chosen = dict.fromkeys(name for name, _ in wanted.tags)
    # Looking the values up takes its time: only where somebody wants to choose one.
    tags = st.expander("Tags", expanded=bool(chosen), key=f"filter-tags-{bool(chosen)}", on_change="rerun")
    if not tags.open:
        return
    with tags:
        words = told_apart({name: one_line(name, NAME_CHARACTERS) for name in names})
        name = st.selectbox(
            "Tag",
            options=names,
            index=names.index(next(iter(chosen))) if chosen else 0,
            format_func=words.__getitem__,
            key="filter-tag-name",
        )
        _tag_values(running, view, name, wanted)


def _tag_values(running: Dashboard, view: RunView, name: str, wanted: RowFilter) -> None:
    values = tuple(value for tag, value in wanted.tags if tag == name)
    others = tuple(pair for pair in wanted.tags if pair[0] != name)
    there = review.tag_values(running, view, name)
    options = told_apart(_with_counts(there, values, lambda value: value or "(empty)"))
    key = f"filter-tag-{text_hash(name, *values)[:12]}"
    st.multiselect(
        "is",
        options=list(options),
        default=[value for value in values if value in options],
        format_func=options.__getitem__,
        placeholder="any",
        key=key,
        on_change=lambda: _change(tags=(*others, *((name, value) for value in st.session_state[key]))),
    )


def _change(**values: Any) -> None:  # noqa: ANN401 - fields of RowFilter
    params = ReviewParams.from_query(st.query_params)
    st.query_params.from_dict(params.filtered(replace(params.filter, **values)).to_dict())
